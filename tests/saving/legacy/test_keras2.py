"""Files of Keras 2 and tf.keras, in the words of each era."""

import numpy as np
import pytest

import kerasgpu as keras
from tests.saving.legacy.files import dense, layer, model, sequential, source, write

RNG = np.random.default_rng(1)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def load(path, **more):
    return keras.models.load_model(path, **{"compile": False, **more})


def kernel_and_bias(name, *shape):
    return [(f"{name}/kernel:0", normal(*shape)), (f"{name}/bias:0", normal(shape[-1]))]


def test_hard_sigmoid_keeps_its_meaning(tmp_path):
    """clip(0.2 x + 0.5, 0, 1) in files of Keras 2, also after it was saved again; relu6(x + 3) / 6 in those of Keras 3."""
    config = sequential(layer("Activation", "a", activation="hard_sigmoid"), shape=[1])
    x = np.array([[-4.0], [-2.6], [-1.0], [0.0], [1.0], [2.6], [4.0]], "float32")
    old = load(write(tmp_path / "m.h5", config, {"a": []}))
    np.testing.assert_allclose(old(x).numpy(), np.clip(0.2 * x + 0.5, 0, 1), atol=1e-6)
    old.save(tmp_path / "again.keras")
    np.testing.assert_array_equal(load(tmp_path / "again.keras")(x).numpy(), old(x).numpy())
    new = load(write(tmp_path / "n.h5", config, {"a": []}, version="3.3.0"))
    np.testing.assert_allclose(new(x).numpy(), np.clip(x + 3, 0, 6) / 6, atol=1e-6)


