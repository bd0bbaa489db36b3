"""Batch, group, layer and RMS normalization in one kernel each, with fused gradients.

A fused gradient has a gradient of its own, written with operations (`second_gradients`), for losses that contain gradients.
"""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import norm as kernels
from kerasgpu.kernels.elementwise import Chain, run_chain
from kerasgpu.ops.primitives.moments import mean_and_variance
from kerasgpu.ops.primitives.shapes import count, unbroadcast


def _kind(x):
    """The dtype of statistics of x."""
    return "float64" if x.dtype == "float64" else "float32"


def second_gradients(h, g, x, gamma, axes, epsilon, centered=True):
    """Gradients with respect to (g, x, gamma) of a normalization's gradient (dx, dgamma, dbeta), given those of the three, h.

    With r = 1 / sqrt(variance + epsilon), X = (x - mean) r, m() the mean over `axes` and P(e) = e - m(e) - X m(e X):
    dx = r P(gamma g), dgamma = sum(g X), dbeta = sum(g). Without `centered`, mean and all m(e) that are not m(e X) are 0. gamma, and h's
    second and third entry, broadcast against x (None where there is none).
    """
    u, v, w = h

    def mean(e):
        return ops.mean(e, axis=axes, keepdims=True)

    if centered:
        center, variance = mean_and_variance(x, axes)
        x = x - center
    else:
        variance = mean(ops.square(x))
    r = ops.rsqrt(variance + epsilon)
    unit = x * r

    def project(e):
        along = unit * mean(e * unit)
        return e - mean(e) - along if centered else e - along

    scaled = g if gamma is None else g * gamma
    projected = r * project(u)

    def to_g():
        out = projected if gamma is None else projected * gamma
        out = out if v is None else out + v * unit
        return out if w is None else out + w

    def to_x():
        inner = mean(u * scaled) - mean(u * unit) * mean(scaled * unit)
        if centered:
            inner = inner - mean(u) * mean(scaled)
        e = -r * (mean(scaled * unit) * u + mean(u * unit) * scaled)
        if v is not None:
            e = e + v * g
        return r * (project(e) - r * unit * inner)

    return to_g, to_x, lambda: unbroadcast(g * projected, gamma.shape)


@primitive(tensors=3, multiple=True)
def batch_norm(x, gamma, beta, view, group=1, epsilon=1e-3):
    """(gamma (x - mean) / sqrt(variance + epsilon) + beta, mean, variance, what the gradient needs); see kernels.norm.batch_norm.

    Gradients flow through the first result only: the others are for moving averages.
    """
    return kernels.batch_norm(x, view, gamma, beta, epsilon, group)


