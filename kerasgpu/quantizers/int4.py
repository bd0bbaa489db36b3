"""Two 4-bit integers in each byte."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.engine.dtypes import standardize_dtype


def _check_dtype(dtype):
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"Expected dtype to be 'int8' or 'uint8', but got '{dtype}'.")


def pack_int4(arr, axis=0, dtype="int8"):
    """Pairs of neighbours along `axis` as the low and high half of one byte.

    Args:
        arr: tensor of `dtype` with values in [-8, 7] (or [0, 15] for "uint8").
        axis: int; a zero is added at its end if its size is odd.
        dtype: "int8" or "uint8".

    Returns (packed tensor, its shape, the size of `axis` before).

    >>> import kerasgpu as keras
    >>> packed, shape, size = keras.quantizers.pack_int4(keras.ops.array([[-3, 7], [2, -8], [1, 0]], "int8"))
    >>> packed.tolist(), keras.quantizers.unpack_int4(packed, size).tolist()
    ([[45, -121], [1, 0]], [[-3, 7], [2, -8], [1, 0]])
    """
    _check_dtype(dtype)
    if standardize_dtype(arr.dtype) != dtype:
        raise TypeError(f"Expected {dtype} tensor for packing, got {standardize_dtype(arr.dtype)}.")
    values = np.moveaxis(ops.convert_to_numpy(arr), axis, 0)
    size = values.shape[0]
    if size % 2:
        values = np.concatenate([values, np.zeros_like(values[:1])])
    bits = values.view("uint8") if values.flags.c_contiguous else np.ascontiguousarray(values).view("uint8")
    packed = (bits[::2] & 15 | (bits[1::2] & 15) << 4).view(dtype)
    packed = np.moveaxis(packed, 0, axis)
    return ops.convert_to_tensor(packed), packed.shape, size


def unpack_int4(packed, orig_len, axis=0, dtype="int8"):
    """The tensor that `pack_int4` packed along `axis`, whose size there was `orig_len`."""
    _check_dtype(dtype)
    if standardize_dtype(packed.dtype) not in ("int8", "uint8"):
        raise TypeError(f"Expected int8 or uint8 tensor for unpacking, got {packed.dtype}")
    bits = ops.moveaxis(ops.bitwise_and(ops.cast(packed, "int32"), 255), axis, 0)
    both = ops.stack([ops.bitwise_and(bits, 15), ops.right_shift(bits, 4)], axis=1)
    values = ops.reshape(both, (-1, *bits.shape[1:]))[:orig_len]
    if dtype == "int8":
        values = ops.where(ops.greater(values, 7), values - 16, values)
    return ops.moveaxis(ops.cast(values, dtype), 0, axis)
