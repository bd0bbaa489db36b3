"""Messages name the operation, what was received, and what to change; bad input never gets through to memory."""

import numpy as np
import pytest

from kerasgpu import ops


def check(error, text, function, *args, **kwargs):
    with pytest.raises(error) as found:
        function(*args, **kwargs)
    assert text in str(found.value)


def test_shapes_that_do_not_broadcast():
    x, y = ops.ones((2, 3)), ops.ones((4,))
    check(ValueError, "add: shapes (2, 3) and (4,) do not broadcast", ops.add, x, y)
    check(ValueError, "do not broadcast", ops.where, x > 0, x, y)
    check(ValueError, "broadcast_to", ops.broadcast_to, x, (2, 4))


def test_axes():
    x = ops.ones((2, 3))
    for function in (ops.sum, ops.max, ops.argmax, ops.sort, ops.cumsum, ops.flip):
        check(ValueError, "axis 5 is out of bounds", function, x, axis=5)
    check(ValueError, "twice", ops.sum, x, axis=(0, -2))
    check(ValueError, "size is not 1", ops.squeeze, x, 0)


def test_reshape():
    x = ops.ones((2, 3))
    check(ValueError, "cannot reshape a tensor of shape (2, 3) (6 elements) into shape (4, 2)", ops.reshape, x, (4, 2))
    check(ValueError, "cannot reshape", ops.reshape, x, (4, -1))
    check(ValueError, "at most one unknown", ops.reshape, x, (-1, -1))
    check(ValueError, "newshape=(-2, 3)", ops.reshape, x, (-2, 3))
    check(TypeError, "sequence of integers", ops.reshape, x, "ab")


def test_joining():
    check(ValueError, "must be equal but for axis 0", ops.concatenate, [ops.ones((2, 3)), ops.ones((2, 4))])
    check(ValueError, "one shape", ops.stack, [ops.ones((2,)), ops.ones((3,))])
    check(ValueError, "at least one tensor", ops.concatenate, [])
    check(ValueError, "equal parts", ops.split, ops.ones((5,)), 2)


def test_indices():
    x = ops.ones((3, 4))
    check(IndexError, "index 3 is out of bounds for dimension 0 of size 3", lambda: x[3])
    check(IndexError, "too many indices", lambda: x[0, 0, 0])
    check(IndexError, "single ellipsis", lambda: x[..., 0, ...])
    check(IndexError, "bool mask of shape (4,)", lambda: x[np.array([True] * 4)])
    check(IndexError, "dtype float32", lambda: x[np.ones(2, "float32")])
    check(TypeError, "indices must be integers", ops.take, x, [0.5])


def test_an_index_outside_gives_nan_or_zero():
    assert np.isnan(ops.take(ops.ones((3,)), [5]).numpy()).all()
    assert ops.take(ops.ones((3,), dtype="int32"), [-4, 2]).numpy().tolist() == [0, 1]
    assert np.isnan(ops.ones((3, 4))[np.array([7]), np.array([0])].numpy()).all()


def test_empty_reductions():
    x = ops.ones((0, 3))
    check(ValueError, "pass `initial`", ops.max, x, axis=0)
    assert ops.max(x, axis=0, initial=-1.0).numpy().tolist() == [-1.0] * 3
    assert ops.max(x, axis=1).shape == (0,)
    check(ValueError, "no elements", ops.argmax, x, axis=0)
    assert float(ops.sum(x)) == 0.0 and float(ops.prod(x)) == 1.0


def test_integer_operations_refuse_floats():
    check(TypeError, "bitwise_and", ops.bitwise_and, 1.5, 2)
    check(TypeError, "gcd", ops.gcd, 1.5, 2)
    check(TypeError, "ldexp exponent", ops.ldexp, 1.5, 2.0)


def test_einsum():
    x = ops.ones((2, 3))
    check(ValueError, "names 1 operands, 2 were given", ops.einsum, "ij", x, x)
    check(ValueError, "has 2 dimensions", ops.einsum, "ijk->i", x)
    check(ValueError, "letter 'j' has sizes 3 and 2", ops.einsum, "ij,jk->ik", x, x)
    check(ValueError, "not allowed", ops.einsum, "ij->z", x)


def test_other_arguments():
    check(ValueError, "mode must be one of", ops.pad, [1], 1, mode="mirror")
    check(ValueError, "constant_values", ops.pad, [1], 1, mode="edge", constant_values=2)
    check(ValueError, "method", ops.quantile, [1.0], 0.5, method="best")
    check(ValueError, "either both", ops.where, [True], 1.0, None)
    check(TypeError, "bins", ops.histogram, [1.0], bins=2.5)
    check(ValueError, "step must not be 0", ops.arange, 0, 5, 0)
