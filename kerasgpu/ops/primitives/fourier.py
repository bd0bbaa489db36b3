"""Discrete Fourier transforms of pairs (real, imaginary), unnormalized, through numpy.fft (CuPy's on a GPU).

Both are linear, and the transpose of a transform is the one with the other sign: those are the gradients.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import launch


def _transform_into(axes, inverse):
    def fill(real, imaginary, out_real, out_imaginary):
        x = real + 1j * imaginary
        # norm="forward" puts the whole factor on the forward transform, "backward" on the inverse: neither is applied here.
        y = np.fft.ifftn(x, axes=axes, norm="forward") if inverse else np.fft.fftn(x, axes=axes, norm="backward")
        out_real[...] = y.real
        out_imaginary[...] = y.imag

    return fill


@primitive(tensors=2, multiple=True)
def dft(real, imaginary, axes=(-1,), inverse=False):
    """sum over t of x[t] exp(-2 pi i k t / n) over each of `axes`; exp(+...) with inverse. No factor 1 / n."""
    outs = launch.empty(real.shape, real.dtype, like=real), launch.empty(real.shape, real.dtype, like=real)
    launch.host_call(_transform_into(axes, inverse), (real, imaginary), outs)
    return outs


@dft.shape
def _(real, imaginary, axes=(-1,), inverse=False):
    return [(real.shape, real.dtype)] * 2


@dft.gradient
def _(g, real, imaginary, axes=(-1,), inverse=False):
    return dft(g[0], g[1], axes, not inverse)


def _real_into(x, out_real, out_imaginary):
    y = np.fft.rfft(x)
    out_real[...] = y.real
    out_imaginary[...] = y.imag


@primitive(tensors=1, multiple=True)
def real_dft(x):
    """The first n // 2 + 1 terms of dft(x, 0) along the last axis of n."""
    shape = (*x.shape[:-1], x.shape[-1] // 2 + 1)
    outs = launch.empty(shape, x.dtype, like=x), launch.empty(shape, x.dtype, like=x)
    launch.host_call(_real_into, (x,), outs)
    return outs


@real_dft.shape
def _(x):
    return [((*x.shape[:-1], x.shape[-1] // 2 + 1), x.dtype)] * 2


@real_dft.gradient
def _(g, x):
    width = [(0, 0)] * (x.ndim - 1) + [(0, x.shape[-1] - g[0].shape[-1])]
    return (dft(ops.pad(g[0], width), ops.pad(g[1], width), (-1,), True)[0],)
