"""Depthwise convolution, each channel by itself, and its gradients."""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.kernels.elementwise import _contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.movement import repeat
from kerasgpu.kernels.reduce import reduce
from kerasgpu.kernels.spec import parameters
from kerasgpu.kernels.window import Window

__all__ = ["depthwise_conv", "depthwise_filter_grad", "depthwise_input_grad"]

_ACTIVATIONS = {None: 0, "linear": 0, "relu": 1}


@parameters("depthwise_conv")
class DepthwiseSpec(NamedTuple):
    """See csrc/cpu/depthwise.h; the window has three dims, `channels` are those of the result."""

    batch: int
    channels: int
    window: Window
    bias: bool
    activation: int


@parameters("depthwise_input_grad", "depthwise_filter_grad")
class DepthwiseGradSpec(NamedTuple):
    """As DepthwiseSpec."""

    batch: int
    channels: int
    window: Window


def depthwise_conv(x, k, window, bias=None, activation=None):
    """y[n, o, c m + j] = act(sum over t of x[n, o stride + t dilation - before, c] k[t, c, j] + bias[c m + j]).

    Args:
        x: array (batch, *window.size, channels) of a float dtype.
        k: array (*window.kernel, channels, m), of the dtype of x.
        window: a `kerasgpu.kernels.window.Window`.
        bias: array (channels m,), or None.
        activation: None or "relu".

    Returns (batch, *window.count, channels m). float16 and bfloat16 are summed in float32. ValueError for shapes or dtypes that
    do not fit.

    >>> from kerasgpu.kernels.window import Window
    >>> depthwise_conv(np.ones((1, 4, 1), "float32"), np.ones((3, 1, 1), "float32"), Window((4,), (2,), (3,), (1,), (1,), (0,)))
    array([[[3.],
            [3.]]], dtype=float32)
    """
    channels, multiplier = _checked("depthwise_conv", window, x=x, k=k)
    if activation not in _ACTIVATIONS:
        raise ValueError(f"depthwise_conv: activation must be None or 'relu'. Received: activation={activation!r}")
    wide = channels * multiplier
    if bias is not None and (bias.shape != (wide,) or bias.dtype != x.dtype):
        raise ValueError(
            f"depthwise_conv: bias must be ({wide},) of {x.dtype}, one for each output channel. "
            f"Received: {bias.shape} of {bias.dtype}"
        )
    out = empty((x.shape[0], *window.count, wide), x.dtype, x)
    inputs = (_contiguous(x if multiplier == 1 else repeat(x, multiplier, -1)), _contiguous(k)) + (
        () if bias is None else (_contiguous(bias),)
    )
    spec = DepthwiseSpec(x.shape[0], wide, window.whole(), bias is not None, _ACTIVATIONS[activation])
    launch("depthwise_conv", inputs, (out,), spec)
    return out


def depthwise_input_grad(gy, k, window):
    """The gradient of `depthwise_conv` with respect to x: (batch, *window.size, channels), of gy and k as there."""
    channels, multiplier = _checked("depthwise_input_grad", window, gy=gy, k=k)
    batch, wide = gy.shape[0], channels * multiplier
    out = empty((batch, *window.size, wide), gy.dtype, gy)
    spec = DepthwiseGradSpec(batch, wide, window.whole())
    launch("depthwise_input_grad", (_contiguous(gy), _contiguous(k)), (out,), spec)
    if multiplier == 1:
        return out
    return reduce("sum", out.reshape((batch, *window.size, channels, multiplier)), (len(window.size) + 2,), False)


def depthwise_filter_grad(x, gy, window):
    """The gradient of `depthwise_conv` with respect to k: (*window.kernel, channels, m), of x and gy as there.

    The same bits for any number of threads.
    """
    channels, multiplier = _checked("depthwise_filter_grad", window, x=x, gy=gy)
    out = empty((*window.kernel, channels, multiplier), x.dtype, x)
    inputs = (_contiguous(x if multiplier == 1 else repeat(x, multiplier, -1)), _contiguous(gy))
    launch("depthwise_filter_grad", inputs, (out,), DepthwiseGradSpec(x.shape[0], channels * multiplier, window.whole()))
    return out


def _checked(name, window, x=None, gy=None, k=None):
    """(channels, multiplier) after comparing the two operands that are given with the window."""
    ndim = len(window.size)
    first, second = (x, gy) if k is None else (gy if x is None else x, k)
    fits = first.ndim == second.ndim == ndim + 2 and first.dtype == second.dtype
    fits = fits and (x is None or x.shape[1:-1] == window.size) and (gy is None or gy.shape[1:-1] == window.count)
    if fits and k is not None:
        channels, multiplier = k.shape[ndim:]
        fits = k.shape[:ndim] == window.kernel and first.shape[-1] == (channels if gy is None else channels * multiplier)
    elif fits:
        channels, wide = x.shape[-1], gy.shape[-1]
        multiplier = wide // channels if channels else 1
        fits = wide == channels * multiplier and x.shape[0] == gy.shape[0]
    if not fits:
        given = {"x": x, "gy": gy, "k": k}
        shapes = " and ".join(f"{key} {a.shape} of {a.dtype}" for key, a in given.items() if a is not None)
        raise ValueError(f"{name}: shapes and dtypes do not fit {window}. Received: {shapes}")
    return channels, multiplier
