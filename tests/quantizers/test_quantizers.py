"""keras.quantizers: integers and scales."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import quantizers

X = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


@pytest.mark.parametrize("to_numpy", [False, True])
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_abs_max_quantize(axis, to_numpy):
    q, scale = quantizers.abs_max_quantize(X, axis, to_numpy=to_numpy)
    largest = np.abs(X).max(axis=axis, keepdims=True)
    assert (q.dtype, scale.dtype, scale.shape) == ("int8", "float32", largest.shape)
    np.testing.assert_allclose(scale, 127 / largest, rtol=1e-4)
    np.testing.assert_allclose(q.numpy() / scale.numpy(), X, atol=largest.max() / 127)
    zero, _ = quantizers.abs_max_quantize(np.zeros((2, 3), "float32"), -1, to_numpy=to_numpy)
    assert not zero.numpy().any()


def test_quantizer_objects():
    made = quantizers.AbsMaxQuantizer(axis=(0,), value_range=(-7, 7))
    q, scale = made(X)
    assert scale.shape == (1, 6) and np.abs(q.numpy()).max() == 7
    assert made(X, axis=-1)[1].shape == (5, 1) and quantizers.AbsMaxQuantizer()(X)[1].shape == (5, 1)
    again = quantizers.deserialize(quantizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert quantizers.get(None) is None and quantizers.get(made) is made
    assert isinstance(quantizers.get("abs_max_quantizer", axis=-1), quantizers.AbsMaxQuantizer)
    with pytest.raises(ValueError, match="value_range"):
        quantizers.AbsMaxQuantizer(value_range=(-200, 127))
    with pytest.raises(ValueError, match="Could not interpret quantizer identifier"):
        quantizers.get("some")
    with pytest.raises(NotImplementedError, match="does not implement"):
        keras.Quantizer().get_config()


@pytest.mark.parametrize("dtype, low, high", [("int8", -8, 8), ("uint8", 0, 16)])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(3, 4), (4, 5, 2), (1, 1)])
def test_int4_pairs(shape, axis, dtype, low, high):
    x = np.random.default_rng(1).integers(low, high, shape).astype(dtype)
    packed, packed_shape, size = quantizers.pack_int4(keras.ops.convert_to_tensor(x), axis, dtype)
    assert packed.shape == packed_shape and size == shape[axis]
    assert packed_shape[axis] == (size + 1) // 2
    np.testing.assert_array_equal(quantizers.unpack_int4(packed, size, axis, dtype), x)
    with pytest.raises(TypeError, match="tensor for packing"):
        quantizers.pack_int4(keras.ops.ones((2, 2)))
    with pytest.raises(ValueError, match="Expected dtype"):
        quantizers.unpack_int4(packed, size, axis, "int16")


def test_float8_scale_and_history():
    history = keras.ops.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(quantizers.compute_float8_amax_history(X, history), [np.abs(X).max(), 3.0, 1.0])
    amax = np.array([0.0, 896.0, np.inf], "float32")
    scale = quantizers.compute_float8_scale(keras.ops.array(amax), keras.ops.array([5.0, 5.0, 5.0]), 448.0, margin=1)
    np.testing.assert_allclose(scale, [5.0, 4.0, 5.0])