@batch_norm.shape
def _(x, gamma, beta, view, group=1, epsilon=1e-3):
    groups = (view[2] // group,) if view[0] == 1 else (view[0], view[2] // group)
    return [(x.shape, x.dtype), (groups, _kind(x)), (groups, _kind(x)), ((2, *groups), _kind(x))]


@batch_norm.gradient
def _(g, y, x, gamma, beta, view, group=1, epsilon=1e-3):
    return batch_norm_grad(g[0], x, gamma, y[1].detach(), y[3].detach(), view, group, epsilon)


@primitive(tensors=5, multiple=True)
def batch_norm_grad(g, x, gamma, mean, saved, view, group=1, epsilon=1e-3):
    """(dx, dgamma, dbeta) of batch_norm; mean and saved are its results and count as functions of x."""
    return kernels.batch_norm_grad(x, g, view, mean, saved, gamma, None, group)


@batch_norm_grad.shape
def _(g, x, gamma, mean, saved, view, group=1, epsilon=1e-3):
    return [(x.shape, x.dtype), ((view[2],), _kind(x)), ((view[2],), _kind(x))]


@batch_norm_grad.gradient
def _(h, g, x, gamma, mean, saved, view, group=1, epsilon=1e-3):
    samples, rows, channels, inner = view
    whole = (samples, rows, channels // group, group, inner)
    vector = (1, 1, channels // group, group, 1)
    u = ops.reshape(h[0], whole)
    v, w = (ops.reshape(e, vector) for e in h[1:])
    weights = None if gamma is None else ops.reshape(gamma, vector)
    to_g, to_x, to_gamma = second_gradients(
        (u, v, w), ops.reshape(g, whole), ops.reshape(x, whole), weights, (1, 3, 4), epsilon
    )

    def shaped(make):
        return lambda: ops.reshape(make(), g.shape)

    return shaped(to_g), shaped(to_x), lambda: ops.reshape(to_gamma(), (channels,)), None, None


@primitive(tensors=5)
def batch_norm_apply(x, mean, variance, gamma, beta, view, epsilon=1e-3):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta with given statistics; view: x as (rows, channels, inner)."""
    return kernels.batch_norm_apply(x, view, mean, variance, gamma, beta, epsilon)


@batch_norm_apply.gradient
def _(g, x, mean, variance, gamma, beta, view, epsilon=1e-3):
    vector = (1, view[1], 1)
    r = ops.rsqrt(variance + epsilon)
    factor = r if gamma is None else r * gamma

    def total(e):
        return ops.sum(ops.reshape(e, view), axis=(0, 2))

    def along():
        return total(ops.reshape(g, view) * (ops.reshape(x, view) - ops.reshape(mean, vector)))

    return (
        lambda: ops.reshape(ops.reshape(g, view) * ops.reshape(factor, vector), x.shape),
        lambda: -factor * total(g),
        lambda: -0.5 * factor * r * r * along(),
        lambda: r * along(),
        lambda: total(g),
    )


@primitive(tensors=4, differentiable=False, multiple=True)
def moving_averages(mean, variance, batch_mean, batch_variance, momentum):
    """momentum * old + (1 - momentum) * new for both statistics, in one launch."""
    chain = Chain(4)
    out = [
        chain.op("add", chain.op("mul", chain.input(k), momentum), chain.op("mul", chain.input(k + 2), 1.0 - momentum))
        for k in (0, 1)
    ]
    return run_chain(chain, out, mean, variance, batch_mean, batch_variance)


@moving_averages.shape
def _(mean, variance, batch_mean, batch_variance, momentum):
    return [(mean.shape, mean.dtype), (variance.shape, variance.dtype)]


@primitive(tensors=3, multiple=True)
def layer_norm(x, gamma, beta, n, epsilon=1e-3, centered=True):
    """(gamma (x - mean) / sqrt(variance + epsilon) + beta over rows of the last n elements, what the gradient needs).

    Gradients flow through the first result only. Not centered, it is RMS normalization.
    """
    return kernels.layer_norm(x, n, gamma, beta, epsilon, centered)


@layer_norm.shape
def _(x, gamma, beta, n, epsilon=1e-3, centered=True):
    return [(x.shape, x.dtype), ((3 if centered else 1, count(x.shape) // n), _kind(x))]


@layer_norm.gradient
def _(g, y, x, gamma, beta, n, epsilon=1e-3, centered=True):
    sums = gamma is not None or beta is not None
    out = layer_norm_grad(g[0], x, gamma, y[1].detach(), n, epsilon, centered, sums)
    return out if sums else (*out, None, None)


@primitive(tensors=4, multiple=True)
def layer_norm_grad(g, x, gamma, saved, n, epsilon=1e-3, centered=True, sums=True):
    """(dx, dgamma, dbeta) of layer_norm, or (dx,) without `sums`; saved is its second result and counts as a function of x."""
    return kernels.layer_norm_grad(x, g, n, saved, gamma, sums, centered)


@layer_norm_grad.shape
def _(g, x, gamma, saved, n, epsilon=1e-3, centered=True, sums=True):
    return [(x.shape, x.dtype), *[((n,), _kind(x))] * (2 if sums else 0)]


@layer_norm_grad.gradient
def _(h, g, x, gamma, saved, n, epsilon=1e-3, centered=True, sums=True):
    rows = (count(x.shape) // n, n)
    v, w = h[1:] if sums else (None, None)
    whole = (ops.reshape(h[0], rows), v, w)
    to_g, to_x, to_gamma = second_gradients(whole, ops.reshape(g, rows), ops.reshape(x, rows), gamma, (1,), epsilon, centered)
    return lambda: ops.reshape(to_g(), g.shape), lambda: ops.reshape(to_x(), x.shape), to_gamma, None
