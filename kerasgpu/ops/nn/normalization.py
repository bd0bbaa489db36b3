"""Normalization: moments, batch_normalization, layer_normalization, rms_normalization, normalize."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import config
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.linalg import norms
from kerasgpu.ops.math import special
from kerasgpu.ops.nn.formats import check_axis
from kerasgpu.ops.numpy import arithmetic, reduction, shaping
from kerasgpu.ops.primitives.lengths import length
from kerasgpu.ops.primitives.moments import mean_and_variance
from kerasgpu.ops.primitives.norm import batch_norm_apply, layer_norm
from kerasgpu.ops.primitives.operands import as_float, as_tensor
from kerasgpu.ops.primitives.shapes import all_axes, count

__all__ = ["batch_normalization", "layer_normalization", "moments", "normalize", "rms_normalization"]

_HALF_MAX = 65504.0


@symbolic
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over `axes`.

    Args:
        x: float tensor. float16 and bfloat16 are averaged in float32.
        axes: int or tuple of ints.
        keepdims: whether the reduced dims stay, as 1.
        synchronized: whether replicas on several devices average together; there is one replica here.

    >>> import kerasgpu as keras
    >>> [float(m) for m in keras.ops.moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    x = as_float(x)
    kind = x.dtype
    axes = all_axes(axes, x.ndim, "moments")
    mean, variance = mean_and_variance(x, axes)
    if not keepdims:
        shape = tuple(d for k, d in enumerate(x.shape) if k not in axes)
        mean, variance = shaping.reshape(mean, shape), shaping.reshape(variance, shape)
    if kind != mean.dtype:
        # Past the range of float16 the statistics would become infinite.
        mean = casting.cast(arithmetic.clip(mean, -_HALF_MAX, _HALF_MAX), kind)
        variance = casting.cast(arithmetic.clip(variance, -_HALF_MAX, _HALF_MAX), kind)
    return mean, variance


@symbolic
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """scale (x - mean) / sqrt(variance + epsilon) + offset (Ioffe and Szegedy 2015).

    Args:
        x: tensor.
        mean, variance, offset, scale: vectors of the size of x along `axis`; offset and scale may be None.
        axis: the axis of the features.
        epsilon: added to the variance.
    """
    x = as_float(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"batch_normalization: axis={axis} is out of range for a tensor of shape {x.shape}")
    axis %= x.ndim
    features = x.shape[axis]

    def vector(v, name):
        v = as_tensor(v)
        if v.shape != (features,):
            raise ValueError(
                f"`{name}` must be a vector of length {features}, the size of x along axis {axis}. Received: "
                f"{name}.shape={v.shape}"
            )
        return v

    mean, variance = vector(mean, "mean"), vector(variance, "variance")
    scale = None if scale is None else vector(scale, "scale")
    offset = None if offset is None else vector(offset, "offset")
    given = [v for v in (mean, variance, scale, offset) if v is not None]
    kind = dtypes.result_type(x.dtype, *(v.dtype for v in given))
    wide = dtypes.result_type(kind, "float32")
    mean, variance, scale, offset = (None if v is None else as_tensor(v, wide) for v in (mean, variance, scale, offset))
    view = (count(x.shape[:axis]), features, count(x.shape[axis + 1 :]))
    return batch_norm_apply(as_tensor(x, kind), mean, variance, scale, offset, view, float(epsilon))


def _compute_input(x):
    """(x in at least float32, its own dtype)."""
    x = as_float(x)
    kind = dtypes.result_type(x.dtype, "float32")
    return as_tensor(x, kind), x.dtype


def _row_length(x, axes, *weights):
    """How many elements at the end of x's shape `axes` cover, if the kernel for rows can do it, else None.

    The kernel takes no weights that broadcast along a row, and no empty rows.
    """
    if axes != tuple(range(x.ndim - len(axes), x.ndim)) or not axes:
        return None
    n = count(x.shape[axes[0] :])
    return n if n > 0 and all(w is None or w.size == n for w in weights) else None


def _flat(weight, x):
    """Weights of a row as the kernel takes them: a vector in the dtype of its statistics."""
    return None if weight is None else shaping.reshape(as_tensor(weight, dtypes.result_type(x.dtype, "float32")), (-1,))


@symbolic
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """scale x / sqrt(mean(x^2) + epsilon), the mean over `axis` (Zhang and Sennrich 2019).

    >>> import kerasgpu as keras
    >>> keras.ops.rms_normalization([3.0, -3.0], epsilon=0.0).tolist()
    [1.0, -1.0]
    """
    epsilon = config.epsilon() if epsilon is None else epsilon
    x = as_float(x)
    if x.ndim == 0:
        x = shaping.reshape(x, (1,))
    scale = None if scale is None else as_tensor(scale)
    n = _row_length(x, all_axes(axis, x.ndim, "rms_normalization"), scale)
    if n is not None:
        return layer_norm(x, _flat(scale, x), None, n, float(epsilon), False)[0]
    x, kind = _compute_input(x)
    out = x * special.rsqrt(reduction.mean(arithmetic.square(x), axis=axis, keepdims=True) + epsilon)
    if scale is not None:
        out = out * as_tensor(scale, x.dtype)
    return casting.cast(out, kind)


@symbolic
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, both over `axis` (Ba et al. 2016).

    Args:
        x: tensor.
        gamma, beta: tensors of x's shape along `axis`, or None.
        axis: int or list of ints.
        epsilon: added to the variance; None for keras.config.epsilon().
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unknown arguments {sorted(kwargs)}")
    if rms_scaling:
        warnings.warn(
            "You passed `rms_scaling=True`, which is deprecated. This argument incorrectly scales the input by the variance, "
            "not "
            "the root mean square. To correctly use RMS Normalization, please use `keras.ops.rms_normalization` instead.",
            stacklevel=3,
        )
    epsilon = config.epsilon() if epsilon is None else epsilon
    x = as_float(x)
    axes = all_axes(axis, x.ndim, "layer_normalization")
    gamma, beta = (None if w is None else as_tensor(w) for w in (gamma, beta))
    n = None if rms_scaling else _row_length(x, axes, gamma, beta)
    if n is not None:
        return layer_norm(x, _flat(gamma, x), _flat(beta, x), n, float(epsilon))[0]
    x, kind = _compute_input(x)
    shape = [d if k in axes else 1 for k, d in enumerate(x.shape)]

    def spread(v):
        v = as_tensor(v, x.dtype)
        return v if v.ndim == x.ndim or axes == (x.ndim - 1,) else shaping.reshape(v, shape)

    mean, variance = mean_and_variance(x, axes)
    inverse = special.rsqrt(variance + epsilon)
    if gamma is not None:
        inverse = inverse * spread(gamma)
    if rms_scaling:
        return casting.cast(x * inverse, kind)
    shift = -mean * inverse
    if beta is not None:
        shift = shift + spread(beta)
    return casting.cast(x * inverse + shift, kind)


@symbolic
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm of the given order along `axis`.

    Args:
        x: tensor; a scalar counts as a vector of one.
        axis: int or tuple of ints.
        order: int >= 1.
        epsilon: the least norm; None for keras.config.epsilon().

    >>> import kerasgpu as keras
    >>> keras.ops.normalize([[0.0, 4.0]]).tolist()
    [[0.0, 1.0]]
    """
    if not isinstance(order, (int, np.integer)) or not order >= 1:
        raise ValueError(f"Argument `order` must be an int >= 1. Received: order={order}")
    x = as_float(x)
    if x.ndim == 0:
        x = shaping.reshape(x, (1,))
    check_axis("normalize", x, axis)
    epsilon = config.epsilon() if epsilon is None else epsilon
    norm = length(x, axis, True) if order == 2 else norms.norm(x, ord=order, axis=axis, keepdims=True)
    return x / arithmetic.maximum(norm, epsilon)
