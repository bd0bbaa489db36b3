"""fit, evaluate and predict: results, options, custom steps, hooks, interruptions, and errors in one sentence."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.engine import tape

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("float32")
Y = RNG.integers(0, 3, 50)
TARGET = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], dtype="float32")


@pytest.fixture(params=["captured", "eager"], autouse=True)
def eagerly(request):
    return request.param == "eager"


def regression(eagerly=False, optimizer="sgd", loss="mse", **arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss, run_eagerly=eagerly, **arguments)
    return model


def classifier(eagerly=False, **arguments):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eagerly, **arguments)
    return model


def two_outputs(loss, **arguments):
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(1, name="a")(x), keras.layers.Dense(1, name="b")(x)])
    model.compile("sgd", loss, **arguments)
    return model


def test_training_learns_and_reports(eagerly):
    model = regression(eagerly, keras.optimizers.SGD(0.1), metrics=["mae"])
    history = model.fit(X, TARGET, epochs=30, batch_size=10, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history.epoch == list(range(30)) and history is model.history
    assert history.history["loss"][-1] < 1e-3 < history.history["loss"][0]
    assert all(type(v) is float for values in history.history.values() for v in values)


def test_captured_and_eager_give_the_same_bits():
    found = []
    for eager in (True, False):
        model = regression(eager, "adam")
        model.fit(X, TARGET, epochs=3, batch_size=16, verbose=0)
        found.append((model.history.history["loss"], model.get_weights(), model.predict(X, verbose=0)))
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][2], found[1][2])
    assert all(np.array_equal(a, b) for a, b in zip(found[0][1], found[1][1]))


def test_the_reported_loss_is_the_mean_over_samples(eagerly):
    model = regression(eagerly)
    expected = float(np.mean((model.predict(X, verbose=0) - TARGET) ** 2))
    for batch_size in (7, 32, 50):
        assert model.evaluate(X, TARGET, batch_size=batch_size, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_evaluate_returns_a_number_a_list_or_a_dict(eagerly):
    model = classifier(eagerly, metrics=["accuracy"])
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"accuracy": accuracy, "loss": loss}
    assert isinstance(regression(eagerly).evaluate(X, TARGET, verbose=0), float)


def test_sample_weights_scale_the_loss(eagerly):
    model = regression(eagerly)
    plain, doubled = (model.evaluate(X, TARGET, sample_weight=w, verbose=0) for w in (np.ones(50), np.full(50, 2.0)))
    assert doubled == pytest.approx(2 * plain, rel=1e-5)


def test_all_kinds_of_data_give_the_same_result(eagerly):
    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, k):
            return X[10 * k : 10 * k + 10], TARGET[10 * k : 10 * k + 10]

    def generate():
        yield from Data()

    expected = regression(eagerly).fit(X, TARGET, batch_size=10, shuffle=False, verbose=0).history["loss"]
    tensors = keras.ops.convert_to_tensor(X), keras.ops.convert_to_tensor(TARGET)
    for data in (dict(x=tensors[0], y=tensors[1]), dict(x=X.tolist(), y=TARGET.tolist())):
        assert regression(eagerly).fit(**data, batch_size=10, shuffle=False, verbose=0).history["loss"] == pytest.approx(
            expected
        )
    for data in (Data(), Data(workers=3), generate(), [], list(Data())):
        if isinstance(data, list):
            continue  # a list means arrays, not batches
        assert regression(eagerly).fit(data, shuffle=False, verbose=0).history["loss"] == pytest.approx(expected)


def test_predict_keeps_the_structure_of_the_outputs(eagerly):
    x = keras.Input((4,))
    model = keras.Model(x, {"a": keras.layers.Dense(2)(x), "b": [keras.layers.Dense(1)(x)]})
    model.run_eagerly = eagerly
    out = model.predict(X, batch_size=16, verbose=0)
    assert out["a"].shape == (50, 2) and out["b"][0].shape == (50, 1) and type(out["a"]) is np.ndarray
    direct = model(X)
    assert np.allclose(out["a"], direct["a"], atol=1e-6)
    assert np.allclose(model.predict_on_batch(X[:3])["a"], out["a"][:3], atol=1e-6)


def test_epochs_steps_and_validation_frequency(eagerly):
    model = regression(eagerly)
    history = model.fit(X, TARGET, epochs=6, initial_epoch=2, validation_data=(X, TARGET), validation_freq=[4, 6], verbose=0)
    assert history.epoch == [2, 3, 4, 5] and len(history.history["val_loss"]) == 2
    assert int(model.optimizer.iterations) == 4 * 2
    model.fit(X, TARGET, batch_size=5, steps_per_epoch=3, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 8 + 6


def test_frozen_layers_do_not_move(eagerly):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse", run_eagerly=eagerly)
    before = [w.copy() for w in model.get_weights()]
    model.fit(X, TARGET, verbose=0)
    after = model.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after)].count(True) >= 1
    assert not np.array_equal(before[-1], after[-1])


# -- custom steps ---------------------------------------------------------------------------------------------------
class WithTape(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as recorded:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(recorded.gradient(loss, variables), variables))
        return {"mine": loss}


class WithBackward(keras.Model):
    def train_step(self, data):
        x, y = data
        self.zero_grad()
        loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        loss.backward()
        variables = self.trainable_weights
        gradients = [v.value.grad for v in variables]
        with tape.no_grad():
            self.optimizer.apply(gradients, variables)
        return {"mine": loss}


class WithLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean((y - y_pred) ** 2)


@pytest.mark.parametrize("kind", [WithTape, WithBackward, WithLoss])
def test_three_ways_to_write_a_step_equal_the_default(kind, eagerly):
    def run(cls):
        keras.utils.set_random_seed(0)
        x = keras.Input((4,))
        model = cls(x, keras.layers.Dense(1)(x))
        model.compile("adam", "mse" if cls is not WithLoss else None, run_eagerly=eagerly)
        history = model.fit(X, TARGET, epochs=2, batch_size=25, shuffle=False, verbose=0).history
        return history, model.get_weights()

    history, weights = run(kind)
    _, expected = run(keras.Model)
    assert list(history) == (["loss"] if kind is WithLoss else ["mine"])
    for a, b in zip(weights, expected):
        assert np.allclose(a, b, atol=1e-6)


def test_metrics_of_the_model_itself_are_reset_each_epoch(eagerly):
    class Counting(keras.Model):
        def __init__(self, **arguments):
            super().__init__(**arguments)
            self.batches = keras.metrics.Sum(name="batches")

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.batches.update_state(1.0)
            return super().compute_metrics(x, y, y_pred, sample_weight)

    x = keras.Input((4,))
    model = Counting(inputs=x, outputs=keras.layers.Dense(1)(x))
    model.compile("sgd", "mse", metrics=["mae"], run_eagerly=eagerly)
    history = model.fit(X, TARGET, epochs=3, batch_size=10, verbose=0).history
    assert history["batches"] == [5.0, 5.0, 5.0] and sorted(history) == ["batches", "loss", "mae"]


def test_a_subclass_without_shapes_is_built_on_the_first_batch(eagerly):
    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            if float(keras.ops.max(x)) > 1e9:  # needs values: cannot run on shapes alone
                return x
            return self.dense(x)

    model = Late()
    model.compile("sgd", "mse", metrics=["mae"], run_eagerly=eagerly)
    assert np.isfinite(model.fit(X, TARGET, epochs=2, verbose=0).history["mae"]).all()


def test_mixed_float16_wraps_the_optimizer(eagerly):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = regression(eagerly)
        assert type(model.optimizer).__name__ == "LossScaleOptimizer"
        assert np.isfinite(model.fit(X, TARGET, verbose=0).history["loss"]).all()
    finally:
        keras.config.set_dtype_policy("float32")


def test_compile_config_round_trip(eagerly):
    model = regression(eagerly, keras.optimizers.Adam(0.01), loss=keras.losses.Huber(), metrics=["mae"])
    config = model.get_compile_config()
    again = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    again.compile_from_config(config)
    assert again.get_compile_config() == config and type(again.loss).__name__ == "Huber" and again.optimizer.built


# -- interruptions --------------------------------------------------------------------------------------------------
def test_a_step_may_stop_training(eagerly):
    class Stopper(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.stop_training = True

    model = regression(eagerly)
    history = model.fit(X, TARGET, batch_size=5, epochs=4, verbose=0, callbacks=[Stopper()])
    assert history.epoch == [0] and int(model.optimizer.iterations) == 3


def test_ctrl_c_leaves_a_usable_model(eagerly, tmp_path):
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")

    class Interrupt(keras.callbacks.Callback):
        ended = False

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

        def on_train_end(self, logs=None):
            self.ended = True

    model, interrupt = regression(eagerly), Interrupt()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, TARGET, epochs=9, verbose=0, callbacks=[log, interrupt])
    assert not interrupt.ended and log.csv_file.closed
    assert len(model.history.history["loss"]) == 2
    assert model.fit(X, TARGET, epochs=1, verbose=0).epoch == [0]


# -- errors ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: keras.Sequential([keras.layers.Dense(1)]).fit(X, TARGET), r"You must call `compile\(\)` before"),
        (lambda: keras.Sequential([keras.layers.Dense(1)]).evaluate(X, TARGET), r"You must call `compile\(\)` before"),
        (lambda: regression().fit(X[:, :3], TARGET), r"expected .*4.*\(32, 3\)|incompatible|expected axis"),
        (lambda: regression().fit(X, TARGET[:9]), "Data cardinality is ambiguous"),
        (lambda: regression(loss=None).fit(X, TARGET), "No loss to compute"),
        (lambda: regression(optimizer=None).fit(X, TARGET), "needs an optimizer"),
        (lambda: regression(loss="mses"), None),
        (lambda: regression(loss="mses").fit(X, TARGET), "Could not interpret loss.*mses"),
        (lambda: regression(optimizer="adamm"), "Could not interpret optimizer.*adamm"),
        (lambda: regression(metrics=["maee"]).fit(X, TARGET), "Could not interpret metric.*maee"),
        (lambda: regression(metrics="mae"), "to be a list, tuple, or dict"),
        (lambda: regression(loss_weights="a"), "Expected `loss_weights`"),
        (lambda: regression(loss_weights=[1.0, 2.0]).fit(X, TARGET), "must match the number of losses"),
        (lambda: two_outputs({"a": "mse", "c": "mse"}).fit(X, [TARGET, TARGET]), r"Expected keys \['a', 'b'\]"),
        (lambda: two_outputs("mse").fit(X, [TARGET] * 3), "y_true and y_pred have different structures"),
        (lambda: two_outputs("mse", metrics=["mse", "mae", "mse"]).fit(X, [TARGET] * 2), "Invalid `metrics`"),
        (lambda: regression(steps_per_execution=0), "positive integer"),
        (lambda: classifier().fit(X, Y + 1), "needs class numbers from 0 to 2.*y holds numbers from 1 to 3"),
        (lambda: classifier().fit(X, Y - 1), "y holds numbers from -1 to 1"),
        (lambda: regression().fit(X, TARGET, validation_data=(X, TARGET), validation_freq="x"), "Expected `validation_freq`"),
        (lambda: regression().fit(X, TARGET, callbacks=[3]), "must hold keras.callbacks.Callback objects"),
        (lambda: regression().fit(X, TARGET, callbacks=[keras.callbacks.History]), "make an instance|received the class"),
        (lambda: regression().train_on_batch(X, TARGET, sample_weight=X[:, 0], class_weight={0: 1.0}), "at the same time"),
        (lambda: regression().evaluate(X, TARGET, nonsense=1), "Arguments not recognized"),
    ],
)
def test_mistakes_are_named(call, message, eagerly):
    if message is None:
        call()  # an unknown loss is found when the model is built
        return
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_steps_written_for_keras_on_jax(eagerly):
    class Stateful(keras.Model):
        def train_step(self, state, data):
            trainable, others, optimizer, metrics = state
            x, y = data

            def loss_of(trainable, others):
                y_pred, others = self.stateless_call(trainable, others, x, training=True)
                return keras.ops.mean((y - y_pred) ** 2), others

            (loss, others), gradients = keras.value_and_grad(loss_of, has_aux=True)(trainable, others)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
            return {"loss": loss}, (trainable, others, optimizer, metrics)

    def run(cls, loss):
        keras.utils.set_random_seed(0)
        x = keras.Input((4,))
        model = cls(x, keras.layers.Dense(1)(x))
        model.compile("adam", loss, run_eagerly=eagerly)
        model.fit(X, TARGET, epochs=2, batch_size=25, shuffle=False, verbose=0)
        return model.get_weights()

    for a, b in zip(run(Stateful, None), run(keras.Model, "mse")):
        assert np.allclose(a, b, atol=1e-6)


def test_a_validation_generator_that_has_ended_is_said(eagerly):
    batches = ((X[:5], TARGET[:5]) for _ in range(2))
    with pytest.warns(UserWarning, match="ran out of data|validation data has ended"):
        history = regression(eagerly).fit(X, TARGET, epochs=3, validation_data=batches, verbose=0).history
    assert len(history["loss"]) == 3 and len(history["val_loss"]) == 1


def test_an_infinite_generator_with_steps(eagerly):
    def endless():
        while True:
            yield X[:10], TARGET[:10]

    model = regression(eagerly)
    history = model.fit(
        endless(), epochs=2, steps_per_epoch=3, validation_data=endless(), validation_steps=2, shuffle=False, verbose=0
    )
    assert int(model.optimizer.iterations) == 6 and len(history.history["val_loss"]) == 2
    assert model.predict(((X[:10],) for _ in range(3)), verbose=0).shape == (30, 1)
