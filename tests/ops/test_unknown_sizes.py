"""Symbolic shapes with unknown sizes: never more than is certain, and refused where the operation needs to know."""

import numpy as np
import pytest

from kerasgpu import KerasTensor, ops


@pytest.mark.parametrize(
    "key, shape",
    [
        (slice(None, 2), (None, 3)),
        (slice(0, 3), (None, 3)),
        (slice(-2, None), (None, 3)),
        (slice(1, None), (None, 3)),
        ((slice(0, 2), slice(0, 2)), (None, 2)),
        (0, (3,)),
        (5, (3,)),
        ((Ellipsis, 0), (None,)),
        ((slice(None), None), (None, 1, 3)),
        (None, (1, None, 3)),
    ],
)
def test_indexing(key, shape):
    assert KerasTensor((None, 3))[key].shape == shape


@pytest.mark.parametrize("shape", [(None, 3), (3, None), (None, None)])
@pytest.mark.parametrize("offset", [0, 1, -1])
def test_diagonals(shape, offset):
    assert ops.diag(KerasTensor(shape), offset).shape == (None,)
    assert ops.diagonal(KerasTensor(shape), offset).shape == (None,)


def test_diag_of_vectors_and_known_sizes():
    assert ops.diag(KerasTensor((None,)), 1).shape == (None, None)
    assert ops.diagonal(KerasTensor((None, 3, 4)), axis1=1, axis2=2).shape == (None, 3)


def test_repeat_and_corrcoef():
    assert ops.repeat(KerasTensor((None, 3)), 2, axis=0).shape == (None, 3)
    assert ops.repeat(KerasTensor((None, 3)), 2, axis=1).shape == (None, 6)
    assert ops.repeat(KerasTensor((None, 3)), 2).shape == (None,)
    assert ops.corrcoef(KerasTensor((3, None))).shape == (3, 3)
    assert ops.corrcoef(KerasTensor((None, 3))).shape == (None, None)
    assert ops.layer_normalization(KerasTensor((None, None, 3))).shape == (None, None, 3)


SQUARE = [ops.det, ops.inv, ops.cholesky, ops.cholesky_inverse, ops.eig, ops.eigh, ops.slogdet]


@pytest.mark.parametrize("function", SQUARE)
def test_square_matrices(function):
    with pytest.raises(ValueError, match=r"square matrices, received shape \(None, 3\)"):
        function(KerasTensor((None, 3)))
    function(KerasTensor((None, None)))
    function(KerasTensor((None, 3, 3)))


@pytest.mark.parametrize("function", [ops.svd, ops.qr, ops.lu_factor])
@pytest.mark.parametrize("shape", [(None, 3), (3, None), (2, None, None)])
def test_factorizations_need_both_sizes(function, shape):
    with pytest.raises(ValueError, match="the last 2 dimensions of the input must be known"):
        function(KerasTensor(shape))
    assert function(KerasTensor((None, 4, 3)))[0].shape[0] is None


def test_fourier_transforms_need_the_sizes_along_them():
    x = KerasTensor((3, None))
    with pytest.raises(ValueError, match=r"fft: the last dimension .* \(3, None\)"):
        ops.fft((x, x))
    y = KerasTensor((None, 4))
    assert ops.fft((y, y))[0].shape == (None, 4)
    for function in (ops.fft2, ops.ifft2):
        with pytest.raises(ValueError, match=r"the last 2 dimensions .* \(None, 4\)"):
            function((y, y))


@pytest.mark.parametrize(
    "a, b, kind", [("int32", "float16", "float16"), ("bool", "bfloat16", "bfloat16"), ("int32", "int32", "float32")]
)
def test_dtypes_of_two_operands(a, b, kind):
    x, y = ops.convert_to_tensor(np.eye(2), a), ops.convert_to_tensor(np.eye(2), b)
    for function in (ops.cdist, ops.solve, ops.solve_triangular, ops.lstsq):
        assert function(x, y).dtype == kind
        assert function(y, x).dtype == kind
    assert ops.searchsorted(x[0], y[0]).dtype == "int32"


def test_shifts_of_bools_are_integers():
    true = ops.convert_to_tensor([True])
    assert ops.bitwise_left_shift(true, true).dtype == "int32"
    assert ops.bitwise_left_shift(true, true).tolist() == [2]
    assert ops.bitwise_right_shift(true, true).tolist() == [0]


@pytest.mark.parametrize("target", ["bool", "int32", "float16"])
def test_cross_entropies_of_half_floats_stay_half(target):
    p = ops.convert_to_tensor([[0.5, 0.5]], "float16")
    t = ops.convert_to_tensor([[1, 0]], target)
    assert ops.binary_crossentropy(t, p).dtype == "float16"
    assert ops.categorical_crossentropy(t, p).dtype == "float16"
    assert (
        ops.binary_crossentropy(ops.convert_to_tensor([1.0, 0.0], "float16"), ops.convert_to_tensor([1, 0])).dtype == "float16"
    )
