"""Constructors with variable keywords, missing and misspelled arguments and names."""

import numpy as np
import pytest

import kerasgpu as keras


class Scale(keras.layers.Layer):
    def __init__(self, factor=1.0, *, shift=0.0, **options):
        super().__init__(**options)
        self.factor, self.shift = factor, shift


def test_variable_keywords_of_any_name_survive_a_config():
    layer = Scale(3.0, name="q", dtype="float16")
    config = layer.get_config()
    assert "options" not in config and config["factor"] == 3.0
    twin = Scale.from_config(config)
    assert (twin.name, twin.factor, twin.shift, twin.dtype) == ("q", 3.0, 0.0, "float16")


def test_empty_variadic_arguments_of_any_name():
    class Open(keras.layers.Layer):
        def __init__(self, units, *rest, **more):
            super().__init__(**more)

    assert Open(3).get_config()["units"] == 3
    with pytest.raises(NotImplementedError, match="variadic"):
        Open(3, 4).get_config()


def test_a_missing_argument_names_the_class_and_the_argument():
    with pytest.raises(TypeError, match=r"Conv2D\(\) is missing the argument 'kernel_size'"):
        keras.layers.Conv2D(8)


@pytest.mark.parametrize(
    "package, wrong, right",
    [("layers", "Densee", "Dense"), ("losses", "MeanSquaredErorr", "MeanSquaredError"), ("optimizers", "Adma", "Adam")],
)
def test_a_misspelled_public_name(package, wrong, right):
    with pytest.raises(AttributeError, match=f"Did you mean '{right}'"):
        getattr(getattr(keras, package), wrong)


def test_a_misspelled_argument():
    with pytest.raises(ValueError, match="Did you mean 'activation'"):
        keras.layers.Dense(2, activatoin="relu")


def test_tree_functions_on_what_a_layer_tracks():
    layer = keras.layers.Layer()
    layer.parts = [1, [2, 3]]
    layer.table = {"a": 1, "b": [2]}
    for value, plain in ((layer.parts, [1, [2, 3]]), (layer.table, {"a": 1, "b": [2]})):
        mapped = keras.tree.map_structure(lambda x: x, value)
        assert mapped == plain and type(mapped) is type(plain)
        keras.tree.assert_same_structure(value, plain)
        assert keras.tree.map_structure(np.add, plain, value) == keras.tree.map_structure(np.add, value, plain)


def test_shapes_may_be_arrays():
    inputs = keras.Input(np.array([3, 4]))
    assert inputs.shape == (None, 3, 4)
    assert keras.layers.Reshape((None, 2))(inputs).shape == (None, 6, 2)
    assert keras.layers.Layer().add_weight(shape=np.array([2, 3])).shape == (2, 3)
