"""Every layer of keras.layers through `check_layer`, and against NumPy where that is short."""

import numpy as np
import pytest
from layer_check import check_layer

from kerasgpu import layers, regularizers

rng = np.random.default_rng(0)


def array(*shape):
    return rng.normal(size=shape).astype("float32")


IDS = np.array([[1, 2, 0], [3, 0, 0]], "int32")
PAIR = [array(2, 3), array(2, 3)]
IMAGE, VOLUME, SEQUENCE = array(2, 5, 6, 4), array(1, 3, 4, 5, 2), array(2, 7, 3)

CASES = [
    (layers.Activation, {"activation": "relu"}, array(2, 3), {"shape": (2, 3)}),
    (layers.ActivityRegularization, {"l1": 0.1, "l2": 0.2}, array(2, 3), {"losses": 1}),
    (layers.Add, {}, PAIR, {"shape": (2, 3)}),
    (layers.AlphaDropout, {"rate": 0.2, "seed": 1}, array(2, 3), {"seeds": 1}),
    (layers.Average, {}, [array(2, 3), array(2, 1), array(2, 3)], {"shape": (2, 3)}),
    (layers.BatchNormalization, {}, IMAGE, {"weights": 2, "frozen": 2}),
    (layers.BatchNormalization, {"axis": 1, "renorm": True, "scale": False}, IMAGE, {"weights": 1, "frozen": 5}),
    (layers.Concatenate, {"axis": 1}, [array(2, 3, 4), array(2, 5, 4)], {"shape": (2, 8, 4)}),
    (layers.Cropping1D, {"cropping": (2, 1)}, SEQUENCE, {"shape": (2, 4, 3), "masking": False}),
    (layers.Cropping2D, {"cropping": ((1, 0), 2)}, IMAGE, {"shape": (2, 4, 2, 4), "masking": False}),
    (layers.Cropping3D, {"cropping": 1}, VOLUME, {"shape": (1, 1, 2, 3, 2), "masking": False}),
    (layers.Dense, {"units": 4, "activation": "tanh"}, array(2, 3, 5), {"shape": (2, 3, 4), "weights": 2}),
    (layers.Dense, {"units": 4, "lora_rank": 2}, array(2, 5), {"shape": (2, 4), "weights": 3, "frozen": 1}),
    (layers.Dense, {"units": 4, "use_bias": False, "kernel_regularizer": "l2"}, array(2, 5), {"weights": 1, "losses": 1}),
    (layers.Dot, {"axes": (1, 2)}, [array(2, 3, 5), array(2, 4, 3)], {"shape": (2, 5, 4)}),
    (layers.Dot, {"axes": -1, "normalize": True}, PAIR, {"shape": (2, 1)}),
    (layers.Dropout, {"rate": 0.5, "seed": 3}, array(2, 3), {"seeds": 1}),
    (layers.ELU, {"alpha": 0.5}, array(2, 3), {}),
    (
        layers.EinsumDense,
        {"equation": "abc,cde->abde", "output_shape": (None, 2, 5), "bias_axes": "de"},
        array(2, 3, 4),
        {"shape": (2, 3, 2, 5), "weights": 2, "masking": False},
    ),
    (
        layers.EinsumDense,
        {"equation": "...x,xy->...y", "output_shape": 6, "bias_axes": "y"},
        array(2, 3, 4),
        {"shape": (2, 3, 6), "weights": 2, "masking": False},
    ),
    (layers.Embedding, {"input_dim": 5, "output_dim": 4, "mask_zero": True}, IDS, {"shape": (2, 3, 4), "weights": 1}),
    (layers.Flatten, {}, IMAGE, {"shape": (2, 120), "masking": False}),
    (layers.GaussianDropout, {"rate": 0.3}, array(2, 3), {"seeds": 1}),
    (layers.GaussianNoise, {"stddev": 0.3}, array(2, 3), {"seeds": 1}),
    (layers.GroupNormalization, {"groups": 2}, IMAGE, {"weights": 2}),
    (layers.Identity, {}, array(2, 3), {}),
    (layers.LayerNormalization, {"axis": [1, 2]}, SEQUENCE, {"weights": 2}),
    (layers.LeakyReLU, {"negative_slope": 0.1}, array(2, 3), {}),
    (layers.Masking, {"mask_value": 1.0}, SEQUENCE, {"shape": (2, 7, 3)}),
    (layers.Maximum, {}, PAIR, {}),
    (layers.Minimum, {}, PAIR, {}),
    (layers.Multiply, {}, PAIR, {}),
    (layers.Normalization, {"mean": 1.0, "variance": 4.0}, array(2, 3), {}),
    (layers.PReLU, {"shared_axes": [1, 2]}, IMAGE, {"weights": 1}),
    (layers.Permute, {"dims": (2, 3, 1)}, IMAGE, {"shape": (2, 6, 4, 5), "masking": False}),
    (layers.RMSNormalization, {}, array(2, 3), {"weights": 1, "masking": False}),
    (layers.ReLU, {"max_value": 1.0, "threshold": 0.1}, array(2, 3), {}),
    (layers.RepeatVector, {"n": 4}, array(2, 3), {"shape": (2, 4, 3), "masking": False}),
    (layers.Rescaling, {"scale": 0.5, "offset": [1.0, 2.0, 3.0]}, array(2, 3), {}),
    (layers.Reshape, {"target_shape": (3, -1)}, array(2, 12), {"shape": (2, 3, 4), "masking": False}),
    (
        layers.ReversibleEmbedding,
        {"input_dim": 5, "output_dim": 4, "tie_weights": False},
        IDS,
        {"weights": 2, "masking": False},
    ),
    (layers.Softmax, {"axis": [-1, -2]}, SEQUENCE, {}),
    (layers.SpatialDropout1D, {"rate": 0.5}, SEQUENCE, {"seeds": 1}),
    (layers.SpatialDropout2D, {"rate": 0.5, "data_format": "channels_first"}, IMAGE, {"seeds": 1}),
    (layers.SpatialDropout3D, {"rate": 0.5}, VOLUME, {"seeds": 1}),
    (layers.Subtract, {}, PAIR, {}),
    (layers.UnitNormalization, {}, array(2, 3), {}),
    (layers.UpSampling1D, {"size": 3}, SEQUENCE, {"shape": (2, 21, 3), "masking": False}),
    (layers.UpSampling2D, {"size": (2, 3)}, IMAGE, {"shape": (2, 10, 18, 4), "masking": False}),
    (layers.UpSampling3D, {"size": 2}, VOLUME, {"shape": (1, 6, 8, 10, 2), "masking": False}),
    (layers.ZeroPadding1D, {"padding": (1, 2)}, SEQUENCE, {"shape": (2, 10, 3), "masking": False}),
    (layers.ZeroPadding2D, {"padding": ((1, 0), (2, 2))}, IMAGE, {"shape": (2, 6, 10, 4), "masking": False}),
    (layers.ZeroPadding3D, {"padding": 1}, VOLUME, {"shape": (1, 5, 6, 7, 2), "masking": False}),
]


