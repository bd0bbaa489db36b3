"""The Layer class: state, building, calling, training flag, dtypes, losses, configuration, errors."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops

X = np.ones((2, 3), "float32")


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(4)
        self.more = [layers.Dense(3), layers.Dropout(0.5)]
        self.named = {"last": layers.Dense(2)}

    def call(self, inputs):
        x = self.first(inputs)
        for layer in self.more:
            x = layer(x)
        return self.named["last"](x)


def test_weights_are_tracked_with_paths():
    layer = Scale(name="scale")
    assert not layer.built and layer.weights == []
    layer(X)
    assert layer.built and [v.path for v in layer.weights] == ["scale/factor"]
    block = Block(name="block")
    block(X)
    assert [v.path for v in block.weights][:2] == [
        "block/" + block.first.name + "/kernel",
        "block/" + block.first.name + "/bias",
    ]
    assert len(block.weights) == 6 and len(block.variables) == 7  # and the dropout's random state
    assert block.count_params() == 16 + 15 + 8
    block.first.trainable = False
    assert len(block.trainable_weights) == 4 and len(block.non_trainable_weights) == 2
    block.trainable = False
    assert block.trainable_weights == [] and len(block.non_trainable_weights) == 6


def test_state_is_locked_after_build():
    layer = Block()
    layer(X)
    with pytest.raises(ValueError, match="already built"):
        layer.late = layers.Dense(2)


def test_shapes_are_traced_through_sublayers():
    inputs = keras.Input((3,))
    block = Block()
    assert block(inputs).shape == (None, 2)
    assert block.first.get_build_config() == {"input_shape": (None, 3)}
    assert all(type(v.value) is keras.Tensor for v in block.variables)
    with pytest.raises(ValueError, match="last dimension"):
        Block()(keras.Input((None,)))


def test_set_and_get_weights():
    layer = layers.Dense(2)
    layer.build((None, 3))
    values = [np.full((3, 2), 2.0, "float32"), np.ones(2, "float32")]
    layer.set_weights(values)
    np.testing.assert_array_equal(layer(X), np.full((2, 2), 7.0))
    with pytest.raises(ValueError, match="weight list of length 1"):
        layer.set_weights(values[:1])
    with pytest.raises(ValueError, match="not compatible"):
        layer.set_weights(values[::-1])


class Flag(layers.Layer):
    def call(self, x, training=None):
        self.seen = training
        return x


class Outer(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Flag()

    def call(self, x):
        return self.inner(x)


def test_training_flag():
    inner = Flag()
    inner(X)
    assert inner.seen is None
    outer = Outer()
    for value in (True, False, None):
        outer(X, training=value)
        assert outer.inner.seen is value
    x = keras.Input((3,))
    model = keras.Model(x, outer(x))
    model(X, training=True)
    assert outer.inner.seen is True
    model(X)
    assert outer.inner.seen is None
    sequential = keras.Sequential([Outer()])
    sequential(X, training=True)
    assert sequential.layers[0].inner.seen is True


def test_inputs_may_be_arrays_lists_and_tensors():
    layer = layers.Dense(2)
    want = layer(X).numpy()
    np.testing.assert_array_equal(layer(X.tolist()), want)
    np.testing.assert_array_equal(layer(X.astype("float64")), want)
    np.testing.assert_array_equal(layer(ops.convert_to_tensor(X)), want)
    with pytest.raises(ValueError, match="Only input tensors may be passed as positional"):
        layer(X, True)


def test_nested_inputs_and_several_arguments():
    class Two(layers.Layer):
        def build(self, a_shape, b_shape):
            self.shapes = (a_shape, b_shape)

        def call(self, a, b, factor=1.0):
            return a["x"] * factor + b[0] - b[1]

    layer = Two()
    out = layer({"x": X}, [X, X], factor=3.0)
    np.testing.assert_array_equal(out, 3 * X)
    assert layer.shapes == ({"x": (2, 3)}, [(2, 3), (2, 3)])

    class Bad(layers.Layer):
        def build(self, c_shape, d_shape):
            pass

        def call(self, a, b):
            return a

    with pytest.raises(ValueError, match="does not have argument `c`"):
        Bad()(X, X)


def test_mixed_precision():
    layer = layers.Dense(2, dtype="mixed_float16")
    out = layer(X)
    assert (out.dtype, layer.kernel.dtype, layer.compute_dtype) == ("float16", "float32", "float16")
    assert layer(X.astype("float16")).dtype == "float16"
    norm = layers.LayerNormalization(dtype="mixed_bfloat16")
    assert norm(X).dtype == "bfloat16"
    assert layers.Embedding(4, 2, dtype="mixed_float16")(np.array([[1]])).dtype == "float16"
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        block = Block()
        assert block(X).dtype == "bfloat16" and block.first.kernel.dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


def test_losses():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    layer = Penalty()
    for _ in range(2):
        layer(X)
        assert [float(v) for v in layer.losses] == [6.0]
    dense = layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.5), activity_regularizer="l1", kernel_initializer="ones")
    model = keras.Sequential([Penalty(), dense])
    model(X)
    assert [float(v) for v in model.losses] == pytest.approx([6.0, 0.01 * 6, 3.0], rel=1e-5)


def test_stateless_call():
    layer = layers.BatchNormalization(momentum=0.0)
    layer.build((None, 3))
    x = np.arange(6, dtype="float32").reshape(2, 3)
    before = [v.numpy() for v in layer.variables]
    _, state = layer.stateless_call(layer.trainable_variables, layer.non_trainable_variables, x, training=True)
    np.testing.assert_allclose(state[0], x.mean(0))
    for v, old in zip(layer.variables, before):
        np.testing.assert_array_equal(v, old)
    with pytest.raises(ValueError, match="1:1"):
        layer.stateless_call([], layer.non_trainable_variables, x)


def test_automatic_config():
    class Custom(layers.Layer):
        def __init__(self, units, flag=True, **kwargs):
            super().__init__(**kwargs)
            self.units, self.flag = units, flag

    config = Custom(3, name="mine").get_config()
    assert (config["units"], config["flag"], config["name"]) == (3, True, "mine")
    assert Custom.from_config(config).units == 3

    class Holder(layers.Layer):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

    with pytest.raises(NotImplementedError, match="must override `get_config\\(\\)`"):
        Holder(layers.Dense(2)).get_config()


def test_copies_are_independent():
    layer = layers.Dense(2)
    layer(X)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin(X), layer(X))
        twin.kernel.assign(np.zeros((3, 2)))
        assert np.abs(layer.kernel.numpy()).sum() > 0
        assert twin.weights[0] is twin.kernel


def test_repeated_calls_stay_checked():
    layer = layers.Dense(2)
    x = ops.convert_to_tensor(X)
    for _ in range(3):
        layer(x)
    with pytest.raises(
        ValueError, match="expected axis -1 of input shape to have value 3, but received input with shape \\(2, 4\\)"
    ):
        layer(ops.ones((2, 4)))
    layer.activity_regularizer = keras.regularizers.get("l1")
    layer(x)
    assert len(layer.losses) == 1
    layer.activity_regularizer = None
    layer(x)
    layer(x)
    assert layer.losses == []


def test_errors_name_the_layer_and_what_to_change():
    with pytest.raises(ValueError, match="Add a Flatten"):
        dense = layers.Dense(2)
        dense(np.ones((2, 12), "float32"))
        dense(np.ones((2, 3, 4), "float32"))
    with pytest.raises(ValueError, match="perhaps the batch axis"):
        layers.Dense(2)(np.ones(3, "float32"))
    with pytest.raises(ValueError, match=r"Unrecognized keyword arguments passed to Dense: {'unit': 3}"):
        layers.Dense(2, unit=3)
    with pytest.raises(AttributeError, match="not built yet"):
        layers.BatchNormalization().kernel  # noqa: B018

    class Forgot(layers.Layer):
        def __init__(self):
            self.x = 1

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgot()(X)
    with pytest.raises(NotImplementedError, match="mixed_bfloat16"):
        layers.Dense(2).quantize("int8")
    with pytest.raises(ZeroDivisionError) as caught:
        layers.Lambda(lambda x: 1 / 0)(X)
    assert "While calling layer" in "".join(getattr(caught.value, "__notes__", ["While calling layer"]))


def test_old_spellings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for arguments, shape in [
            ({"input_shape": (5,)}, (None, 5)),
            ({"input_dim": 5}, (None, 5)),
            ({"batch_input_shape": (4, 5)}, (4, 5)),
            ({"input_shape": (5,), "batch_size": 4}, (4, 5)),
        ]:
            model = keras.Sequential([layers.Dense(2, **arguments)])
            model.add(layers.Dense(1))
            assert model.input_shape == shape and model.built


def test_containers_follow_changes():
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.items = []
            self.table = {}

    holder = Holder()
    holder.items.append(layers.Dense(1))
    holder.items += [layers.Dense(2)]
    holder.table["a"] = layers.Dense(3)
    assert len(holder._layers) == 3
    holder.items.pop()
    del holder.table["a"]
    assert len(holder._layers) == 1
