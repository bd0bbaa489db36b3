"""keras.ops.core: conversion, slices, scatters, control flow, custom gradients; and rearrange."""

import numpy as np
import pytest
from gradient_check import check_gradients

import kerasgpu as keras
from kerasgpu import KerasTensor, ops


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_conversion():
    assert ops.convert_to_tensor([1.5]).dtype == "float32" and ops.convert_to_tensor([1]).dtype == "int32"
    assert ops.convert_to_tensor(np.ones(2)).dtype == "float64"
    assert ops.convert_to_tensor([ops.ones(()), 2.0]).tolist() == [1.0, 2.0]
    assert ops.cast(np.array([1.7, -1.7]), "int32").tolist() == [1, -1]
    assert ops.is_tensor(ops.ones(1)) and not ops.is_tensor(np.ones(1)) and not ops.is_tensor(keras.Variable(1.0))
    assert ops.shape(KerasTensor((None, 3))) == (None, 3) and ops.shape([[1, 2]]) == (1, 2)
    assert ops.dtype(np.ones(1, "int8")) == "int8"
    a = ops.ones(2)
    copy = ops.convert_to_numpy(a)
    copy[0] = 5
    assert a.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="sparse"):
        ops.convert_to_tensor([1.0], sparse=True)
    check_gradients(lambda x: ops.cast(ops.cast(x, "float64") * 2, "float64"), normal(3))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool", "float16", "bfloat16"])
def test_saturate_cast(dtype):
    x = np.array([-1e30, -300.0, -1.0, 0.0, 0.6, 300.0, 1e30], "float32")
    found = np.asarray(ops.saturate_cast(x, dtype)).astype("float64")
    if dtype == "bool":
        assert found.tolist() == [0, 0, 0, 0, 1, 1, 1]
    elif dtype == "bfloat16":
        np.testing.assert_allclose(found, x, rtol=1e-2)
    else:
        info = np.finfo(dtype) if "float" in dtype else np.iinfo(dtype)
        wanted = np.clip(x.astype("float64"), float(info.min), float(info.max))
        np.testing.assert_allclose(found, wanted if "float" in dtype else np.trunc(wanted), rtol=1e-3)


def test_unstack():
    x = normal(2, 3)
    assert [t.shape for t in ops.unstack(x, axis=1)] == [(2,)] * 3
    check_gradients(lambda x: ops.unstack(x, axis=-1)[1], x)
    with pytest.raises(ValueError, match="out of bounds"):
        ops.unstack(x, axis=2)


def test_slices():
    x = np.arange(24.0).reshape(4, 6)
    for start in ([1, 2], [ops.convert_to_tensor(1), 2], ops.convert_to_tensor([1, 2])):
        assert ops.slice(x, start, (2, 3)).tolist() == x[1:3, 2:5].tolist()
        updated = ops.slice_update(x, start, np.zeros((2, 3)))
        wanted = x.copy()
        wanted[1:3, 2:5] = 0
        assert updated.tolist() == wanted.tolist()
    assert ops.slice(x, [9, 0], (2, -1)).tolist() == x[2:].tolist()  # moved inside
    for start in ([1, 2], ops.convert_to_tensor([1, 2])):
        check_gradients(lambda x: ops.slice(x, start, (2, 3)), x)  # noqa: B023
        check_gradients(lambda x, u: ops.slice_update(x, start, u), x, normal(2, 3))  # noqa: B023


def test_scatters():
    indices = np.array([[0, 1], [2, 0], [0, 1]])
    values = np.array([1.0, 2.0, 4.0])
    found = np.asarray(ops.scatter(indices, values, (3, 2)))
    wanted = np.zeros((3, 2))
    np.add.at(wanted, tuple(indices.T), values)
    assert found.tolist() == wanted.tolist()
    assert ops.scatter([[5], [0]], [[1.0, 1.0], [2.0, 2.0]], (2, 2)).tolist() == [[2.0, 2.0], [0.0, 0.0]]
    x = np.full((3, 2), 3.0)
    expected = {None: 4.0, "add": 8.0, "max": 4.0, "min": 1.0, "mul": 12.0}
    for reduction, value in expected.items():
        out = ops.scatter_update(x, indices, values, reduction=reduction)
        assert float(out[0, 1]) == value and float(out[1, 1]) == 3.0
    rows = np.array([[1], [0], [1]])
    data, updates = normal(3, 4), normal(3, 4, seed=1)
    check_gradients(lambda v: ops.scatter(rows, v, (3, 4)), updates)
    for reduction in expected:
        check_gradients(lambda x, u: ops.scatter_update(x, rows, u, reduction=reduction), data, updates)  # noqa: B023
    check_gradients(
        lambda u: ops.scatter_update(np.ones(2), [[0], [0]], u, reduction="mul"), np.array([0.0, 3.0]), second=False
    )
    with pytest.raises(ValueError, match="reduction"):
        ops.scatter_update(x, indices, values, reduction="mean")


