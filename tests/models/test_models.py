"""Sequential, Functional and subclassed models: graphs, inputs, configuration, cloning, summary."""

import json

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops

X = np.arange(6, dtype="float32").reshape(2, 3)


def two_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    shared = layers.Dense(4, name="shared")
    left = shared(a)
    right = shared(layers.Dense(3, name="up")(b))
    return keras.Model([a, b], {"sum": left + right, "left": ops.relu(left)}, name="two")


def test_sequential_defers_building():
    model = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="no defined input shape"):
        model.input_shape  # noqa: B018
    assert model(X).shape == (2, 2)
    assert model.built and len(model.weights) == 4 and model.output_shape == (2, 2)
    model.pop()
    model.add(layers.Dense(7))
    assert model(X).shape == (2, 7)
    built = keras.Sequential([layers.Dense(4)])
    built.build((None, 3))
    assert built.count_params() == 16
    with pytest.raises(ValueError, match="forget the parentheses"):
        keras.Sequential([layers.Flatten])
    with pytest.raises(ValueError, match="unique names"):
        keras.Sequential([layers.Dense(1, name="x"), layers.Dense(1, name="x")])


def test_sequential_round_trip():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu"), layers.Dropout(0.5)], name="stack")
    twin = keras.Sequential.from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(X), model(X))
    assert twin.name == "stack" and json.dumps(twin.get_config()) == json.dumps(model.get_config())
    assert keras.models.model_from_json(model.to_json()).to_json() == model.to_json()


def test_functional_inputs_in_every_form():
    model = two_inputs()
    b = np.ones((2, 2), "float32")
    want = model([X, b])["sum"].numpy()
    for given in ([X, b], (X, b), {"a": X, "b": b}, [X.astype("float64"), b.astype("int32")]):
        np.testing.assert_allclose(model(given)["sum"], want, rtol=1e-6)
    with pytest.raises(ValueError, match="expects 2 named input"):
        model([X])
    with pytest.raises(ValueError, match="Missing data for input"):
        model({"a": X})
    with pytest.raises(ValueError, match="expected shape"):
        model([X, X])
    single = keras.Sequential([keras.Input((3, 1)), layers.Flatten()])
    assert single(X).shape == (2, 3)  # the missing last axis of size 1 is added


def test_functional_round_trip_keeps_graph_and_values():
    model = two_inputs()
    config = json.loads(json.dumps(model.get_config()))
    twin = keras.Model.from_config(config)
    assert json.dumps(twin.get_config()) == json.dumps(model.get_config())
    twin.set_weights(model.get_weights())
    b = np.ones((2, 2), "float32")
    np.testing.assert_array_equal(twin([X, b])["left"], model([X, b])["left"])
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]


def test_ops_are_saved_as_keras_classes():
    x = keras.Input((4, 3))
    y = ops.mean(x, axis=1) + ops.reshape(x, (-1, 12))[:, :3]
    y = ops.concatenate([y, ops.einsum("ab,ab->ab", y, y)], axis=-1)
    model = keras.Model(x, ops.where(y > 0, y, ops.zeros_like(y)))
    entries = {e["name"]: e for e in model.get_config()["layers"]}
    mean = next(e for n, e in entries.items() if n.startswith("mean"))
    assert (mean["module"], mean["class_name"]) == ("keras.src.ops.numpy", "Mean")
    assert mean["config"]["axis"] == 1 and mean["config"]["keepdims"] is False
    assert len(mean["inbound_nodes"][0]["args"]) == 1
    data = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    twin = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    np.testing.assert_array_equal(twin(data), model(data))
    again = keras.Model.from_config(json.loads(json.dumps(twin.get_config())))
    np.testing.assert_array_equal(again(data), model(data))


def test_hostile_op_names_are_refused():
    x = keras.Input((3,))
    config = json.loads(json.dumps(keras.Model(x, ops.relu(x)).get_config()))
    config["layers"][1]["class_name"] = "system"
    with pytest.raises(TypeError, match="not an op that a saved model can use"):
        keras.Model.from_config(config)


def test_nested_and_shared_models():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="d")], name="inner")
    x = keras.Input((3,))
    model = keras.Model(x, inner(inner(x)) + x)
    want = inner(inner(X)).numpy() + X
    np.testing.assert_allclose(model(X), want, rtol=1e-6)
    assert len(model.weights) == 2
    twin = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(twin(X), want, rtol=1e-6)


