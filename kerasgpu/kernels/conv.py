"""Convolution over 1 to 3 spatial dims, channels last, and its two gradients: `conv`, `conv_input_grad`, `conv_filter_grad`.

The geometry is a `Window`; the transposed convolution is `conv_input_grad`.
"""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.kernels.gemm import ACTIVATIONS, contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters
from kerasgpu.kernels.window import Window


@parameters("conv", "conv_input_grad", "conv_filter_grad")
class ConvSpec(NamedTuple):
    """See csrc/cpu/conv.h; the window has three dims."""

    batch: int
    channels: int
    filters: int
    groups: int
    bias: bool
    activation: int
    window: Window


def conv(x, w, window: Window, groups=1, bias=None, activation=None):
    """Compute `act(correlation of x with w + bias)`.

    Args:
        x: array `(batch, *window.size, channels)`.
        w: array `(*window.kernel, channels // groups, filters)`, of the dtype of `x`.
        window: the geometry.
        groups: each group of channels // groups channels makes its own filters // groups filters.
        bias: array `(filters,)` or None.
        activation: None or `"relu"`.

    Returns:
        Array `(batch, *window.count, filters)`. float16 and bfloat16 are summed in float32.

    Raises:
        ValueError: shapes or dtypes that do not fit `window` and `groups`, or a bad `activation`.

    Example:
        >>> import numpy as np
        >>> from kerasgpu.kernels.conv import conv
        >>> from kerasgpu.kernels.window import Window
        >>> x = np.arange(4, dtype="float32").reshape(1, 4, 1)
        >>> conv(x, np.ones((2, 1, 1), "float32"), Window((4,), (3,), (2,), (1,), (1,), (0,))).ravel()
        array([1., 3., 5.], dtype=float32)
    """
    channels, filters = _sizes("conv", w, groups)
    _expect("conv", "x", x, (*window.size, channels), w.dtype)
    return _run("conv", x, w, window, (*window.count, filters), (channels, filters, groups), bias, filters, activation)


def conv_input_grad(dy, w, window: Window, groups=1, bias=None, activation=None):
    """Compute the gradient of `conv` with respect to `x`, or a transposed convolution `act(... + bias)`.

    Args:
        dy: array `(batch, *window.count, filters)`.
        w, window, groups: as for `conv`.
        bias: array `(channels,)` or None.
        activation: None or `"relu"`.

    Returns:
        Array `(batch, *window.size, channels)`.

    Raises:
        ValueError: as for `conv`.
    """
    channels, filters = _sizes("conv_input_grad", w, groups)
    _expect("conv_input_grad", "dy", dy, (*window.count, filters), w.dtype)
    sizes = (channels, filters, groups)
    return _run("conv_input_grad", dy, w, window, (*window.size, channels), sizes, bias, channels, activation)


def conv_filter_grad(x, dy, window: Window, groups=1):
    """Compute the gradient of `conv` with respect to `w`, an array `(*window.kernel, channels // groups, filters)`.

    Args:
        x: array `(batch, *window.size, channels)`.
        dy: array `(batch, *window.count, filters)` of the dtype of `x`.
        window, groups: as for `conv`.

    Raises:
        ValueError: as for `conv`.
    """
    channels, filters = x.shape[-1], dy.shape[-1]
    _check_groups("conv_filter_grad", channels, filters, groups)
    _expect("conv_filter_grad", "x", x, (*window.size, channels), x.dtype)
    _expect("conv_filter_grad", "dy", dy, (*window.count, filters), x.dtype)
    if dy.shape[0] != x.shape[0]:
        raise ValueError(f"conv_filter_grad: x and dy must have one batch size. Received: x {x.shape}, dy {dy.shape}")
    out = empty((*window.kernel, channels // groups, filters), x.dtype, x)
    spec = ConvSpec(x.shape[0], channels, filters, groups, False, 0, window.whole())
    launch("conv_filter_grad", (contiguous(x), contiguous(dy)), (out,), spec)
    return out


def _run(name, source, w, window, shape, sizes, bias, bias_size, activation):
    if tuple(w.shape[:-2]) != tuple(window.kernel):
        raise ValueError(f"{name}: w must be {(*window.kernel, '...', '...')} for this window. Received: {w.shape}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"{name}: activation must be None or 'relu'. Received: activation={activation!r}")
    inputs = (contiguous(source), contiguous(w))
    if bias is not None:
        if bias.shape != (bias_size,) or bias.dtype != w.dtype:
            raise ValueError(f"{name}: bias must be ({bias_size},) of {w.dtype}. Received: {bias.shape} of {bias.dtype}")
        inputs += (contiguous(bias),)
    out = empty((source.shape[0], *shape), source.dtype, source)
    spec = ConvSpec(source.shape[0], *sizes, bias is not None, ACTIVATIONS[activation], window.whole())
    launch(name, inputs, (out,), spec)
    return out


def _sizes(name, w, groups):
    """(channels, filters) by the kernel."""
    channels, filters = w.shape[-2] * groups, w.shape[-1]
    _check_groups(name, channels, filters, groups)
    return channels, filters


def _check_groups(name, channels, filters, groups):
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"{name}: channels and filters must be multiples of groups. Received: {channels} channels, {filters} filters, "
            f"groups={groups}"
        )


def _expect(name, label, array, shape, dtype):
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape or array.dtype != dtype:
        text = ", ".join(map(str, ("batch", *shape)))
        raise ValueError(f"{name}: {label} must be ({text}) of {dtype}. Received: {array.shape} of {array.dtype}")
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name}: {label} must have a float dtype. Received: {array.dtype}")
