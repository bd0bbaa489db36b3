"""softmax, log_softmax and sparsemax over one axis or several."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.nn.formats import check_axis
from kerasgpu.ops.numpy import arithmetic, creation, reduction, selection, shaping, sorting
from kerasgpu.ops.primitives import softmax as kernels
from kerasgpu.ops.primitives.operands import as_float

__all__ = ["log_softmax", "softmax", "sparsemax"]


def _over_axes(function, x, axis):
    """function over several axes (None: all): they are moved to the end and joined into one."""
    axes = list(range(x.ndim)) if axis is None else [a % x.ndim for a in axis]
    kept = [k for k in range(x.ndim) if k not in axes]
    order = [*kept, *axes]
    moved = shaping.transpose(x, order)
    out = function(shaping.reshape(moved, (*(x.shape[k] for k in kept), -1)), -1)
    return shaping.transpose(shaping.reshape(out, moved.shape), sorted(range(x.ndim), key=order.__getitem__))


def _warn_if_single(x, axis):
    if isinstance(axis, (int, np.integer)) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1:
        warnings.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {x.shape}. This axis has size 1. The softmax "
            "operation will "
            "always return the value 1, which is likely not what you intended. Did you mean to use a sigmoid instead?",
            stacklevel=4,
        )


@symbolic
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) over `axis` (an int, a tuple, or None for all).

    The result of one over a single axis remembers x, and the categorical crossentropy functions over that axis use it.

    >>> import kerasgpu as keras
    >>> keras.ops.softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = as_float(x)
    check_axis("softmax", x, axis)
    _warn_if_single(x, axis)
    if not isinstance(axis, (int, np.integer)):
        return _over_axes(kernels.softmax, x, axis)
    y = kernels.softmax(x, axis)
    y._keras_logits, y._keras_logits_of = x, axis % x.ndim
    return y


@symbolic
def log_softmax(x, axis=-1):
    """x - log(sum(exp(x))) over `axis` (an int, a tuple, or None for all)."""
    x = as_float(x)
    check_axis("log_softmax", x, axis)
    return kernels.log_softmax(x, axis) if isinstance(axis, (int, np.integer)) else _over_axes(kernels.log_softmax, x, axis)


@symbolic
def sparsemax(x, axis=-1):
    """The point of the probability simplex along `axis` that is nearest to x (Martins and Astudillo 2016).

    max(x - tau, 0), where tau makes the sum 1: with z sorted in descending order, tau = (z_1 + ... + z_k - 1) / k for the
    largest k with z_k > tau.
    """
    x = as_float(x)
    check_axis("sparsemax", x, axis)
    descending = -sorting.sort(-x, axis=axis)
    sums = reduction.cumsum(descending, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    rank = shaping.reshape(creation.arange(1, x.shape[axis] + 1, dtype=x.dtype), shape)
    support = descending - (sums - 1) / rank > 0
    k = reduction.sum(casting.cast(support, x.dtype), axis=axis, keepdims=True)
    tau = (reduction.sum(selection.where(support, descending, 0.0), axis=axis, keepdims=True) - 1) / k
    return arithmetic.maximum(x - tau, 0.0)