def test_models_from_the_middle_of_a_graph():
    x = keras.Input((3,))
    middle = layers.Dense(4, name="m")(x)
    out = layers.Dense(2, name="o")(ops.relu(middle))
    full, head, tail = keras.Model(x, out), keras.Model(x, middle), keras.Model(middle, out)
    np.testing.assert_allclose(tail(head(X)), full(X), rtol=1e-6)
    assert tail.get_layer("o") is full.get_layer("o")


def test_wrong_graphs_are_refused():
    x, other = keras.Input((3,)), keras.Input((3,))
    with pytest.raises(ValueError, match=r"disconnected|not connected"):
        keras.Model(x, layers.Dense(1)(other))
    with pytest.raises(ValueError, match="not connected to an Input"):
        keras.Model(x, keras.KerasTensor((None, 3)))
    with pytest.raises(ValueError, match="must be KerasTensors"):
        keras.Model(x, X)
    y = layers.Dense(1, name="twice")(layers.Dense(3, name="twice")(x))
    with pytest.raises(ValueError, match="should be unique"):
        keras.Model(x, y)


def test_deep_graphs_are_no_problem():
    x = y = keras.Input((2,))
    for _ in range(1500):
        y = y + 1.0
    np.testing.assert_array_equal(keras.Model(x, y)(np.zeros((1, 2), "float32")), np.full((1, 2), 1500.0))


def test_subclasses():
    class Plain(keras.Model):
        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = layers.Dense(units)

        def call(self, x, training=None):
            return self.dense(x)

    model = Plain()
    model.build((None, 3))
    assert model.built and model.count_params() == 16 and [layer.name for layer in model.layers] == [model.dense.name]
    assert Plain.from_config(model.get_config()).units == 4

    class Wired(keras.Model):
        def __init__(self):
            x = keras.Input((3,))
            super().__init__(x, layers.Dense(2)(x))

    wired = Wired()
    assert isinstance(wired, keras.models.Functional) and wired(X).shape == (2, 2)
    assert not issubclass(keras.Model, keras.models.Functional)


def test_clone_model():
    model = two_inputs()
    clone = keras.models.clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights]
    assert clone.get_layer("shared") is not model.get_layer("shared")
    wider = keras.models.clone_model(
        keras.Sequential([keras.Input((3,)), layers.Dense(2)]), clone_function=lambda layer: layers.Dense(5, name=layer.name)
    )
    assert wider.output_shape == (None, 5)


def test_summary():
    lines = []
    two_inputs().summary(print_fn=lines.append, line_length=100)
    text = "\n".join(lines)
    assert 'Model: "two"' in text and "Connected to" in text and "shared (Dense)" in text
    assert "Total params: 25 (100.00 B)" in text and "Non-trainable params: 0 (0.00 B)" in text
    assert len({len(line) for line in text.splitlines() if line[:1] in "┏┃┡│├└"}) == 1
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="one"), layers.Dense(2, name="two")])
    model.summary(print_fn=lines.append, layer_range=("two", "two"), show_trainable=True)
    assert "one (Dense)" not in lines[-1] and "two (Dense)" in lines[-1] and "Trainable" in lines[-1]
    with pytest.raises(ValueError, match="do not match"):
        model.summary(layer_range=("x", "y"))


def test_get_layer():
    model = two_inputs()
    assert model.get_layer("up") is model.get_layer(index=[layer.name for layer in model.layers].index("up"))
    with pytest.raises(ValueError, match=r"No such layer: down. Existing layers are"):
        model.get_layer("down")
    with pytest.raises(AttributeError, match="reserved"):
        model.layers = []


def test_state_tree():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")], name="s")
    tree = model.get_state_tree("numpy_array")
    assert set(tree["trainable_variables"]["s"]["d"]) == {"kernel", "bias"}
    tree["trainable_variables"]["s"]["d"]["kernel"] = np.ones((3, 2), "float32")
    model.set_state_tree({"trainable_variables": tree["trainable_variables"]})
    np.testing.assert_array_equal(model.layers[0].kernel, np.ones((3, 2)))
