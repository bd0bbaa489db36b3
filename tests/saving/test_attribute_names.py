"""What lies in a weights file does not depend on how a user's attributes are called, and saving leaves no traces in names."""

import subprocess
import sys

import numpy as np
import pytest

import kerasgpu as keras

# Names that other classes of the package, or a layer itself, use for their own attributes.
NAMES = [
    "_layers",
    "_steps",
    "_graph",
    "_inputs",
    "_outputs",
    "loss",
    "history",
    "operations",
    "_operations",
    "_functional",
    "_programs",
]


class Chain(keras.layers.Layer):
    """Keeps its sublayers under a name of choice."""

    def __init__(self, attribute, container=list, **kwargs):
        super().__init__(**kwargs)
        self.attribute = attribute
        setattr(self, attribute, container([keras.layers.Dense(4), keras.layers.Dense(3)]))

    def call(self, inputs):
        for layer in sorted(getattr(self, self.attribute), key=lambda layer: layer.name):
            inputs = layer(inputs)
        return inputs


def model_with(*args):
    return keras.Sequential([keras.Input((4,)), Chain(*args), keras.layers.Dense(1)])


def assert_restored(model, path):
    values = model.get_weights()
    model.save_weights(path)
    model.set_weights([0 * v for v in values])
    model.load_weights(path)
    for got, want in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", NAMES)
def test_sublayers_under_any_name_are_in_the_file(name, tmp_path):
    model = model_with(name)
    assert len(model.weights) == 6
    assert_restored(model, tmp_path / "m.weights.h5")


def test_sublayers_in_a_set(tmp_path):
    assert_restored(model_with("blocks", set), tmp_path / "m.weights.h5")


def test_a_subclassed_model_may_use_names_of_functional_ones(tmp_path):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self._steps = [keras.layers.Dense(2)]

        def call(self, x):
            return self._steps[0](x)

    model = Net()
    model(np.ones((1, 3), "float32"))
    assert_restored(model, tmp_path / "m.weights.h5")


@pytest.mark.parametrize("shard", [None, 1.0])
def test_a_variable_that_would_not_be_saved_is_an_error(shard, tmp_path):
    model = model_with("_init_arguments")  # a name of the base class itself
    name = model.layers[0]._init_arguments[-1].kernel.path
    with pytest.raises(ValueError, match=f"{name}.*would not be in the file.*_init_arguments"):
        model.save_weights(tmp_path / ("m.weights.json" if shard else "m.weights.h5"), max_shard_size=shard)


def test_a_sublayer_that_was_replaced_is_no_error(tmp_path):
    model = model_with("parts", tuple)
    model.layers[0].parts = model.layers[0].parts[:1]
    with pytest.warns(UserWarning, match="saved without .*kernel"):
        model.save_weights(tmp_path / "m.weights.h5")


def test_the_first_save_of_a_process_does_not_shift_names(tmp_path):
    code = (
        "import kerasgpu as keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        f"model.save({str(tmp_path / 'm.keras')!r})\n"
        "print(keras.layers.Dense(1).name, keras.Sequential().name, keras.layers.Layer().name)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["dense_1", "sequential_1", "layer"]
