"""Complex tensors: made from and taken apart into real ones. No kernel computes with them: these few go through NumPy."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import launch


def _complex_of(dtype):
    return "complex128" if dtype == "float64" else "complex64"


def _real_of(dtype):
    return "float64" if dtype == "complex128" else "float32"


def _join(real, imaginary, out):
    out.real[...] = real
    out.imag[...] = imaginary


def _real(x, out):
    np.copyto(out, x.real)


def _imaginary(x, out):
    np.copyto(out, x.imag)


@primitive(tensors=2)
def to_complex(real, imaginary):
    """real + i imaginary, of one float dtype and shape."""
    out = launch.empty(real.shape, _complex_of(real.dtype.name), like=real)
    launch.host_call(_join, (real, imaginary), (out,))
    return out


@to_complex.shape
def _(real, imaginary):
    return real.shape, _complex_of(real.dtype)


@primitive(tensors=1)
def real_part(x):
    """The real part of a complex tensor."""
    out = launch.empty(x.shape, _real_of(x.dtype.name), like=x)
    launch.host_call(_real, (x,), (out,))
    return out


@primitive(tensors=1)
def imaginary_part(x):
    """The imaginary part of a complex tensor."""
    out = launch.empty(x.shape, _real_of(x.dtype.name), like=x)
    launch.host_call(_imaginary, (x,), (out,))
    return out


@real_part.shape
@imaginary_part.shape
def _(x):
    return x.shape, _real_of(x.dtype)
