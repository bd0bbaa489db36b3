"""Names of Keras 2 that Keras 3 keeps for tf.keras alone are there, or say what to use."""

import importlib

import pytest

import kerasgpu as keras

IMAGE = """DirectoryIterator ImageDataGenerator Iterator NumpyArrayIterator apply_affine_transform apply_brightness_shift
    apply_channel_shift random_brightness random_channel_shift random_rotation random_shear random_shift random_zoom"""
NAMES = {
    "preprocessing.image": IMAGE,
    "preprocessing.sequence": "TimeseriesGenerator make_sampling_table pad_sequences skipgrams",
    "preprocessing.text": "Tokenizer hashing_trick one_hot text_to_word_sequence tokenizer_from_json",
    "utils.np_utils": "to_categorical normalize",
}


@pytest.mark.parametrize("module", NAMES)
def test_they_are_there(module):
    found = importlib.import_module(f"kerasgpu.{module}")
    for name in NAMES[module].split():
        assert callable(getattr(found, name)) and name in found.__all__


def test_the_old_folder_is_the_same():
    assert keras.legacy.preprocessing.image.ImageDataGenerator is keras.preprocessing.image.ImageDataGenerator
    assert keras.legacy.preprocessing.text is keras.preprocessing.text


@pytest.mark.parametrize("name", ["layers.RandomHeight", "layers.ThresholdedReLU", "layers.CuDNNLSTM", "losses.Reduction"])
def test_what_is_gone_says_what_to_use(name):
    module, _, attribute = name.partition(".")
    with pytest.raises(NotImplementedError, match=rf"keras.{name} is not available in kerasgpu: \w+ \w+ \w+"):
        getattr(getattr(keras, module), attribute)
