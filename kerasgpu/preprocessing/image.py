"""keras.preprocessing.image: the old home of image utilities that are in keras.utils now."""

from __future__ import annotations


def __getattr__(name):
    if name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        from kerasgpu import utils

        return getattr(utils, name)
    raise AttributeError(f"module 'kerasgpu.preprocessing.image' has no attribute {name!r}")
