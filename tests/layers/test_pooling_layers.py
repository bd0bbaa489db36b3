"""Pooling layers: against plain loops on small odd sizes, their configs and errors."""

import loops
import numpy as np
import pytest
from layer_check import check_layer

from kerasgpu import layers, ops

rng = np.random.default_rng(0)


def array(*shape):
    return rng.normal(size=shape).astype("float32")


INPUTS = {1: array(2, 7, 3), 2: array(2, 5, 6, 3), 3: array(1, 4, 5, 3, 2)}
WINDOWED = [(f"{kind}Pooling{rank}D", kind, rank) for kind in ("Max", "Average") for rank in (1, 2, 3)]
GLOBAL = [(f"Global{kind}Pooling{rank}D", kind, rank) for kind in ("Max", "Average") for rank in (1, 2, 3)]
ADAPTIVE = [(f"Adaptive{kind}Pooling{rank}D", kind, rank) for kind in ("Max", "Average") for rank in (1, 2, 3)]
REDUCE = {"Max": np.max, "Average": np.mean}


def test_every_layer_has_a_case():
    public = {v.__name__ for v in vars(layers).values() if isinstance(v, type) and ".layers.pooling." in v.__module__}
    assert public == {c[0] for c in WINDOWED + GLOBAL + ADAPTIVE}


def check(name, arguments, x, wanted, **more):
    """Both data formats."""
    cls = getattr(layers, name)
    layer, y = check_layer(cls, arguments, x, shape=wanted.shape, **{"masking": False, **more})
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    assert layer.built and layer.compute_output_shape((None, *x.shape[1:])) == (None, *wanted.shape[1:])
    first = cls(**arguments, data_format="channels_first")
    moved = loops.channels_first(x)
    wanted = loops.channels_first(wanted) if wanted.ndim == x.ndim else wanted
    np.testing.assert_allclose(first(moved), wanted, rtol=1e-5, atol=1e-6)
    assert first.compute_output_shape(moved.shape) == wanted.shape


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size, strides", [(2, None), (3, 2), (2, 1), (1, 3)])
@pytest.mark.parametrize("name, kind, rank", WINDOWED)
def test_windows(name, kind, rank, size, strides, padding):
    x = INPUTS[rank]
    wanted = loops.pool(x, (size,) * rank, (strides or size,) * rank, padding, REDUCE[kind])
    check(name, {"pool_size": size, "strides": strides, "padding": padding}, x, wanted)


def test_sizes_that_differ_by_axis():
    wanted = loops.pool(INPUTS[2], (1, 3), (2, 1), "valid", np.max)
    check("MaxPooling2D", {"pool_size": (1, 3), "strides": (2, 1)}, INPUTS[2], wanted)
    check(
        "AveragePooling3D", {"pool_size": (1, 2, 3)}, INPUTS[3], loops.pool(INPUTS[3], (1, 2, 3), (1, 2, 3), "valid", np.mean)
    )


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name, kind, rank", GLOBAL)
def test_global(name, kind, rank, keepdims):
    x = INPUTS[rank]
    wanted = REDUCE[kind](x, axis=tuple(range(1, rank + 1)), keepdims=keepdims)
    check(name, {"keepdims": keepdims}, x, wanted, masking=name == "GlobalAveragePooling1D")


def test_global_average_of_the_steps_that_a_mask_admits():
    x, mask = INPUTS[1], np.arange(7)[None] < np.array([[3], [7]])
    wanted = np.stack([x[0, :3].mean(0), x[1].mean(0)])
    np.testing.assert_allclose(layers.GlobalAveragePooling1D()(x, mask=mask), wanted, rtol=1e-5)
    first = layers.GlobalAveragePooling1D(data_format="channels_first", keepdims=True)(loops.channels_first(x), mask=mask)
    np.testing.assert_allclose(first, wanted[..., None], rtol=1e-5)
    masked = layers.Masking()(np.where(mask[..., None], x, 0).astype("float32"))
    assert not hasattr(layers.GlobalAveragePooling1D()(masked), "_keras_mask")


@pytest.mark.parametrize("name, kind, rank", ADAPTIVE)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_adaptive(name, kind, rank, size):
    x = INPUTS[rank].astype("float64")
    for axis in range(1, rank + 1):
        n = x.shape[axis]
        parts = [np.take(x, range(i * n // size, -(-(i + 1) * n // size)), axis) for i in range(size)]
        x = np.stack([REDUCE[kind](p, axis=axis) for p in parts], axis)
    check(name, {"output_size": size}, INPUTS[rank], x)


def test_max_pooling_of_integers_and_its_gradient():
    x = np.array([[[1], [5], [5], [2]]], "int32")
    assert layers.MaxPooling1D(2, dtype="int32")(x).numpy().ravel().tolist() == [5, 5]
    import kerasgpu as keras

    g = keras.grad(lambda t: ops.sum(layers.MaxPooling1D(4)(t)))(x.astype("float32"))
    assert g.numpy().ravel().tolist() == [0, 1, 0, 0]


def test_arguments_are_checked():
    for name, arguments, error, message in [
        ("MaxPooling2D", {"pool_size": (2, 2, 2)}, ValueError, "The `pool_size` argument must be a tuple of 2 integers"),
        ("MaxPooling2D", {"strides": 0}, ValueError, "`strides`"),
        ("AveragePooling1D", {"pool_size": 2, "padding": "causal"}, ValueError, "The `padding` argument must be one of"),
        ("GlobalMaxPooling2D", {"data_format": "last"}, ValueError, "`data_format`"),
        ("AdaptiveMaxPooling2D", {"output_size": (2, 2, 2)}, TypeError, "`output_size` must be an integer or"),
        ("AdaptiveMaxPooling1D", {"output_size": (2, 2)}, ValueError, "must have length 1"),
        ("AdaptiveMaxPooling2D", {"output_size": 0}, ValueError, "positive integers"),
    ]:
        with pytest.raises(error, match=message):
            getattr(layers, name)(**arguments)
    with pytest.raises(ValueError, match=r"would be zero or negative. Layer 'wide' \(MaxPooling2D\)"):
        layers.MaxPooling2D(9, name="wide")(INPUTS[2])
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        layers.MaxPooling2D()(INPUTS[1])
