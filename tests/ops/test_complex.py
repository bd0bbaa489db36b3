"""Arithmetic on complex tensors and variables, which runs in NumPy."""

import operator

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops

A = np.array([[1 + 2j, -3j], [0.5, 0]], "complex64")
B = np.array([2 - 1j, 4], "complex64")
REAL = np.array([3.0, -1.5], "float32")
OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.eq,
    operator.ne,
    operator.matmul,
]


@pytest.mark.parametrize("function", OPERATORS)
@pytest.mark.parametrize("other", [B, REAL, B.astype("complex128")], ids=["complex64", "float32", "complex128"])
@pytest.mark.parametrize("make", [ops.convert_to_tensor, keras.Variable])
def test_operators(function, other, make):
    if make is keras.Variable:
        variable = make(np.zeros_like(A), dtype="complex64")
        variable.assign(A)
        found = function(variable, make(other, dtype=other.dtype.name))
    else:
        found = function(make(A), make(other))
    with np.errstate(all="ignore"):
        wanted = function(A, other)
    assert found.dtype == wanted.dtype.name
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)


def test_numbers_and_truth():
    x = ops.convert_to_tensor(A)
    np.testing.assert_allclose((2 * x - 1.5).numpy(), 2 * A - 1.5)
    np.testing.assert_allclose(ops.exp(x).numpy(), np.exp(A), rtol=1e-6)
    assert ops.logical_and(x, x).tolist() == [[True, True], [True, False]]
    assert ops.cast(x, "float32").tolist() == A.real.tolist() and ops.cast(x, "bool").tolist() == A.astype(bool).tolist()
    np.testing.assert_array_equal(ops.cast(REAL, "complex64").numpy(), REAL.astype("complex64"))
    np.testing.assert_allclose(ops.matmul(x, x).numpy(), A @ A)


def test_what_has_no_order_is_refused():
    with pytest.raises(TypeError, match="max: not defined for complex64"):
        ops.relu(ops.convert_to_tensor(A))
    with pytest.raises(TypeError, match="lt: not defined for complex64"):
        ops.less(ops.convert_to_tensor(A), ops.convert_to_tensor(A))


def test_what_has_no_kernel_names_the_operation():
    with pytest.raises(TypeError, match="transpose: .*no kernel works on arrays of dtype complex64; cast"):
        ops.transpose(ops.convert_to_tensor(A))
