"""keras.applications.efficientnet."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.applications.imagenet_utils import MISSING, decode_predictions

__all__ = ["decode_predictions", "preprocess_input"]

__getattr__ = missing.names(
    __name__,
    {
        "EfficientNetB0": MISSING,
        "EfficientNetB1": MISSING,
        "EfficientNetB2": MISSING,
        "EfficientNetB3": MISSING,
        "EfficientNetB4": MISSING,
        "EfficientNetB5": MISSING,
        "EfficientNetB6": MISSING,
        "EfficientNetB7": MISSING,
    },
)


def preprocess_input(x, data_format=None):
    """x itself: the network scales its inputs."""
    return x