@pytest.mark.parametrize("base", ["functional", "sequential"])
@pytest.mark.parametrize("first", [0, 1])
def test_calls_of_nested_models(tmp_path, base, first):
    """A nested model's own graph counts as its call 0 in most versions, and not in others; a siamese head has two calls."""
    w = kernel_and_bias("b1", 3, 4)
    inner = {
        "functional": model(source("bin", [3]), dense("b1", 4, nodes=[[["bin", 0, 0, {}]]]), inputs=["bin"], outputs=["b1"]),
        "sequential": sequential(dense("b1", 4), shape=[3]),
    }[base]
    inner = {**inner, "name": "base", "config": {**inner["config"], "name": "base"}}
    inner["inbound_nodes"] = [[["in", 0, 0, {}]], [["in2", 0, 0, {}]]]
    sub = layer("Subtract", "sub", [[["base", first, 0, {}], ["base", first + 1, 0, {}]]])
    config = model(
        source("in", [3]), source("in2", [3]), inner, sub, inputs=["in", "in2"], outputs=["sub", ("base", first + 1, 0)]
    )
    found = load(write(tmp_path / "m.h5", config, {"in": [], "in2": [], "base": w, "sub": []}))
    x, y = normal(5, 3), normal(5, 3)
    difference, second = found([x, y])
    np.testing.assert_allclose(difference.numpy(), (x - y) @ w[0][1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second.numpy(), y @ w[0][1] + w[1][1], rtol=1e-4, atol=1e-5)


def test_weights_of_nested_models_go_by_name(tmp_path):
    """A frozen part is written layer by layer, another with what is trained first; shapes alone would not tell them apart."""
    norm = layer("BatchNormalization", "n", axis=[1], epsilon=1e-3, momentum=0.9)
    gamma, beta, mean, var = (np.full(3, v) for v in (2.0, 3.0, 5.0, 7.0))
    inner = {**sequential(norm, dense("d", 3), shape=[3]), "name": "base", "inbound_nodes": [[["in", 0, 0, {}]]]}
    inner["config"]["name"] = "base"
    d = kernel_and_bias("d", 3, 3)
    named = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": var}
    of_norm = [(f"n/{k}:0", v) for k, v in named.items()]
    config = model(source("in", [3]), inner, outputs=[("base", 1, 0)])
    x = normal(4, 3)
    want = ((x - 5) / np.sqrt(7 + 1e-3) * 2 + 3) @ d[0][1] + d[1][1]
    for order in ([*of_norm, *d], [*of_norm[:2], *d, *of_norm[2:]]):
        found = load(write(tmp_path / "m.h5", config, {"in": [], "base": order}))
        np.testing.assert_allclose(found(x).numpy(), want, rtol=1e-4, atol=1e-4)


def test_theano_kernels_are_flipped(tmp_path):
    """Theano convolves; everyone else correlates. Its depthwise kernels were flipped before use and stay as they are."""
    conv = lambda cls, **more: layer(cls, "c", kernel_size=[2, 2], strides=[1, 1], padding="valid", activation="linear",
                                     data_format="channels_last", dilation_rate=[1, 1], use_bias=False, **more)  # fmt: skip
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    x = np.array([[1.0, 0.0], [0.0, 0.0]], "float32").reshape(1, 2, 2, 1)
    for cls, more, name, backend, want in (
        ("Conv2D", {"filters": 1}, "kernel", "theano", 4.0),
        ("Conv2D", {"filters": 1}, "kernel", "tensorflow", 1.0),
        ("Conv2D", {"filters": 1}, "kernel", "cntk", 1.0),
        ("DepthwiseConv2D", {"groups": 1, "kernel_initializer": None}, "depthwise_kernel", "theano", 1.0),
    ):
        path = write(tmp_path / "m.h5", sequential(conv(cls, **more), shape=[2, 2, 1]), {"c": [(f"c/{name}:0", kernel)]},
                     version="2.1.3", backend=backend)  # fmt: skip
        assert float(load(path)(x)[0, 0, 0, 0]) == want, (cls, backend)
    inner = {**sequential(conv("Conv2D", filters=1), shape=[2, 2, 1]), "name": "base", "inbound_nodes": [[["in", 0, 0, {}]]]}
    inner["config"]["name"] = "base"
    config = model(source("in", [2, 2, 1]), inner, outputs=[("base", 1, 0)])
    path = write(tmp_path / "m.h5", config, {"in": [], "base": [("c/kernel:0", kernel)]}, version="2.1.3", backend="theano")
    assert float(load(path)(x)[0, 0, 0, 0]) == 4.0


@pytest.mark.parametrize("rank", [1, 2])
def test_locally_connected(tmp_path, rank):
    size, x = 4, normal(2, *[4] * rank, 3)
    kernel, bias = normal(3**rank, 2**rank * 3, 5), normal(*[3] * rank, 5)
    old = layer(f"LocallyConnected{rank}D", "l", filters=5, kernel_size=[2] * rank, strides=[1] * rank, padding="valid",
                data_format="channels_last", activation="linear", use_bias=True, implementation=1)  # fmt: skip
    path = write(
        tmp_path / "m.h5", sequential(old, shape=[size] * rank + [3]), {"l": [("l/kernel:0", kernel), ("l/bias:0", bias)]}
    )
    found = load(path)
    want = np.zeros((2, *[3] * rank, 5))
    for k, at in enumerate(np.ndindex(*[3] * rank)):
        window = x[(slice(None), *(slice(a, a + 2) for a in at))].reshape(2, -1)
        want[(slice(None), *at)] = window @ kernel[k] + bias[at]
    np.testing.assert_allclose(found(x).numpy(), want, rtol=1e-4, atol=1e-5)


def test_tensorflow_functions(tmp_path):
    """TFOpLambda (2.4 on), its slices and constants, and TensorFlowOpLayer (2.0 to 2.3)."""
    op = lambda name, function, node: layer("TFOpLambda", name, [node], function=function, dtype="float32")
    config = model(
        source("in", [4, 3]),
        op("twice", "math.multiply", ["in", 0, 0, {"y": 2.0, "name": None}]),
        op("sum", "__operators__.add", ["twice", 0, 0, {"y": ["in", 0, 0], "name": None}]),
        layer("SlicingOpLambda", "cut", [["sum", 0, 0, {"slice_spec": [
            {"start": None, "stop": None, "step": None}, {"start": 1, "stop": 3, "step": None}
        ]}]], function="__operators__.getitem"),
        op("one", "math.subtract", ["_CONSTANT_VALUE", -1, 1.0, {"y": ["cut", 0, 0], "name": None}]),
        op("join", "concat", [["one", 0, 0, {"axis": -1}], ["cut", 0, 0, {"axis": -1}]]),
        layer("TensorFlowOpLayer", "tf_op_layer_Reshape", [[["join", 0, 0, {}]]], dtype="float32", constants={"1": [-1, 12]},
              node_def={"name": "Reshape", "op": "Reshape", "input": ["join", "Reshape/shape"], "attr": {"T": {"type": "DT_FLOAT"}}}),
        outputs=["tf_op_layer_Reshape"],
    )  # fmt: skip
    found = load(write(tmp_path / "m.h5", config, {"in": []}, version="2.7.0"))
    x = normal(2, 4, 3)
    cut = 3 * x[:, 1:3]
    want = np.concatenate([1 - cut, cut], -1).reshape(2, 12)
    np.testing.assert_allclose(found(x).numpy(), want, rtol=1e-5, atol=1e-6)
    found.save(tmp_path / "again.keras")
    np.testing.assert_array_equal(load(tmp_path / "again.keras")(x).numpy(), found(x).numpy())


def test_arguments_of_the_time(tmp_path):
    """Lists for axes, arrays as {"type", "value"}, policies as dicts, `groups`, `rng_type`, `input_length`, `alpha`."""
    config = sequential(
        layer("Embedding", "e", input_dim=9, output_dim=4, input_length=5, mask_zero=False, dtype="float32",
              embeddings_initializer={"class_name": "RandomUniform", "config": {"minval": -1, "maxval": 1, "dtype": "float32"}}),
        layer("LayerNormalization", "ln", axis=[2], epsilon=1e-3),
        layer("Dropout", "o", rate=0.5, rng_type="stateful"),
        layer("LeakyReLU", "r", alpha={"type": "ndarray", "value": 0.25}),
        layer("SeparableConv1D", "s", filters=2, kernel_size=[2], groups=1, kernel_initializer=None, depth_multiplier=1),
        dense("d", 2, dtype={"class_name": "Policy", "config": {"name": "mixed_bfloat16"}}),
        shape=[5],
    )  # fmt: skip
    path = write(tmp_path / "m.h5", config, {}, version="2.10.0", whole=True)
    converted = keras.models.model_from_json(_json(config, "2.10.0"))
    assert converted.get_layer("r").negative_slope == 0.25
    assert converted.get_layer("d").compute_dtype == "bfloat16" and converted.get_layer("d").dtype == "float32"
    assert converted.output_shape == (None, 4, 2)
    with pytest.raises(ValueError, match="Layer count mismatch"):
        load(path)


def _json(config, version):
    import json

    return json.dumps({**config, "keras_version": version, "backend": "tensorflow"})


def test_losses_and_metrics(tmp_path):
    config = sequential(dense("d", 2), shape=[3])
    fn = lambda name, f: {"class_name": "MeanMetricWrapper", "config": {"name": name, "dtype": "float32", "fn": f}}
    training = {
        "loss": {"class_name": "Huber", "config": {"reduction": "auto", "name": "h", "delta": 0.5, "fn": "huber"}},
        "metrics": [[fn("mae", "mean_absolute_error"), {"class_name": "CosineSimilarity", "config": {"name": "c", "axis": -1}}]],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": "Custom>Adam", "config": {"name": "Adam", "learning_rate": 0.25, "jit_compile": True,
                             "is_legacy_optimizer": False, "decay": 0.0}},
    }  # fmt: skip
    found = load(write(tmp_path / "m.h5", config, {"d": kernel_and_bias("d", 3, 2)}, training=training), compile=True)
    assert type(found.optimizer).__name__ == "Adam" and float(found.optimizer.learning_rate) == 0.25
    assert found.loss.delta == 0.5 and found.loss.reduction == "sum_over_batch_size"
    assert set(found.evaluate(normal(4, 3), normal(4, 2), verbose=0, return_dict=True)) == {"loss", "mae", "c"}


