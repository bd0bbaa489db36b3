"""keras.utils."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.config import disable_interactive_logging, enable_interactive_logging, is_interactive_logging_enabled
from kerasgpu.configs import keras2_format as legacy
from kerasgpu.configs.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine.dtypes import standardize_dtype
from kerasgpu.engine.keras_tensor import is_symbolic as is_keras_tensor
from kerasgpu.engine.session import clear_session
from kerasgpu.ops import bounding_boxes
from kerasgpu.progress.progbar import Progbar
from kerasgpu.training.adapters.pack import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasgpu.training.adapters.py_dataset import PyDataset
from kerasgpu.utils.audio_dataset import audio_dataset_from_directory
from kerasgpu.utils.config_class import Config
from kerasgpu.utils.feature_space import FeatureSpace
from kerasgpu.utils.files import get_file
from kerasgpu.utils.image_dataset import image_dataset_from_directory
from kerasgpu.utils.image_utils import array_to_img, img_to_array, load_img, save_img
from kerasgpu.utils.model_visualization import model_to_dot, plot_model
from kerasgpu.utils.numerical import normalize, to_categorical
from kerasgpu.utils.rng import set_random_seed
from kerasgpu.utils.sequences import pad_sequences
from kerasgpu.utils.split_dataset import split_dataset
from kerasgpu.utils.text_dataset import text_dataset_from_directory
from kerasgpu.utils.timeseries_dataset import timeseries_dataset_from_array

Sequence = PyDataset  # the name of Keras 2

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


__getattr__ = missing.names(__name__, {"get_source_inputs": "a model lists its inputs as model.inputs"})
