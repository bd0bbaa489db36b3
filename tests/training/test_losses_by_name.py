"""Losses, weights and labels find their output by name; what a row weighs, and what compile() leaves alone."""

import numpy as np
import pytest

import kerasgpu as keras

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = X[:, :2].copy()


def two(kind):
    keras.utils.set_random_seed(0)
    x = keras.Input((4,))
    a, b = keras.layers.Dense(2, name="a")(x), keras.layers.Dense(2, name="b")(x)
    return keras.Model(x, {"a": a, "b": b} if kind == "dict" else [a, b])


def parts(model):
    out = model.predict(X, verbose=0)
    out = [out["a"], out["b"]] if isinstance(out, dict) else out
    return [float(((p - Y) ** 2).mean()) for p in out]


def loss_of(model, y, **arguments):
    model.compile(keras.optimizers.SGD(0.0), **arguments)
    return model.evaluate(X, y, verbose=0, return_dict=True)["loss"]


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_losses_for_some_outputs(kind):
    model = two(kind)
    a, b = parts(model)
    assert loss_of(model, {"b": Y}, loss={"b": "mse"}) == pytest.approx(b, rel=1e-5)
    assert loss_of(model, {"a": Y, "b": Y}, loss={"a": "mse"}) == pytest.approx(a, rel=1e-5)
    weights = {"a": np.float32(2.0), "b": np.int64(3)}
    assert loss_of(model, {"a": Y, "b": Y}, loss="mse", loss_weights=weights) == pytest.approx(2 * a + 3 * b, rel=1e-5)
    assert loss_of(model, {"a": Y, "b": Y}, loss={"a": "mse", "b": "mse"}, loss_weights={"b": 3.0}) == pytest.approx(
        a + 3 * b, rel=1e-5
    )


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_labels_that_belong_to_no_output_are_refused(kind):
    with pytest.raises(ValueError, match="no output is called 'c'"):
        loss_of(two(kind), {"a": Y, "c": Y}, loss="mse")
    with pytest.raises(ValueError, match="has a loss but no labels"):
        loss_of(two(kind), {"a": Y}, loss="mse")


def test_a_weight_of_a_row_is_not_laid_along_time():
    values = np.arange(9, dtype="float32").reshape(3, 3)
    weight = np.array([1.0, 0.0, 0.0], "float32")
    x = values[..., None]
    zeros = np.zeros_like(x)
    want = (values**2 * weight[:, None]).mean()
    assert float(keras.losses.MeanSquaredError()(zeros, x, weight)) == pytest.approx(want)
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.Identity()])
    model.compile(loss="mse", weighted_metrics=["mse"])
    loss, metric = model.evaluate(x, zeros, sample_weight=weight, verbose=0)
    assert loss == pytest.approx(want)
    assert metric == pytest.approx((values**2 * weight[:, None]).mean(1).sum() / weight.sum())


def test_compile_leaves_what_the_constructor_set():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.loss = keras.losses.MeanSquaredError()
            self.optimizer = keras.optimizers.SGD(0.25)

    model = Own()
    loss, optimizer = model.loss, model.optimizer
    model.compile()
    assert model.loss is loss and model.optimizer is optimizer
    model.compile("rmsprop", "mae")
    assert model.loss == "mae" and isinstance(model.optimizer, keras.optimizers.RMSprop)


def test_a_model_of_a_dict_takes_its_inputs_by_name():
    a, b = keras.Input((1,), name="a"), keras.Input((1,), name="b")
    model = keras.Model({"a": a, "b": b}, a * 10 + b)
    one = np.ones((1, 1), "float32")
    assert float(model.predict({"a": one, "aa": one * 99, "b": one * 2}, verbose=0)[0, 0]) == 12
    with pytest.raises(ValueError, match='input "a"'):
        model.predict({"b": one}, verbose=0)


@pytest.mark.parametrize(
    "loss, y, cure",
    [
        ("categorical_crossentropy", np.array([0, 1, 2, 0, 1, 2]), "sparse_categorical_crossentropy"),
        ("sparse_categorical_crossentropy", np.eye(3)[[0, 1, 2, 0, 1, 2]], r"argmax\(-1\)"),
    ],
)
def test_labels_of_the_other_kind(loss, y, cure):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=cure):
        model.fit(X, y, verbose=0)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_a_loss_of_another_activation_is_that_of_the_predictions(activation, loss):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation=activation)])
    y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
    want = float(np.mean(np.asarray(keras.losses.get(loss)(y, model.predict(X, verbose=0)))))
    assert loss_of(model, y, loss=loss) == pytest.approx(want, rel=1e-4)