@pytest.mark.parametrize("name", ["m.keras", "m.hdf5", "m.model"])
def test_content_decides(tmp_path, name):
    """TensorFlow up to 2.11 wrote HDF5 under any name."""
    d = kernel_and_bias("d", 3, 2)
    found = load(write(tmp_path / name, sequential(dense("d", 2), shape=[3]), {"d": d}))
    np.testing.assert_array_equal(found.get_weights()[0], d[0][1])


def test_weights_alone(tmp_path):
    """save_weights() of Keras 2: by order, by name, under the new ending too."""
    made = lambda *names: keras.Sequential([keras.Input((3,)), *(keras.layers.Dense(3, name=n) for n in names)])
    weights = {"a": kernel_and_bias("a", 3, 3), "b": kernel_and_bias("b", 3, 3)}
    for name in ("w.h5", "w.weights.h5", "w.hdf5"):
        path = write(tmp_path / name, None, weights, whole=False)
        by_order, by_name = made("x", "y"), made("b", "a")
        by_order.load_weights(path)
        by_name.load_weights(path, by_name=True)
        np.testing.assert_array_equal(by_order.layers[0].kernel.numpy(), weights["a"][0][1])
        np.testing.assert_array_equal(by_name.layers[0].kernel.numpy(), weights["b"][0][1])


def test_nothing_is_half_loaded(tmp_path):
    weights = {"a": kernel_and_bias("a", 3, 3), "b": [("b/kernel:0", normal(3, 2)), ("b/bias:0", normal(3))]}
    path = write(tmp_path / "w.h5", None, weights, whole=False)
    found = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(3, name="b")])
    before = found.get_weights()
    with pytest.raises(
        ValueError, match=r"w\.h5, layer #1 \(named b, b in the file\) for weight .*b/kernel.*\(3, 3\).*\(3, 2\)"
    ):
        found.load_weights(path)
    for a, b in zip(before, found.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "bad, words",
    [
        (
            layer("Lambda", "x", function=["4wAAAA==", None, None], function_type="lambda"),
            "layer 'x' is a Lambda whose function",
        ),
        (layer("Nonsense", "x"), "layer 'x' is of the class 'Nonsense'.*custom_objects"),
        (layer("Attention", "x"), "layer 'x' is a Attention: keras.layers.Attention is not available"),
        (layer("DepthwiseConv2D", "x", kernel_size=2, groups=2), "layer 'x' is a DepthwiseConv2D with groups=2"),
        (dense("x", 2, nonsense=1), "Unrecognized keyword arguments passed to Dense.*'nonsense'"),
    ],
)
def test_errors_name_file_and_layer(tmp_path, bad, words):
    path = write(tmp_path / "m.h5", sequential(bad, shape=[3]), {"x": []})
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=rf"m\.h5: .*{words}"):
        load(path)
