"""keras.applications.nasnet."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.applications import imagenet_utils
from kerasgpu.applications.imagenet_utils import MISSING, decode_predictions

__all__ = ["decode_predictions", "preprocess_input"]

__getattr__ = missing.names(__name__, {"NASNetLarge": MISSING, "NASNetMobile": MISSING})


def preprocess_input(x, data_format=None):
    """Images with values 0 to 255 as this network takes them: x / 127.5 - 1."""
    return imagenet_utils.preprocess_input(x, data_format=data_format, mode="tf")
