"""keras.applications.convnext."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.applications.imagenet_utils import MISSING, decode_predictions

__all__ = ["decode_predictions", "preprocess_input"]

__getattr__ = missing.names(
    __name__,
    {
        "ConvNeXtBase": MISSING,
        "ConvNeXtLarge": MISSING,
        "ConvNeXtSmall": MISSING,
        "ConvNeXtTiny": MISSING,
        "ConvNeXtXLarge": MISSING,
    },
)


def preprocess_input(x, data_format=None):
    """x itself: the network scales its inputs."""
    return x
