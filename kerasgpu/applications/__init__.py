"""keras.applications: what surrounds the networks (inputs, class names). The networks are not there yet."""

from __future__ import annotations

import importlib

from kerasgpu import missing
from kerasgpu.applications.imagenet_utils import MISSING

_MODULES = (
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
)

_lookup = missing.names(
    __name__,
    {
        "ConvNeXtBase": MISSING,
        "ConvNeXtLarge": MISSING,
        "ConvNeXtSmall": MISSING,
        "ConvNeXtTiny": MISSING,
        "ConvNeXtXLarge": MISSING,
        "DenseNet121": MISSING,
        "DenseNet169": MISSING,
        "DenseNet201": MISSING,
        "EfficientNetB0": MISSING,
        "EfficientNetB1": MISSING,
        "EfficientNetB2": MISSING,
        "EfficientNetB3": MISSING,
        "EfficientNetB4": MISSING,
        "EfficientNetB5": MISSING,
        "EfficientNetB6": MISSING,
        "EfficientNetB7": MISSING,
        "EfficientNetV2B0": MISSING,
        "EfficientNetV2B1": MISSING,
        "EfficientNetV2B2": MISSING,
        "EfficientNetV2B3": MISSING,
        "EfficientNetV2L": MISSING,
        "EfficientNetV2M": MISSING,
        "EfficientNetV2S": MISSING,
        "InceptionResNetV2": MISSING,
        "InceptionV3": MISSING,
        "MobileNet": MISSING,
        "MobileNetV2": MISSING,
        "MobileNetV3Large": MISSING,
        "MobileNetV3Small": MISSING,
        "NASNetLarge": MISSING,
        "NASNetMobile": MISSING,
        "ResNet101": MISSING,
        "ResNet101V2": MISSING,
        "ResNet152": MISSING,
        "ResNet152V2": MISSING,
        "ResNet50": MISSING,
        "ResNet50V2": MISSING,
        "VGG16": MISSING,
        "VGG19": MISSING,
        "Xception": MISSING,
    },
)


def __getattr__(name):
    return importlib.import_module(f"{__name__}.{name}") if name in _MODULES else _lookup(name)
