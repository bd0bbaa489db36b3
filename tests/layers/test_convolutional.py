"""Convolution layers: against plain loops on small odd sizes, their configs, weights and errors."""

import json

import loops
import numpy as np
import pytest
from layer_check import check_layer

import kerasgpu as keras
from kerasgpu import layers

rng = np.random.default_rng(0)


def array(*shape):
    return rng.normal(size=shape).astype("float32")


SEQUENCE, IMAGE, VOLUME = array(2, 7, 4), array(2, 5, 6, 4), array(1, 3, 4, 5, 2)

CASES = [
    (layers.Conv1D, {"filters": 3, "kernel_size": 2}, SEQUENCE, (2, 6, 3), 2),
    (
        layers.Conv1D,
        {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "groups": 2},
        SEQUENCE,
        (2, 7, 6),
        2,
    ),
    (layers.Conv2D, {"filters": 3, "kernel_size": (2, 3), "strides": (2, 1), "activation": "relu"}, IMAGE, (2, 2, 4, 3), 2),
    (layers.Conv2D, {"filters": 3, "kernel_size": 3, "padding": "SAME", "use_bias": False}, IMAGE, (2, 5, 6, 3), 1),
    (layers.Conv3D, {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"}, VOLUME, (1, 2, 2, 3, 3), 2),
    (layers.Conv1DTranspose, {"filters": 3, "kernel_size": 3, "strides": 2}, SEQUENCE, (2, 15, 3), 2),
    (layers.Conv2DTranspose, {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"}, IMAGE, (2, 10, 12, 3), 2),
    (
        layers.Conv2DTranspose,
        {"filters": 3, "kernel_size": 3, "strides": 3, "output_padding": (0, 2)},
        IMAGE,
        (2, 15, 20, 3),
        2,
    ),
    (layers.Conv3DTranspose, {"filters": 3, "kernel_size": 2, "use_bias": False}, VOLUME, (1, 4, 5, 6, 3), 1),
    (layers.DepthwiseConv1D, {"kernel_size": 3, "strides": 2, "padding": "same"}, SEQUENCE, (2, 4, 4), 2),
    (layers.DepthwiseConv2D, {"kernel_size": 2, "depth_multiplier": 3}, IMAGE, (2, 4, 5, 12), 2),
    (layers.SeparableConv1D, {"filters": 5, "kernel_size": 3, "dilation_rate": 2}, SEQUENCE, (2, 3, 5), 3),
    (
        layers.SeparableConv2D,
        {"filters": 5, "kernel_size": 2, "depth_multiplier": 2, "padding": "same"},
        IMAGE,
        (2, 5, 6, 5),
        3,
    ),
]


@pytest.mark.parametrize("cls, arguments, x, shape, weights", CASES, ids=[f"{c[0].__name__}-{k}" for k, c in enumerate(CASES)])
def test_layer(cls, arguments, x, shape, weights):
    layer, y = check_layer(cls, arguments, x, shape=shape, weights=weights, masking=False)
    assert layer.compute_output_shape(x.shape) == shape
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *shape[1:])
    unknown = layer.compute_output_shape((None, *[None] * layer.rank, x.shape[-1]))
    assert unknown == (None, *[None] * layer.rank, shape[-1])
    # The same layer with the channels first.
    first = cls(**arguments, data_format="channels_first")
    moved = loops.channels_first(x)
    assert first.compute_output_shape(moved.shape) == loops.channels_first(y.numpy()).shape
    first.build(moved.shape)
    first.set_weights(layer.get_weights())
    np.testing.assert_allclose(first(moved), loops.channels_first(y.numpy()), rtol=1e-5, atol=1e-5)


def test_every_layer_has_a_case():
    public = {v for v in vars(layers).values() if isinstance(v, type) and ".layers.convolutional." in v.__module__}
    assert public == {c[0] for c in CASES}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("x", [SEQUENCE, IMAGE, VOLUME], ids=["1d", "2d", "3d"])
@pytest.mark.parametrize("strides, dilation, window, groups", [(1, 1, 3, 1), (2, 1, 2, 2), (1, 2, 2, 1), (3, 1, 1, 2)])
def test_conv_equals_loops(x, padding, strides, dilation, window, groups):
    rank = x.ndim - 2
    cls = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[rank - 1]
    layer = cls(4, window, strides, padding, None, dilation, groups, "tanh", bias_initializer="normal")
    y = layer(x)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (window,) * rank + (x.shape[-1] // groups, 4)
    every = [(n,) * rank for n in (strides, dilation)]
    wanted = np.tanh(loops.conv(x, kernel, every[0], padding, every[1], groups) + bias)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)


def test_causal_padding_sees_the_past_only():
    layer = layers.Conv1D(3, 3, strides=2, padding="causal")
    y = layer(SEQUENCE).numpy()
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, loops.conv(SEQUENCE, kernel, (2,), "causal", (1,)) + bias, rtol=1e-4, atol=1e-5)
    changed = SEQUENCE.copy()
    changed[:, 3:] = 9.0
    np.testing.assert_array_equal(layer(changed).numpy()[:, :2], y[:, :2])
    with pytest.raises(ValueError, match="padding"):
        layers.Conv2D(3, 3, padding="causal")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("x", [SEQUENCE, IMAGE], ids=["1d", "2d"])
@pytest.mark.parametrize("strides, dilation, multiplier", [(1, 1, 1), (2, 1, 3), (1, 2, 2)])
def test_depthwise_and_separable_equal_loops(x, padding, strides, dilation, multiplier):
    rank, arguments = x.ndim - 2, {"depth_multiplier": multiplier, "dilation_rate": dilation, "bias_initializer": "normal"}
    depthwise = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)[rank - 1](2, strides, padding, **arguments)
    y = depthwise(x)
    kernel, bias = depthwise.get_weights()
    every = [(n,) * rank for n in (strides, dilation)]
    between = loops.depthwise_conv(x, kernel, every[0], padding, every[1])
    np.testing.assert_allclose(y, between + bias, rtol=1e-4, atol=1e-5)
    separable = (layers.SeparableConv1D, layers.SeparableConv2D)[rank - 1](5, 2, strides, padding, **arguments)
    y = separable(x)
    first, second, bias = separable.get_weights()
    between = loops.depthwise_conv(x, first, every[0], padding, every[1])
    np.testing.assert_allclose(y, between @ second.reshape(-1, 5) + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("x", [SEQUENCE, IMAGE, VOLUME], ids=["1d", "2d", "3d"])
@pytest.mark.parametrize(
    "strides, dilation, padding, output_padding, crop",
    [
        (1, 1, "valid", None, 0),
        (2, 1, "valid", 1, 0),
        (3, 1, "valid", None, 0),
        (1, 2, "valid", None, 0),
        (2, 1, "same", None, 0),
        (2, 1, "same", 0, 1),
    ],
)
def test_transposed_equals_loops(x, strides, dilation, padding, output_padding, crop):
    rank = x.ndim - 2
    cls = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)[rank - 1]
    window = 3
    layer = cls(2, window, strides, padding, output_padding, dilation_rate=dilation, bias_initializer="normal")
    y = layer(x).numpy()
    assert y.shape == layer.compute_output_shape(x.shape)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (window,) * rank + (2, x.shape[-1])
    wanted = loops.conv_transpose(x, kernel, (strides,) * rank, y.shape[1:-1], (crop,) * rank, (dilation,) * rank) + bias
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)


