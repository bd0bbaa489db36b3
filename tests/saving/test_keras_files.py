"""Models survive saving: configs, weights, optimizer state, in files, folders and file objects."""

import io
import pathlib

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from tests.saving.models import MODELS, X, Y, same_weights, sequential, trained


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


@pytest.mark.parametrize("rate", [0.25, keras.optimizers.schedules.ExponentialDecay(0.25, 10, 0.5)], ids=["number", "schedule"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_an_optimizer_that_was_saved_before_it_was_built(policy, rate, tmp_path):
    """Keras builds optimizers at their first step: its files of untrained models hold a step count and, of a number, the rate."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = sequential()
        model.compile(keras.optimizers.Adam(rate), "mse")
        model.optimizer.iterations.assign(3)
        assert len(model.optimizer.variables) <= 4  # it is not built
        model.save(tmp_path / "m.keras")
        again = keras.models.load_model(tmp_path / "m.keras")
        assert int(again.optimizer.iterations) == 3
        for m in (model, again):
            m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        same_weights(model, again)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("steps", [0, 3])
def test_the_state_inside_a_loss_scaling_optimizer(steps, tmp_path):
    """A file of a mixed_float16 model, loaded where the policy is another: the optimizer goes on without the scale."""
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        model = sequential()
        model.compile(keras.optimizers.Adam(0.25), "mse")
        if steps:
            model.fit(X, Y, batch_size=len(X) // steps, verbose=0)
        model.save(tmp_path / "m.keras")
    finally:
        keras.config.set_dtype_policy(before)
    again = keras.models.load_model(tmp_path / "m.keras")
    inner = model.optimizer.inner_optimizer
    assert type(again.optimizer) is keras.optimizers.Adam
    assert int(again.optimizer.iterations) == int(inner.iterations)
    assert float(again.optimizer.learning_rate) == 0.25
    for a, b in zip(again.optimizer.variables, inner.variables, strict=bool(steps)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
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


@pytest.mark.parametrize("start", [512, 1024, 2048])
def test_weights_that_begin_where_hdf5_may(start, tmp_path):
    """The weights in a .keras file are HDF5, and HDF5 may begin at these bytes: the file is a zip all the same."""
    import zipfile

    model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    weights = "model.weights.h5"
    with zipfile.ZipFile(tmp_path / "moved.keras", "w") as archive:
        entry = zipfile.ZipInfo(weights)
        entry.extra = b"\xff\xff" + (start - 30 - len(weights) - 4).to_bytes(2, "little") + bytes(start - 30 - len(weights) - 4)
        archive.writestr(entry, parts.pop(weights))
        for name, data in parts.items():
            archive.writestr(name, data)
    assert (tmp_path / "moved.keras").read_bytes()[start : start + 4] == b"\x89HDF"
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "moved.keras").predict(X, verbose=0), model.predict(X, verbose=0)
    )


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
