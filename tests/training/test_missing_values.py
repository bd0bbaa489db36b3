"""What is missing is an error, wherever it enters: None must not become NaN, which would ruin the weights."""

import numpy as np
import pytest

import kerasgpu as keras

X = np.ones((8, 4), "float32")
Y = np.ones((8, 1), "float32")


def regression():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.fit(X, verbose=0),
        lambda m: m.fit(X, Y, validation_data=X, verbose=0),
        lambda m: m.fit(X, Y, validation_data=(X,), verbose=0),
        lambda m: m.fit(X, Y, validation_data=((X,) for _ in range(2)), verbose=0),
        lambda m: m.fit(((X,) for _ in range(2)), shuffle=False, verbose=0),
        lambda m: m.evaluate(X, verbose=0),
        lambda m: m.test_on_batch(X),
        lambda m: m.train_on_batch(X),
    ],
)
def test_a_missing_y_is_refused_also_by_a_trained_model(call):
    model = regression()
    model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="y is missing"):
        call(model)
    assert np.isfinite(model.get_weights()[0]).all()


def test_a_loss_of_the_layers_alone_needs_no_y():
    class Small(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(x**2))
            return x

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1), Small()])
    model.compile("sgd")
    assert np.isfinite(model.fit(X, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.ops.add(X, None),
        lambda: keras.ops.mean(None),
        lambda: keras.ops.convert_to_tensor([1.0, None]),
        lambda: keras.Variable(None),
        lambda: setattr(regression().optimizer, "learning_rate", None),
        lambda: keras.metrics.Mean().update_state(None),
        lambda: keras.losses.mean_squared_error(None, X),
    ],
)
def test_none_is_no_number(make):
    with pytest.raises(ValueError, match="from None"):
        make()


def test_text_in_an_object_array_is_no_number_even_where_it_looks_like_one():
    with pytest.raises(ValueError, match="does not hold numbers"):
        keras.ops.convert_to_tensor(np.array([1.0, "2"], dtype=object))
    with pytest.raises(ValueError, match="'2'"):
        regression().fit(np.array([[1.0, "2", 3.0, 4.0]] * 8, dtype=object), Y, verbose=0)


def test_none_in_an_object_array_is_named_by_its_place():
    data = np.ones((8, 4), dtype=object)
    data[3, 2] = None
    with pytest.raises(ValueError, match=r"x: .*None at \(3, 2\)"):
        regression().fit(data, Y, verbose=0)


def test_forgotten_returns_are_named():
    model = regression()
    model.compile("sgd", lambda a, b: None)
    with pytest.raises(ValueError, match="loss .* returned None"):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse", metrics=[lambda a, b: None])
    with pytest.raises(ValueError, match="metric .* returned None"):
        model.fit(X, Y, verbose=0)

    class Own(keras.Sequential):
        def train_step(self, data):
            pass

    model = Own([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"train_step\(\) returned None"):
        model.fit(X, Y, verbose=0)
