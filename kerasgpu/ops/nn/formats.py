"""The data_format and axis arguments."""

from __future__ import annotations

import numpy as np

from kerasgpu import config


def standardize_data_format(data_format) -> str:
    """`data_format` in lower case, the configured one for None; ValueError for anything else."""
    if data_format is None:
        return config.image_data_format()
    found = str(data_format).lower()
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    return found


def check_axis(name, x, axis):
    """ValueError unless every axis (an int, a tuple, or None) is one of x."""
    for a in () if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else axis:
        if not -x.ndim <= a < x.ndim:
            raise ValueError(f"{name}: axis {a} is out of bounds for a tensor of shape {x.shape} ({x.ndim} dimensions)")
