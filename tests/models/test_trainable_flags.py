"""Which layers train stays as it was set when a model is wrapped, saved, loaded, or made from a config."""

import pytest

import kerasgpu as keras


def half_frozen(**more):
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dense(2)(keras.layers.Dense(3, trainable=False)(x)), **more)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_frozen_layers_of_a_functional_model_stay_frozen_in_a_file(tmp_path, ending):
    model = half_frozen()
    model.save(tmp_path / f"m{ending}")
    loaded = keras.saving.load_model(tmp_path / f"m{ending}", compile=False)
    assert [layer.trainable for layer in loaded.layers[1:]] == [False, True]
    assert len(loaded.trainable_weights) == 2


def test_frozen_layers_of_a_functional_model_stay_frozen_in_configs():
    model = half_frozen()
    copies = [
        keras.Model.from_config(model.get_config()),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
    ]
    assert [len(m.trainable_weights) for m in copies] == [2, 2, 2]


def test_the_argument_trainable_speaks_of_the_model_alone():
    assert len(half_frozen(trainable=True).trainable_weights) == 2
    frozen = half_frozen(trainable=False)
    assert frozen.trainable_weights == [] and frozen.layers[-1].trainable
    again = keras.Model.from_config(frozen.get_config())
    assert not again.trainable and again.layers[-1].trainable
