"""Models survive saving: configs, weights, optimizer state, and files when saving itself fails."""

import builtins
import errno
import io
import os
import pathlib

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.saving import writer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype("float32")
Y = RNG.normal(size=(32, 2)).astype("float32")


def sequential():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2)]
    )


def functional():
    a = keras.Input((6,), name="a")
    shared = layers.Dense(6, "tanh", name="shared")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.LayerNormalization()], name="inner")
    h = layers.Add()([shared(shared(a)), inner(inner(a))])
    return keras.Model(a, layers.Dense(2)(ops.concatenate([h, ops.square(a)], axis=1)))


@keras.saving.register_keras_serializable("tests")
class Residual(layers.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.steps = [layers.Dense(units), layers.Dropout(0.3, seed=4), layers.Dense(units)]

    def build(self, shape):
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        for step in self.steps:
            step.build(shape)

    def call(self, x, training=None):
        h = x
        for step in self.steps:
            h = step(h, training=training) if isinstance(step, layers.Dropout) else step(h)
        return self.activation(x + self.scale * h)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "activation": keras.activations.serialize(self.activation)}


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=6, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [Residual(units, "relu"), Residual(units, "tanh")]
        self.by_name = {"head": layers.Dense(2)}

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x, training=training)
        return self.by_name["head"](x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


MODELS = {"sequential": sequential, "functional": functional, "subclassed": Subclassed}


def trained(make, optimizer="adam", epochs=2):
    keras.utils.set_random_seed(3)
    model = make()
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return model


def same_weights(a, b, seeds=True):
    state = lambda m: [v for v in m.variables + m.optimizer.variables if seeds or "seed_generator" not in v.path]
    pairs = list(zip(state(a), state(b), strict=True))
    assert pairs
    for ours, theirs in pairs:
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)


@pytest.mark.parametrize("place", ["file.keras", "deep/down/file.keras", "folder", "deep/down/folder", "object", "path"])
@pytest.mark.parametrize("kind", MODELS)
def test_training_goes_on_with_the_same_bits(kind, place, tmp_path):
    model = trained(MODELS[kind])
    where = {"object": io.BytesIO(), "path": pathlib.Path(tmp_path / "p.keras")}.get(place, str(tmp_path / place))
    model.save(where)
    if place == "object":
        where.seek(0)
    again = keras.models.load_model(where)
    same_weights(model, again)
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))
    histories = [m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]
    same_weights(model, again)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == again.evaluate(X, Y, verbose=0, return_dict=True)


def all_optimizers():
    base = keras.optimizers.Optimizer
    names = [n for n in dir(keras.optimizers) if isinstance(getattr(keras.optimizers, n), type)]
    return [
        n
        for n in names
        if issubclass(getattr(keras.optimizers, n), base) and n not in ("Optimizer", "LossScaleOptimizer", "MultiOptimizer")
    ]


@pytest.mark.parametrize("name", all_optimizers())
def test_state_of_every_optimizer(name, tmp_path):
    model = trained(lambda: keras.Sequential([keras.Input((6,)), layers.Dense(4, "tanh"), layers.Dense(2)]), name.lower())
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert type(again.optimizer).__name__ == name
    for m in (model, again):
        m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    same_weights(model, again)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 20), weight_decay=0.01, use_ema=True),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01)),
        lambda: keras.optimizers.Adam(gradient_accumulation_steps=3),
    ],
)
def test_options_of_optimizers(make, tmp_path):
    model = trained(sequential, make())
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for m in (model, again):
        m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    same_weights(model, again)


def test_compiled_but_never_trained(tmp_path):
    model = sequential()
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert int(again.optimizer.iterations) == 0
    again.fit(X, Y, verbose=0)


def test_not_compiled(tmp_path):
    model = trained(sequential)
    model.save(tmp_path / "m.keras")
    assert not keras.models.load_model(tmp_path / "m.keras", compile=False).compiled
    plain = sequential()
    plain.save(tmp_path / "n.keras")
    assert not keras.models.load_model(tmp_path / "n.keras").compiled