@pytest.mark.parametrize("cls, arguments, inputs, expected", CASES, ids=[f"{c[0].__name__}-{k}" for k, c in enumerate(CASES)])
def test_layer(cls, arguments, inputs, expected):
    check_layer(cls, arguments, inputs, **expected)


def test_every_layer_has_a_case():
    bases = {"Layer", "InputLayer", "Wrapper", "TimeDistributed", "Lambda", "InputSpec"}  # tested by themselves
    public = {
        n
        for n, v in vars(layers).items()
        if isinstance(v, type) and v.__module__.startswith("kerasgpu.layers") and n not in bases
    }
    mine = {c[0].__name__ for c in CASES}
    here = {"core", "activations", "regularization", "reshaping", "merging", "normalization"}
    public = {n for n in public if getattr(layers, n).__module__.split(".")[2] in here}
    missing = public - mine
    assert not missing - {"SpectralNormalization"}, f"layers without a case: {sorted(missing)}"


def test_values_against_numpy():
    x = array(3, 4)
    np.testing.assert_allclose(
        layers.LayerNormalization(epsilon=0.0)(x), (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), 1e-4
    )
    np.testing.assert_allclose(layers.UnitNormalization()(x), x / np.linalg.norm(x, axis=1, keepdims=True), 1e-5)
    np.testing.assert_allclose(layers.Dot(axes=1)([x, x]), (x * x).sum(1, keepdims=True), 1e-5)
    images = array(2, 4, 4, 6)
    groups = images.reshape(2, 16, 3, 2).transpose(0, 2, 1, 3).reshape(2, 3, 32)
    wanted = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-3)
    wanted = wanted.reshape(2, 3, 16, 2).transpose(0, 2, 1, 3).reshape(2, 4, 4, 6)
    np.testing.assert_allclose(layers.GroupNormalization(groups=3)(images), wanted, rtol=1e-4, atol=1e-5)
    masked = layers.Softmax()(x, mask=x > 0).numpy()
    assert (masked[x <= 0] == 0).all()
    dense = layers.Dense(5)
    np.testing.assert_allclose(dense(x), x @ dense.kernel.numpy() + dense.bias.numpy(), rtol=1e-5, atol=1e-6)


