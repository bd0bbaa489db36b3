"""keras.preprocessing: the old home of utilities that are in keras.utils now."""

from __future__ import annotations

from kerasgpu import utils
from kerasgpu.preprocessing import image, sequence

__all__ = ["image", "sequence"]


def __getattr__(name):
    if name in ("image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array"):
        return getattr(utils, name)
    raise AttributeError(f"module 'kerasgpu.preprocessing' has no attribute {name!r}")