def test_control_flow():
    assert int(ops.cond(ops.ones(()) > 0, lambda: 1, lambda: 2)) == 1
    assert float(ops.switch(5, [lambda x: x, lambda x: -x], 2.0)) == -2.0
    total, i = ops.while_loop(lambda t, i: i < 100, lambda t, i: (t + i, i + 1), (0, 0), maximum_iterations=5)
    assert (int(total), int(i)) == (10, 5)
    assert float(ops.fori_loop(0, 3, lambda i, x: x * 2, ops.ones(()))) == 8.0
    check_gradients(lambda x: ops.fori_loop(0, 3, lambda i, y: ops.sin(y) * x, x), normal(3))
    check_gradients(lambda x: ops.while_loop(lambda y: ops.max(y) < 5, lambda y: y * 2, [x])[0], normal(3))


def test_loops_over_the_first_axis():
    x, y = normal(4, 3), normal(4, seed=1)
    np.testing.assert_allclose(ops.map(lambda a: ops.sum(a) ** 2, x), x.sum(1) ** 2)
    out = ops.vectorized_map(lambda parts: parts[0] * parts[1], (ops.convert_to_tensor(x), ops.convert_to_tensor(y)))
    np.testing.assert_allclose(out, x * y[:, None])
    carry, ys = ops.scan(lambda c, a: (c * a + 1, c), np.zeros(3), x, reverse=True)
    assert carry.shape == (3,) and ys.shape == (4, 3)
    check_gradients(lambda x: ops.scan(lambda c, a: (ops.tanh(c + a), c), np.zeros(3), x), x)
    np.testing.assert_allclose(ops.associative_scan(ops.multiply, x, axis=0, reverse=True), x[::-1].cumprod(0)[::-1])
    for n in range(1, 9):
        np.testing.assert_allclose(ops.associative_scan(ops.add, np.arange(n)), np.arange(n).cumsum())
    check_gradients(lambda x: ops.associative_scan(ops.multiply, x, axis=1), x)


def test_loops_infer_shapes():
    x = KerasTensor((None, 3))
    assert ops.map(lambda a: a[:2], x).shape == (None, 2)
    carry, ys = ops.scan(lambda c, a: (c + a, a[0]), KerasTensor((3,)), x)
    assert carry.shape == (3,) and ys.shape == (None,)
    assert ops.cond(KerasTensor((), "bool"), lambda: ops.ones(2), lambda: ops.zeros(2)).shape == (2,)


def test_stop_gradient_and_custom_gradient():
    x = ops.convert_to_tensor(normal(3))
    assert keras.grad(lambda x: ops.sum(x * ops.stop_gradient(x)))(x).tolist() == x.tolist()

    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)
        return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    @ops.custom_gradient
    def product(a, b):
        return (a * b, a + b), lambda g, h: (g * b + h, g * a + h)

    check_gradients(log1pexp, normal(3))
    check_gradients(product, normal(3), normal(3, seed=1))
    assert float(keras.grad(log1pexp)(ops.convert_to_tensor(100.0))) == 1.0


def test_rearrange():
    x = normal(2, 6, 3)
    found = np.asarray(ops.rearrange(x, "b (h w) c -> (b c) w h", h=2))
    np.testing.assert_array_equal(found, x.reshape(2, 2, 3, 3).transpose(0, 3, 2, 1).reshape(6, 3, 2))
    assert ops.rearrange(KerasTensor((None, 6, 3)), "b (h w) c -> b w h c", h=2).shape == (None, 3, 2, 3)
    for pattern in ("a b -> b a", "a b c -> a b", "a b c", "a b c -> a (b d) c"):
        with pytest.raises(ValueError, match="rearrange"):
            ops.rearrange(x, pattern)
