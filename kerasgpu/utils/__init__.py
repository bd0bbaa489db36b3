"""keras.utils."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.backend import clear_session, is_keras_tensor, standardize_dtype
from kerasgpu.config import disable_interactive_logging, enable_interactive_logging, is_interactive_logging_enabled
from kerasgpu.saving.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasgpu.saving.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.training.adapters.pack import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasgpu.training.adapters.py_dataset import PyDataset
from kerasgpu.training.progbar import Progbar
from kerasgpu.utils import legacy
from kerasgpu.utils.config_class import Config
from kerasgpu.utils.files import get_file
from kerasgpu.utils.image_utils import array_to_img, img_to_array, load_img, save_img
from kerasgpu.utils.numerical import normalize, to_categorical
from kerasgpu.utils.rng import set_random_seed
from kerasgpu.utils.sequences import pad_sequences

Sequence = PyDataset  # the name of Keras 2

__all__ = [
    "Config",
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

_IMAGES = "image utilities are not there yet; load pictures with Pillow (PIL.Image.open) and numpy.asarray"
_TABLES = "read the files with the standard library or pandas and pass arrays, a PyDataset or a generator to fit()"

__getattr__ = missing.names(
    __name__,
    {
        "FeatureSpace": "preprocess columns with pandas or scikit-learn, or with keras.layers.Normalization",
        "audio_dataset_from_directory": _TABLES,
        "get_source_inputs": "a model lists its inputs as model.inputs",
        "image_dataset_from_directory": _IMAGES,
        "model_to_dot": "model.summary() prints the graph as text",
        "plot_model": "model.summary() prints the graph as text",
        "split_dataset": "slice the arrays, or use fit(validation_split=...)",
        "text_dataset_from_directory": _TABLES,
        "timeseries_dataset_from_array": "numpy.lib.stride_tricks.sliding_window_view makes the windows",
    },
)
