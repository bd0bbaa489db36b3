"""keras.applications.efficientnet_v2."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.applications.imagenet_utils import MISSING, decode_predictions

__all__ = ["decode_predictions", "preprocess_input"]

__getattr__ = missing.names(
    __name__,
    {
        "EfficientNetV2B0": MISSING,
        "EfficientNetV2B1": MISSING,
        "EfficientNetV2B2": MISSING,
        "EfficientNetV2B3": MISSING,
        "EfficientNetV2L": MISSING,
        "EfficientNetV2M": MISSING,
        "EfficientNetV2S": MISSING,
    },
)


def preprocess_input(x, data_format=None):
    """x itself: the network scales its inputs."""
    return x
