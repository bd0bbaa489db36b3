"""Promotion, weak Python numbers, and the dtypes of results."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops


def dtype_of(x):
    return x.dtype


@pytest.mark.parametrize(
    "a, b, want",
    [
        ("int32", "float16", "float16"),
        ("int64", "float32", "float32"),
        ("uint8", "int8", "int16"),
        ("bool", "int8", "int8"),
        ("float16", "bfloat16", "float32"),
        ("float32", "float64", "float64"),
        ("bool", "bool", "bool"),
    ],
)
def test_two_tensors(a, b, want):
    x, y = ops.ones((2,), dtype=a), ops.ones((2,), dtype=b)
    for op in (ops.add, ops.multiply, ops.maximum):
        assert op(x, y).dtype == op(y, x).dtype == want


@pytest.mark.parametrize(
    "dtype, number, want",
    [
        ("float16", 2.5, "float16"),
        ("bfloat16", 1, "bfloat16"),
        ("int8", 3, "int8"),
        ("int32", 2.5, "float32"),
        ("int64", 2, "int64"),
        ("bool", 1, "int32"),
        ("float64", 0.1, "float64"),
    ],
)
def test_numbers_are_weak(dtype, number, want):
    x = ops.ones((3,), dtype=dtype)
    assert ops.add(x, number).dtype == ops.add(number, x).dtype == want
    assert ops.where(x > 0, x, number).dtype == want


def test_a_float64_constant_keeps_its_digits():
    x = ops.zeros((2,), dtype="float64")
    np.testing.assert_array_equal((x + 0.1).numpy(), [0.1, 0.1])
    np.testing.assert_array_equal((0.1 + x).numpy(), [0.1, 0.1])


def test_python_numbers_alone():
    assert ops.add(1, 2).dtype == "int32"
    assert ops.add(1, 2.0).dtype == "float32"
    assert float(ops.multiply(2, 2.5)) == 5.0


def test_numpy_scalars_of_float64_do_not_widen():
    assert (ops.ones(3) * np.sqrt(2.0)).dtype == "float32"


@pytest.mark.parametrize("dtype, want", [("bool", "int32"), ("int8", "int32"), ("uint8", "uint32"), ("int64", "int64")])
def test_sums_of_small_integers_are_wide(dtype, want):
    x = ops.ones((300,), dtype=dtype)
    assert ops.sum(x).dtype == ops.prod(x).dtype == want
    assert int(ops.sum(x)) == 300


def test_means_of_integers_are_floats():
    assert ops.mean([1, 2]).dtype == "float32"
    assert float(ops.mean([1, 2])) == 1.5
    assert ops.divide([1, 2], 2).dtype == "float32"


def test_half_means_do_not_overflow():
    x = ops.full((1000,), 600.0, dtype="float16")
    assert float(ops.mean(x)) == 600.0
    assert float(ops.var(x)) == 0.0


def test_int64_is_real():
    big = 2**40 + 1
    assert int(ops.add(np.int64(2**40), np.array(1))) == big
    assert int(ops.sum(np.array([2**40, 1]))) == big
    assert ops.convert_to_tensor(2**40).dtype == "int64"


@pytest.mark.parametrize("name", ["exp", "sin", "sqrt", "tanh", "log", "floor", "std"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint32"])
def test_float_functions_of_integers(name, dtype):
    assert getattr(ops, name)(ops.ones((2,), dtype=dtype)).dtype == "float32"


@pytest.mark.parametrize("name", ["add", "exp", "sum", "mean", "matmul", "max", "sort", "cumsum"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types(name, dtype):
    x = ops.convert_to_tensor(np.linspace(0.1, 1.0, 16).reshape(4, 4), dtype)
    args = (x, x) if name in ("add", "matmul") else (x,)
    got = getattr(ops, name)(*args)
    wide = getattr(ops, name)(*[ops.cast(a, "float32") for a in args])
    assert got.dtype == dtype
    np.testing.assert_allclose(ops.cast(got, "float32").numpy(), wide.numpy(), rtol=2e-2)


def test_floatx_rules_new_tensors():
    before = keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        assert ops.ones((1,)).dtype == ops.exp(1).dtype == ops.linspace(0.0, 1.0, 3).dtype == "float64"
    finally:
        keras.config.set_floatx(before)


def test_creation_dtypes():
    assert ops.arange(3).dtype == "int32"
    assert ops.arange(3.0).dtype == "float32"
    assert ops.arange(np.int64(3)).dtype == "int64"
    assert ops.full((2,), 7).dtype == "float32"
    assert ops.zeros_like(ops.ones((2,), dtype="int8")).dtype == "int8"
    assert ops.argmax([1.0, 2.0]).dtype == "int32"
    assert ops.equal(1, 2).dtype == "bool"
