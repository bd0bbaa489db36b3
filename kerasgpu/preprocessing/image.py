"""keras.preprocessing.image: the old home of image utilities that are in keras.utils now."""

from __future__ import annotations

import numpy as np

from kerasgpu import missing, utils

_HINT = "image files are not there yet; load pictures with Pillow (PIL.Image.open) and numpy.asarray"
_IN_UTILS = ("array_to_img", "img_to_array", "load_img", "save_img")
_lookup = missing.names(__name__, dict.fromkeys(_IN_UTILS, _HINT))


def __getattr__(name):
    return getattr(utils, name) if name in _IN_UTILS and hasattr(utils, name) else _lookup(name)


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last", backend_module=None):
    """Images cut, around their center, to the proportions of `size`, then resized: nothing is distorted.

    Args:
        x: array or tensor of shape (height, width, channels) or (batch, height, width, channels), or channels first.
        size: (height, width).
        interpolation: as for `keras.ops.image.resize`.
        data_format: "channels_last" or "channels_first".
        backend_module: ignored.

    Returns an array for an array, else a tensor.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.preprocessing.image.smart_resize(np.ones((4, 8, 3), "float32"), (2, 2)).shape
    (2, 2, 3)
    """
    from kerasgpu import ops

    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    if len(x.shape) not in (3, 4):
        raise ValueError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, width, channels)`, but "
            f"got input with incorrect rank, of shape {tuple(x.shape)}."
        )
    out = ops.image.resize(x, size, interpolation=interpolation, data_format=data_format, crop_to_aspect_ratio=True)
    return ops.convert_to_numpy(out) if isinstance(x, np.ndarray) else out