def test_several_inputs_and_outputs(tmp_path):
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    h = layers.Dense(4)(a) * layers.Dense(4)(b)
    model = keras.Model({"a": a, "b": b}, {"p": layers.Dense(2, name="p")(h), "q": [layers.Dense(1, name="q")(h)]})
    data = {"a": X, "b": X[:, :3]}
    model.save(tmp_path / "m.keras")
    ours, theirs = (m.predict(data, verbose=0) for m in (model, keras.models.load_model(tmp_path / "m.keras")))
    np.testing.assert_array_equal(ours["p"], theirs["p"])
    np.testing.assert_array_equal(ours["q"][0], theirs["q"][0])


def test_losses_and_metrics_as_objects(tmp_path):
    a = keras.Input((6,))
    model = keras.Model(a, {"p": layers.Dense(2, name="p")(a), "q": layers.Dense(1, name="q")(a)})
    model.compile(
        keras.optimizers.SGD(0.01),
        loss={"p": keras.losses.Huber(0.5), "q": "mae"},
        loss_weights={"p": 0.3, "q": 2.0},
        metrics={"p": [keras.metrics.MeanSquaredError(name="m")], "q": ["mse"]},
    )
    y = {"p": Y, "q": Y[:, :1]}
    model.fit(X, y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert model.evaluate(X, y, verbose=0, return_dict=True) == again.evaluate(X, y, verbose=0, return_dict=True)


def test_custom_objects(tmp_path):
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    def odd(x):
        return x + 1

    model = keras.Sequential([keras.Input((6,)), Twice(), layers.Dense(2, activation=odd)])
    model.save(tmp_path / "m.keras")
    for load in (
        lambda: keras.models.load_model(tmp_path / "m.keras", custom_objects={"Twice": Twice, "odd": odd}),
        lambda: _in_scope({"Twice": Twice, "odd": odd}, tmp_path / "m.keras"),
    ):
        np.testing.assert_array_equal(load().predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(TypeError, match="register_keras_serializable"):
        keras.models.load_model(tmp_path / "m.keras")


def _in_scope(objects, path):
    with keras.saving.custom_object_scope(objects):
        return keras.models.load_model(path)


def test_seed_generators_go_on(tmp_path):
    model = keras.Sequential([keras.Input((6,)), layers.Dropout(0.5, seed=1), layers.GaussianNoise(0.3, seed=2)])
    x = ops.ones((4, 6))
    model(x, training=True)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for _ in range(3):
        np.testing.assert_array_equal(model(x, training=True), again(x, training=True))


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16", "float16", "mixed_float16", "float64"])
@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_dtypes(policy, ending, tmp_path):
    make = lambda: keras.Sequential([keras.Input((6,)), layers.Dense(4, dtype=policy), layers.Dense(2, dtype=policy)])
    model, path = make(), tmp_path / f"m.{ending}"
    if ending == "keras":
        model.save(path)
        again = keras.models.load_model(path)
    else:
        model.save_weights(path)
        again = make()
        again.load_weights(path)
    for a, b in zip(model.variables, again.variables, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_array_equal(ops.cast(model(X), "float32"), ops.cast(again(X), "float32"))


def test_weights_only(tmp_path):
    model, other = trained(sequential), trained(sequential, epochs=0)
    path = tmp_path / "new" / "m.weights.h5"
    model.save_weights(path)
    other.load_weights(path)
    same_weights(model, other)
    model.save(tmp_path / "m.keras")
    third = trained(sequential, epochs=0)
    third.load_weights(tmp_path / "m.keras")
    same_weights(model, third)


def test_weights_into_another_model(tmp_path):
    model = trained(sequential)
    model.save_weights(tmp_path / "m.weights.h5")
    wider = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dense(3)])
    last = wider.layers[-1].get_weights()
    with pytest.raises(ValueError, match=r"1 objects could not be loaded(.|\n)*\(5, 2\)"):
        wider.load_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="could not be loaded"):
        wider.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    np.testing.assert_array_equal(wider.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())
    for a, b in zip(last, wider.layers[-1].get_weights()):
        np.testing.assert_array_equal(a, b)


def test_weights_into_an_unbuilt_model(tmp_path):
    trained(sequential).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="has not yet been built"):
        keras.Sequential([layers.Dense(5)]).load_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="has not yet been built"):
        keras.Sequential([layers.Dense(5)]).save_weights(tmp_path / "m.weights.h5", overwrite=True)


