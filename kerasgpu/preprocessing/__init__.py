"""keras.preprocessing: the old home of utilities that are in keras.utils now."""

from __future__ import annotations

from kerasgpu import missing, utils
from kerasgpu.preprocessing import image, sequence

__all__ = ["image", "sequence"]

_HINT = "read the files with the standard library or Pillow and pass arrays, a PyDataset or a generator to fit()"
_WINDOWS = "numpy.lib.stride_tricks.sliding_window_view makes the windows"
_IN_UTILS = {
    "image_dataset_from_directory": _HINT,
    "text_dataset_from_directory": _HINT,
    "timeseries_dataset_from_array": _WINDOWS,
}
_lookup = missing.names(__name__, _IN_UTILS)


def __getattr__(name):
    return getattr(utils, name) if name in _IN_UTILS and hasattr(utils, name) else _lookup(name)