def test_lora_starts_as_the_same_function_and_freezes_the_kernel():
    layer = layers.Conv2D(3, 2)
    before = layer(IMAGE).numpy()
    layer.enable_lora(2)
    np.testing.assert_array_equal(layer(IMAGE), before)
    assert [v.name for v in layer.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    layer.lora_kernel_b.assign(array(2, 3))
    store = {}
    layer.save_own_variables(store)
    plain = layers.Conv2D(3, 2)
    plain.build(IMAGE.shape)
    plain.load_own_variables({k: np.asarray(v) for k, v in store.items()})
    np.testing.assert_allclose(plain(IMAGE), layer(IMAGE), rtol=1e-5, atol=1e-5)


def test_arguments_are_checked():
    for cls, arguments, message in [
        (layers.Conv2D, {"filters": 0, "kernel_size": 2}, "`filters`. Expected a strictly positive value"),
        (layers.Conv2D, {"filters": 2, "kernel_size": (2, 0)}, "The `kernel_size` argument must be a tuple of 2 integers"),
        (layers.Conv2D, {"filters": 2, "kernel_size": 2, "padding": "full"}, "The `padding` argument must be one of"),
        (layers.Conv2D, {"filters": 2, "kernel_size": 2, "strides": 2, "dilation_rate": 2}, "not supported in conjunction"),
        (layers.Conv2D, {"filters": 3, "kernel_size": 2, "groups": 2}, "evenly divisible by the number of groups"),
        (layers.Conv2D, {"filters": 2, "kernel_size": 2, "groups": -1}, "must be a positive integer"),
        (layers.Conv2DTranspose, {"filters": 2, "kernel_size": 2, "output_padding": 1}, "strictly less than `strides`"),
        (layers.DepthwiseConv2D, {"kernel_size": 2, "depth_multiplier": 0}, "`depth_multiplier`"),
        (layers.SeparableConv2D, {"filters": 2, "kernel_size": 2, "data_format": "first"}, "`data_format`"),
    ]:
        with pytest.raises(ValueError, match=message):
            cls(**arguments)
    for layer, x, message in [
        (layers.Conv2D(6, 2, groups=3), IMAGE, "input has 4 channels"),
        (
            layers.Conv2D(3, 7, name="wide"),
            IMAGE,
            r"would be zero or negative. Layer 'wide' \(Conv2D\) received an input of shape",
        ),
        (layers.Conv2D(3, 2), SEQUENCE, "expected min_ndim=4, found ndim=3"),
        (layers.Conv2D(3, 2), keras.Input((4, 4, None)), "needs to know the number of channels"),
        (layers.DepthwiseConv2D(2), keras.Input((4, 4, None)), "needs to know the number of channels"),
    ]:
        with pytest.raises(ValueError, match=message):
            layer(x)


def test_spectral_normalization_brings_the_norm_to_one():
    layer = layers.SpectralNormalization(layers.Conv2D(3, 2, use_bias=False), power_iterations=30)
    layer(IMAGE, training=True)
    assert abs(np.linalg.norm(layer.kernel.numpy().reshape(-1, 3), 2) - 1) < 1e-3
    before = layer.kernel.numpy()
    layer(IMAGE)
    np.testing.assert_array_equal(layer.kernel, before)
    zero = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    assert not zero(array(2, 3), training=True).numpy().any()
    with pytest.raises(ValueError, match="`power_iterations` should be greater than zero"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="no attribute 'kernel' nor 'embeddings'"):
        layers.SpectralNormalization(layers.ReLU())(IMAGE)
    check_layer(
        layers.SpectralNormalization, {"layer": layers.Dense(2)}, array(2, 3), shape=(2, 2), weights=2, frozen=1, masking=False
    )


def test_training_a_small_network():
    keras.utils.set_random_seed(0)
    x = rng.normal(size=(64, 6, 6, 1)).astype("float32")
    y = x[:, 2, 3, 0] + x[:, 3, 2, 0]
    stack = [
        keras.Input((6, 6, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(1),
    ]
    model = keras.Sequential(stack)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("make", ["Conv1D", "Conv1DTranspose", "SeparableConv1D", "DepthwiseConv1D"])
def test_counts_may_be_numpy_integers(make):
    n = np.int64(2)
    arguments = {"kernel_size": n} | ({"depth_multiplier": n} if make != "Conv1D" and "Transpose" not in make else {})
    layer = getattr(keras.layers, make)(**arguments, **({} if make == "DepthwiseConv1D" else {"filters": n}))
    assert layer(keras.Input((5, 2))).shape[0] is None
    json.dumps(layer.get_config())