@pytest.mark.parametrize("kind", MODELS)
def test_json(kind):
    model = MODELS[kind]()
    model(X)
    again = keras.models.model_from_json(model.to_json())
    again(X)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))


def test_assets(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Words(layers.Layer):
        words = ()

        def call(self, x):
            return x

        def save_assets(self, folder):
            (pathlib.Path(folder) / "words.txt").write_text("\n".join(self.words))

        def load_assets(self, folder):
            self.words = (pathlib.Path(folder) / "words.txt").read_text().split("\n")

    model = keras.Sequential([keras.Input((6,)), Words(), Words()])
    model.layers[0].words, model.layers[1].words = ["a", "b"], ["c"]
    for place in ("m.keras", "folder"):
        model.save(tmp_path / place)
        again = keras.models.load_model(tmp_path / place)
        assert [layer.words for layer in again.layers] == [["a", "b"], ["c"]]


# -- legacy files -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_legacy_file(kind, tmp_path):
    model = trained(MODELS[kind])
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))
    same_weights(model, again, seeds=False)  # the format has no place for them
    other = MODELS[kind]()
    other.load_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_legacy_weights_by_name(tmp_path):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="one"), layers.Dense(2, name="two")])
    model.save(tmp_path / "m.h5")
    other = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="two"), layers.Dense(9, name="new")])
    new = other.layers[1].get_weights()[0]
    other.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(other.layers[0].kernel.numpy(), model.layers[1].kernel.numpy())
    np.testing.assert_array_equal(other.layers[1].kernel.numpy(), new)
    with pytest.raises(ValueError, match=r"Layer count mismatch|Shape mismatch"):
        other.load_weights(tmp_path / "m.h5")


def test_config_of_keras_2(tmp_path):
    """A file as TensorFlow 2's Keras wrote them: names without modules, batch_input_shape, nested lists of nodes."""
    import json

    import h5py

    dense = lambda name, units, nodes: {
        "class_name": "Dense",
        "name": name,
        "config": {
            "name": name,
            "trainable": True,
            "dtype": "float32",
            "units": units,
            "activation": "relu",
            "use_bias": True,
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        },
        "inbound_nodes": nodes,
    }
    start = {"name": "in", "batch_input_shape": [None, 3], "dtype": "float32", "sparse": False, "ragged": False}
    norm = {"name": "bn", "dtype": "float32", "axis": [1], "momentum": 0.9}
    config = {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [
                {"class_name": "InputLayer", "name": "in", "config": start, "inbound_nodes": []},
                dense("d1", 4, [[["in", 0, 0, {}]]]),
                {"class_name": "BatchNormalization", "name": "bn", "config": norm, "inbound_nodes": [[["d1", 0, 0, {}]]]},
                {
                    "class_name": "Add",
                    "name": "add",
                    "config": {"name": "add"},
                    "inbound_nodes": [[["bn", 0, 0, {}], ["d1", 0, 0, {}]]],
                },
                dense("d2", 1, [[["add", 0, 0, {}]]]),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["d2", 0, 0]],
        },
    }
    training = {
        "loss": "mse",
        "metrics": [
            [{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "dtype": "float32", "fn": "mean_absolute_error"}}]
        ],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {
            "class_name": "Adam",
            "config": {
                "name": "Adam",
                "learning_rate": 0.25,
                "decay": 0.0,
                "beta_1": 0.9,
                "beta_2": 0.999,
                "epsilon": 1e-7,
                "amsgrad": False,
            },
        },
    }
    weights = {"d1": [("kernel:0", (3, 4)), ("bias:0", (4,))], "d2": [("kernel:0", (4, 1)), ("bias:0", (1,))]}
    weights["bn"] = [(f"{n}:0", (4,)) for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    values = {}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.8.0", "tensorflow"
        file.attrs["model_config"], file.attrs["training_config"] = json.dumps(config), json.dumps(training)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"in", b"d1", b"bn", b"add", b"d2"]
        for name in ("in", "d1", "bn", "add", "d2"):
            below = group.create_group(name)
            found = [(f"{name}/{n}", s) for n, s in weights.get(name, ())]
            below.attrs["weight_names"] = [n.encode() for n, _ in found]
            for n, s in found:
                values[n] = below[n] = RNG.uniform(0.5, 1, s).astype("float32")
                values[n] = np.array(below[n])
    model = keras.models.load_model(tmp_path / "old.h5")
    x = np.abs(X[:, :3])
    h = np.maximum(x @ values["d1/kernel:0"] + values["d1/bias:0"], 0)
    n = (h - values["bn/moving_mean:0"]) / np.sqrt(values["bn/moving_variance:0"] + 1e-3) * values["bn/gamma:0"] + values[
        "bn/beta:0"
    ]
    want = np.maximum((n + h) @ values["d2/kernel:0"] + values["d2/bias:0"], 0)
    np.testing.assert_allclose(model.predict(x, verbose=0), want, rtol=1e-5)
    assert float(model.optimizer.learning_rate) == 0.25
    assert set(model.evaluate(x, want, verbose=0, return_dict=True)) == {"loss", "mae"}