def test_batch_normalization_training_and_inference():
    layer = layers.BatchNormalization(momentum=0.5)
    x = array(50, 3) * 3 + 2
    y = layer(x, training=True).numpy()
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.5 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.5 + 0.5 * x.var(0), rtol=1e-4)
    layer.trainable = False
    before = layer.moving_mean.numpy()
    layer(x, training=True)
    np.testing.assert_array_equal(layer.moving_mean, before)
    masked = layers.BatchNormalization(momentum=0.0)
    sequence, mask = array(2, 4, 3), np.array([[True, True, False, False], [True, False, False, False]])
    masked(sequence, training=True, mask=mask)
    np.testing.assert_allclose(masked.moving_mean, sequence[mask].mean(0), rtol=1e-4, atol=1e-5)


def test_dropout_keeps_the_mean_and_does_nothing_in_inference():
    layer = layers.Dropout(0.25, seed=7)
    x = np.ones((100, 100), "float32")
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    assert set(np.unique(y.round(4))) == {0.0, np.float32(1.3333)}
    assert abs(y.mean() - 1) < 0.02
    assert (layer(x, training=True).numpy() != y).any()
    channels = layers.SpatialDropout1D(0.5, seed=1)(np.ones((4, 6, 8), "float32"), training=True).numpy()
    assert (channels == channels[:, :1]).all()


def test_normalization_adapts_to_arrays_and_batches():
    data = array(64, 3) * 2 + 1
    for given in (data, [data[:10], data[10:40], data[40:]]):
        layer = layers.Normalization()
        layer.adapt(given)
        y = layer(data).numpy()
        np.testing.assert_allclose([y.mean(0), y.std(0)], [[0] * 3, [1] * 3], atol=1e-4)
    inverse = layers.Normalization(mean=layer.adapt_mean.numpy(), variance=layer.adapt_variance.numpy(), invert=True)
    np.testing.assert_allclose(inverse(y), data, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="empty iterable"):
        layers.Normalization().adapt([])


def test_lora_freezes_the_kernel_and_starts_as_the_same_function():
    x = array(2, 5)
    layer = layers.Dense(4)
    before = layer(x).numpy()
    layer.enable_lora(2)
    np.testing.assert_array_equal(layer(x), before)
    layer.lora_kernel_b.assign(array(2, 4))
    store = {}
    layer.save_own_variables(store)
    plain = layers.Dense(4)
    plain.build((None, 5))
    plain.load_own_variables({k: np.asarray(v) for k, v in store.items()})
    np.testing.assert_allclose(plain(x), layer(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="already enabled"):
        layer.enable_lora(2)


def test_time_distributed_equals_a_loop():
    x = array(2, 4, 3)
    inner = layers.Dense(5)
    y = layers.TimeDistributed(inner)(x).numpy()
    np.testing.assert_allclose(y[:, 2], inner(x[:, 2]), rtol=1e-5, atol=1e-6)
    assert layers.TimeDistributed(layers.BatchNormalization()).compute_output_shape((None, 4, 3)) == (None, 4, 3)


def test_masks_pass_through_layers():
    embedded = layers.Embedding(10, 4, mask_zero=True)(IDS)
    np.testing.assert_array_equal(embedded._keras_mask, IDS != 0)
    np.testing.assert_array_equal(layers.Dense(3)(embedded)._keras_mask, IDS != 0)
    with pytest.warns(UserWarning, match="does not support masking"):
        layers.Flatten()(embedded)
    both = layers.Concatenate()([embedded, array(2, 3, 1)])
    assert both._keras_mask.shape == (2, 3)


def test_arguments_are_checked():
    for cls, arguments, message in [
        (layers.Dense, {"units": 0}, "positive integer"),
        (layers.Dropout, {"rate": 2.0}, "between 0 and 1"),
        (layers.Embedding, {"input_dim": -1, "output_dim": 2}, "`input_dim` must be a positive integer"),
        (layers.Permute, {"dims": (1, 3)}, "must be consecutive"),
        (layers.Reshape, {"target_shape": (-1, -1)}, "at most one unknown"),
        (layers.ZeroPadding2D, {"padding": (1, 2, 3)}, "two elements"),
        (layers.ReLU, {"max_value": -1.0}, "cannot be a negative"),
        (layers.EinsumDense, {"equation": "a->b", "output_shape": 3}, "Invalid einsum equation"),
    ]:
        with pytest.raises(ValueError, match=message):
            cls(**arguments)(array(2, 3))
    with pytest.raises(ValueError, match="matching shapes"):
        layers.Concatenate()([array(2, 3), array(3, 3)])
    with pytest.raises(ValueError, match="incompatible shapes"):
        layers.Add()([array(2, 3), array(2, 4)])
    assert layers.Dense(2, activity_regularizer=regularizers.L2(0.1)).activity_regularizer is not None
