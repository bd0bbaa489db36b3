"""Maxima and means over windows, and their gradients."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from kerasgpu.kernels.elementwise import _contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters
from kerasgpu.kernels.window import Window

__all__ = ["average_pool", "average_pool_grad", "max_pool", "max_pool_grad", "max_pool_take"]


@parameters("average_pool", "average_pool_grad", "max_pool", "max_pool_grad", "max_pool_take")
class PoolingSpec(NamedTuple):
    """See csrc/cpu/pooling.h; the window has three dims."""

    batch: int
    channels: int
    window: Window


def max_pool(x, window, taps=False):
    """The largest element of each window; NaN is larger than every number.

    Args:
        x: array (batch, *window.size, channels) of any dtype.
        window: a `kerasgpu.kernels.window.Window`.
        taps: also return which tap of each window is the (first) largest; x must be floating point.

    Returns y (batch, *window.count, channels), or (y, taps) with taps uint8, int32 for windows of more than 256. A window that
    lies in the padding gives -infinity or the smallest integer. ValueError for shapes that do not fit.

    >>> from kerasgpu.kernels.window import Window
    >>> max_pool(np.float32([[[1], [5], [5], [2]]]), Window((4,), (2,), (2,), (2,), (1,), (0,)), taps=True)
    (array([[[5.],
            [5.]]], dtype=float32), array([[[1],
            [0]]], dtype=uint8))
    """
    spec = _spec("max_pool", window, x=x)
    y = empty((x.shape[0], *window.count, x.shape[-1]), x.dtype, x)
    if not taps:
        launch("max_pool", (_contiguous(x),), (y,), spec)
        return y
    arg = empty(y.shape, tap_dtype(window), x)
    launch("max_pool", (_contiguous(x),), (y, arg), spec)
    return y, arg


def max_pool_grad(gy, taps, window, sums=False):
    """gx (batch, *window.size, channels): each element of gy, (batch, *window.count, channels), added where `taps` says.

    With `sums`, (gx, the sum of gx for each channel), as `reduce` gives it.
    """
    spec = _spec("max_pool_grad", window, gy=gy, taps=taps)
    gx = empty((gy.shape[0], *window.size, gy.shape[-1]), gy.dtype, gy)
    total = [empty(gy.shape[-1:], gy.dtype, gy)] if sums else []
    launch("max_pool_grad", (_contiguous(gy), _contiguous(taps)), (gx, *total), spec)
    return (gx, *total) if sums else gx


def max_pool_take(x, taps, window):
    """y (batch, *window.count, channels): the element of x that `taps` says, 0 where it names none inside x."""
    spec = _spec("max_pool_take", window, x=x, taps=taps)
    y = empty(taps.shape, x.dtype, x)
    launch("max_pool_take", (_contiguous(x), _contiguous(taps)), (y,), spec)
    return y


def average_pool(x, window):
    """The mean of those elements of each window that lie in x, (batch, *window.size, channels) of a float dtype.

    >>> from kerasgpu.kernels.window import Window
    >>> average_pool(np.float32([[[1], [5], [6]]]), Window((3,), (2,), (2,), (2,), (1,), (0,)))
    array([[[3.],
            [6.]]], dtype=float32)
    """
    spec = _spec("average_pool", window, x=x)
    y = empty((x.shape[0], *window.count, x.shape[-1]), x.dtype, x)
    launch("average_pool", (_contiguous(x),), (y,), spec)
    return y


def average_pool_grad(gy, window):
    """The transpose of `average_pool`: gx (batch, *window.size, channels) from gy (batch, *window.count, channels)."""
    spec = _spec("average_pool_grad", window, gy=gy)
    gx = empty((gy.shape[0], *window.size, gy.shape[-1]), gy.dtype, gy)
    launch("average_pool_grad", (_contiguous(gy),), (gx,), spec)
    return gx


def tap_dtype(window) -> str:
    """The dtype that the taps of a window are numbered in."""
    return "uint8" if prod(window.kernel) <= 256 else "int32"


def _spec(name, window, x=None, gy=None, taps=None):
    """The parameters, after comparing the operands that are given with the window."""
    first = gy if x is None else x
    fits = True
    for array, dims in ((x, window.size), (gy, window.count), (taps, window.count)):
        if array is not None:
            fits = fits and array.shape == (first.shape[0], *dims, first.shape[-1])
    if not fits:
        given = {"x": x, "gy": gy, "taps": taps}
        shapes = " and ".join(f"{key} {value.shape}" for key, value in given.items() if value is not None)
        raise ValueError(f"{name}: shapes do not fit {window}. Received: {shapes}")
    return PoolingSpec(first.shape[0], first.shape[-1], window.whole())