# -- when saving fails ------------------------------------------------------------------------------------------
SAVES = {
    "m.keras": lambda model, path: model.save(path),
    "m.h5": lambda model, path: model.save(path),
    "m.weights.h5": lambda model, path: model.save_weights(path),
    "folder": lambda model, path: model.save(path),
}


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Failing(io.RawIOBase):
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, error, room):
        self.file, self.error, self.room = file, error, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise self.error
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        self.file.close()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("room", [0, 3000])
@pytest.mark.parametrize("name", SAVES)
def test_failed_save_leaves_the_old_file(name, room, error, tmp_path, monkeypatch):
    model = trained(sequential)
    SAVES[name](model, tmp_path / name)
    before = files_of(tmp_path)
    model.fit(X, Y, verbose=0)
    real = os.fdopen

    def full(descriptor, mode, *args):
        return Failing(real(descriptor, mode), error, room) if "w" in mode else real(descriptor, mode, *args)

    monkeypatch.setattr(writer.os, "fdopen", full)
    with pytest.raises(type(error)):
        SAVES[name](model, tmp_path / name)
    monkeypatch.undo()
    assert files_of(tmp_path) == before
    SAVES[name](model, tmp_path / name)
    assert files_of(tmp_path) != before and list(files_of(tmp_path)) == list(before)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_device():
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb", buffering=0) as target:
        trained(sequential).save(target)


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):
        trained(sequential).save(tmp_path / "file" / "m.keras")


def test_files_are_readable_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        trained(sequential).save(tmp_path / "m.keras")
    finally:
        os.umask(before)
    assert oct((tmp_path / "m.keras").stat().st_mode & 0o777) == "0o644"


@pytest.mark.parametrize("answers,replaced", [(["y"], True), (["n"], False), (["maybe", "Y"], True)])
def test_asks_before_overwriting(answers, replaced, tmp_path, monkeypatch):
    model = sequential()
    for path, save in ((tmp_path / "m.keras", model.save), (tmp_path / "m.weights.h5", model.save_weights)):
        path.write_text("old")
        left = list(answers)
        monkeypatch.setattr(builtins, "input", lambda text, left=left: left.pop(0))
        save(path, overwrite=False)
        assert (path.read_bytes() != b"old") == replaced
        assert not left


@pytest.mark.parametrize(
    "path,match",
    [("m.txt", "Invalid filepath extension"), ("hf://a/b", "not a local path"), ("gs://a/m.keras", "not a local path")],
)
def test_paths_that_cannot_be_saved_to(path, match):
    with pytest.raises(ValueError, match=match):
        sequential().save(path)


def test_paths_that_cannot_be_loaded(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "m.txt").write_text("x")
    (tmp_path / "m.keras").write_text("not a zip archive")
    (tmp_path / "m.h5").write_text("not HDF5")
    for name, match in (
        ("nothing.keras", "File not found"),
        ("nothing.h5", "File not found"),
        ("folder", "without a config.json"),
        ("m.txt", "File format not supported"),
        ("m.keras", "not a readable .keras file"),
        ("m.h5", "not a readable HDF5 file"),
    ):
        with pytest.raises(ValueError, match=match):
            keras.models.load_model(tmp_path / name)
    sequential().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"model\.load_weights"):
        keras.models.load_model(tmp_path / "w.weights.h5")
    with pytest.raises(FileNotFoundError, match="nothing"):
        sequential().load_weights(tmp_path / "nothing.weights.h5")
    with pytest.raises(ValueError, match="not from a int"):
        keras.models.load_model(3)
