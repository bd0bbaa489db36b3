"""Class numbers that come as floats: what is no number is refused before a cast makes a class of it."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.kernels import launch
from kerasgpu.ops.primitives.select import cast


def not_finite(array, name):
    """The error for an array of class numbers with NaN or infinite ones."""
    wrong = ~np.isfinite(array)
    first = np.unravel_index(int(np.argmax(wrong)), array.shape)
    kind = "NaN" if np.isnan(array[first]) else "infinite"
    place = f"[{', '.join(map(str, first))}]"
    return ValueError(
        f"{name}: class numbers must be finite, but {int(wrong.sum())} of {array.size} are not (the first, at {place}, is {kind}); "
        "leave these examples out, or give them a class of their own"
    )


def check_finite(x, name):
    """x, or ValueError for NaN and infinite class numbers in it. Values that are being recorded or on a GPU are not looked at:
    the training loop has checked its labels before."""
    if type(x) is Tensor and launch.recorder is None and dtypes.is_float(x.dtype) and launch.is_host(x._data):
        array = x._data
        if not np.isfinite(array.astype("float32") if x.dtype == "bfloat16" else array).all():
            raise not_finite(array.astype("float64"), name)
    return x


def class_numbers(x, name, dtype=None):
    """x as a tensor of integers: in `dtype`, or for None in the one that it has, int32 for floats."""
    x = convert_to_tensor(x)
    if dtypes.is_int(x.dtype):
        return x if dtype is None or x.dtype == dtype else cast(x, dtype)
    return cast(check_finite(x, name), dtype or "int32")
