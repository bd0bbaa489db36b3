"""Special functions: erf, erfc, erfinv, rsqrt, logsumexp, logdet, and the views between complex and real tensors."""

from __future__ import annotations

from kerasgpu.engine.op import primitive
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.reduce import reduce
from kerasgpu.ops.core import casting
from kerasgpu.ops.linalg.solvers import logdet
from kerasgpu.ops.numpy import creation, exponential, joining, logical, selection, shaping
from kerasgpu.ops.primitives import elementwise
from kerasgpu.ops.primitives.complex import imaginary_part, real_part, to_complex
from kerasgpu.ops.primitives.operands import as_float
from kerasgpu.ops.primitives.shapes import all_axes, reduced_shape

__all__ = ["erf", "erfc", "erfinv", "logdet", "logsumexp", "rsqrt", "view_as_complex", "view_as_real"]


@symbolic
def erf(x):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return elementwise.erf(as_float(x))


@symbolic
def erfc(x):
    """1 - erf(x), without cancellation for large x."""
    return elementwise.erfc(as_float(x))


@symbolic
def erfinv(x):
    """The y with erf(y) = x; infinite at -1 and 1, NaN outside."""
    return elementwise.erfinv(as_float(x))


@symbolic
def rsqrt(x):
    """1 / sqrt(x).

    >>> import kerasgpu as keras
    >>> keras.ops.rsqrt([4.0]).tolist()
    [0.5]
    """
    return elementwise.rsqrt(as_float(x))


@primitive(tensors=1)
def _logsumexp(x, axes, keepdims):
    return reduce("logsumexp", x, axes, keepdims)


@_logsumexp.shape
def _(x, axes, keepdims):
    return reduced_shape(x.shape, axes, keepdims), x.dtype


@_logsumexp.gradient
def _(g, y, x, axes, keepdims):
    wide = reduced_shape(x.shape, axes, True)
    y = shaping.reshape(y, wide)
    # exp(x - y) is the softmax; where all x are -inf it is 0 and not NaN
    share = exponential.exp(x - selection.where(logical.isfinite(y), y, 0.0))
    return (shaping.reshape(g, wide) * share,)


@symbolic
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over `axis`, without overflow.

    >>> import kerasgpu as keras
    >>> abs(float(keras.ops.logsumexp([1000.0, 1000.0])) - 1000.6931) < 1e-3
    True
    """
    x = as_float(x)
    return _logsumexp(x, all_axes(axis, x.ndim, "logsumexp"), bool(keepdims))


@symbolic
def view_as_complex(x):
    """Pairs (real, imaginary) on the last axis as complex64 numbers."""
    x = as_float(x)
    if x.ndim < 1 or x.shape[-1] != 2:
        raise ValueError(f"Last dimension of input must be size 2 (real and imaginary). Received shape: {x.shape}")
    x = casting.cast(x, "float32")
    return to_complex(x[..., 0], x[..., 1])


@symbolic
def view_as_real(x):
    """Complex numbers as pairs (real, imaginary) on a new last axis."""
    x = convert_to_tensor(x)
    if not x.dtype.startswith("complex"):
        x = as_float(x)
        return joining.stack([x, creation.zeros_like(x)], axis=-1)
    return joining.stack([real_part(x), imaginary_part(x)], axis=-1)
