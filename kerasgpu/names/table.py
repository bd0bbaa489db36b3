"""What the facades are made of: {public name: "module:attribute"} below `kerasgpu`, and hints for names that are not there."""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.names.keras2_backend import MISSING as KERAS2_BACKEND_MISSING
from kerasgpu.names.keras2_backend import names as keras2_backend


class Facade(NamedTuple):
    what: str  # after "keras.<module>: " in its docstring
    names: dict[str, str] = {}
    missing: dict[str, str] = {}


def _all(module: str, *names: str, **renamed: str) -> dict[str, str]:
    return {**{n: f"{module}:{n}" for n in names}, **{n: f"{module}:{there}" for n, there in renamed.items()}}


# Modules that are another module under an old or second path.
ALIASES = {
    "applications.imagenet_utils": "utils.imagenet",
    "legacy.preprocessing": "preprocessing",
    "legacy.preprocessing.image": "preprocessing.image",
    "legacy.preprocessing.sequence": "preprocessing.sequence",
    "legacy.preprocessing.text": "preprocessing.text",
    "legacy.saving": "configs.keras2_format",
    "utils.legacy": "configs.keras2_format",
    "utils.bounding_boxes": "ops.bounding_boxes",
}

_BATCHES = "read the files with the standard library or Pillow and pass arrays, a PyDataset or a generator to fit()"
_TEACHER = "add the loss between teacher(x) and the student's outputs in compute_loss() of a keras.Model subclass"
_NETWORK = "networks with ImageNet weights are not there yet; build one of keras.layers, or load a .keras file that Keras saved"

FACADES = {
    "backend": Facade(
        "what Keras 3 keeps there, and the functions of Keras 2.",
        {
            **keras2_backend(),
            **_all("config", "backend", "epsilon", "floatx", "image_data_format"),
            **_all("config", "set_epsilon", "set_floatx", "set_image_data_format"),
            **_all("engine.dtypes", "is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype"),
            **_all("engine.keras_tensor", is_keras_tensor="is_symbolic"),
            **_all("engine.naming", "get_uid"),
            **_all("engine.session", "clear_session"),
        },
        KERAS2_BACKEND_MISSING,
    ),
    "distillation": Facade(
        "not there yet; the names say what to do instead.",
        missing={
            "DistillationLoss": _TEACHER,
            "Distiller": "subclass keras.Model and add the loss between teacher(x) and the student's outputs in compute_loss()",
            "FeatureDistillation": _TEACHER,
            "LogitsDistillation": _TEACHER,
        },
    ),
    "export": Facade(
        "not there yet; the names say what to do instead.",
        missing={
            "ExportArchive": "it writes a TensorFlow SavedModel, which kerasgpu does not; save with model.save('model.keras'), which "
            "real Keras reads and can export"
        },
    ),
    "legacy": Facade(
        "the configs of Keras 2, and its data generators.", {"preprocessing": "legacy.preprocessing", "saving": "legacy.saving"}
    ),
    "mixed_precision": Facade(
        "dtype policies and loss scaling under their old names.",
        {
            **_all("dtype_policies", "DTypePolicy", "dtype_policy", "set_dtype_policy", Policy="DTypePolicy"),
            **_all("dtype_policies", global_policy="dtype_policy", set_global_policy="set_dtype_policy"),
            **_all("optimizers", "LossScaleOptimizer"),
        },
    ),
    "preprocessing": Facade(
        "the old home of utilities that are in keras.utils now, and the data generators of Keras 2.",
        {
            "image": "preprocessing.image",
            "sequence": "preprocessing.sequence",
            "text": "preprocessing.text",
            **_all("utils", "image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array"),
        },
    ),
    "preprocessing.image": Facade(
        "ImageDataGenerator, and the old home of image utilities that are in keras.utils now.",
        {
            **_all("utils.image_utils", "array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"),
            **_all("utils.image_dataset", "image_dataset_from_directory"),
            **_all("utils.keras2.image_generator", "ImageDataGenerator"),
            **_all("utils.keras2.image_iterators", "Iterator", "NumpyArrayIterator"),
            **_all("utils.keras2.file_iterators", "DataFrameIterator", "DirectoryIterator"),
            **_all("utils.keras2.image_transforms", "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift"),
            **_all(
                "utils.keras2.image_transforms", "flip_axis", "random_brightness", "random_channel_shift", "random_rotation"
            ),
            **_all("utils.keras2.image_transforms", "random_shear", "random_shift", "random_zoom"),
        },
    ),
    "preprocessing.sequence": Facade(
        "sequences of different lengths, windows of series, pairs of words.",
        {
            **_all("utils.sequences", "pad_sequences"),
            **_all("utils.keras2.timeseries_generator", "TimeseriesGenerator", "timeseries_generator_from_json"),
            **_all("utils.keras2.word_pairs", "make_sampling_table", "skipgrams"),
        },
    ),
    "preprocessing.text": Facade(
        "Tokenizer, and words as numbers.",
        _all("utils.keras2.text", "Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"),
    ),
    "utils.np_utils": Facade("numbers of classes as vectors.", _all("utils.numerical", "normalize", "to_categorical")),
}

# The families of networks: how each takes its inputs (applications/imagenet_utils.py), and its networks.
_FAMILIES = {
    "convnext": ("as_they_are", "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge"),
    "densenet": ("torch", "DenseNet121 DenseNet169 DenseNet201"),
    "efficientnet": ("as_they_are", " ".join(f"EfficientNetB{k}" for k in range(8))),
    "efficientnet_v2": (
        "as_they_are",
        "EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S",
    ),
    "inception_resnet_v2": ("tf", "InceptionResNetV2"),
    "inception_v3": ("tf", "InceptionV3"),
    "mobilenet": ("tf", "MobileNet"),
    "mobilenet_v2": ("tf", "MobileNetV2"),
    "mobilenet_v3": ("as_they_are", ""),
    "nasnet": ("tf", "NASNetLarge NASNetMobile"),
    "resnet": ("caffe", "ResNet101 ResNet152 ResNet50"),
    "resnet50": ("caffe", "ResNet50"),
    "resnet_v2": ("tf", "ResNet101V2 ResNet152V2 ResNet50V2"),
    "vgg16": ("caffe", "VGG16"),
    "vgg19": ("caffe", "VGG19"),
    "xception": ("tf", "Xception"),
}
_UTILS = "utils.imagenet"
for _family, (_mode, _networks) in _FAMILIES.items():
    FACADES[f"applications.{_family}"] = Facade(
        "how its networks take their inputs, and the names of the classes. The networks are not there yet.",
        _all(_UTILS, "decode_predictions", preprocess_input=f"inputs_{_mode}"),
        dict.fromkeys(_networks.split(), _NETWORK),
    )
_NETWORKS = {name for _, networks in _FAMILIES.values() for name in networks.split()} | {"MobileNetV3Large", "MobileNetV3Small"}
FACADES["applications"] = Facade(
    "what surrounds the networks (inputs, class names). The networks are not there yet.",
    {name: f"applications.{name}" for name in ("imagenet_utils", *_FAMILIES)},
    dict.fromkeys(sorted(_NETWORKS), _NETWORK),
)
