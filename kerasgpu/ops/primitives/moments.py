"""Mean and variance in one operation."""

from __future__ import annotations

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import norm
from kerasgpu.kernels.elementwise import cast, elementwise
from kerasgpu.kernels.reduce import reduce
from kerasgpu.ops.primitives.shapes import count, reduced_shape


@primitive(tensors=1, multiple=True)
def mean_and_variance(x, axes):
    """(mean, mean of squared differences to the mean) over `axes`, a sorted tuple; reduced dims stay, as 1.

    Both are float32 for float16 and bfloat16.
    """
    view = norm.moments_view(x.shape, axes)
    if view is not None:
        shape = reduced_shape(x.shape, axes, True)
        return tuple(a.reshape(shape) for a in norm.moments(x, view))
    kind = norm.statistics_dtype(x.dtype)
    x = x if x.dtype == kind else cast(x, kind)
    mean = reduce("mean", x, axes, True)
    return mean, reduce("mean", elementwise("squared_difference", x, mean), axes, True)


@mean_and_variance.shape
def _(x, axes):
    return [(reduced_shape(x.shape, axes, True), "float64" if x.dtype == "float64" else "float32")] * 2


@mean_and_variance.gradient
def _(g, y, x, axes):
    # d variance / dx = 2 (x - mean) / n: what flows through the mean sums to 0.
    to_mean, to_variance = g
    n = max(count(x.shape[a] for a in axes), 1)
    return (to_variance * (2.0 / n) * (x - y[0]) + to_mean * (1.0 / n),)
