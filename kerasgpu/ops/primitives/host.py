"""Rare operations that run a NumPy routine on the host, as one recorded call each."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import launch
from kerasgpu.ops.primitives.shapes import broadcast_shapes


def _fill(function):
    def run(*arrays):
        *inputs, out = arrays
        with np.errstate(all="ignore"):
            out[...] = function(*inputs)

    return run


def _binary(name, function):
    fill = _fill(function)

    def forward(x, y):
        out = launch.empty(broadcast_shapes(name, x.shape, y.shape), x.dtype.name, like=x)
        launch.host_call(fill, (x, y), (out,))
        return out

    forward.__name__ = forward.__qualname__ = name
    op = primitive(tensors=2, differentiable=False)(forward)
    op.shape(lambda x, y: (broadcast_shapes(name, x.shape, y.shape), x.dtype))
    return op


gcd = _binary("gcd", np.gcd)
lcm = _binary("lcm", np.lcm)


def _part_dtype(dtype):
    return {"complex64": "float32", "complex128": "float64"}[dtype]


def _complex(name, function, result):
    fill = _fill(function)

    def forward(x):
        out = launch.empty(x.shape, result(x.dtype.name), like=x)
        launch.host_call(fill, (x,), (out,))
        return out

    forward.__name__ = forward.__qualname__ = name
    op = primitive(tensors=1, differentiable=False)(forward)
    op.shape(lambda x: (x.shape, result(x.dtype)))
    return op


real = _complex("real", np.real, _part_dtype)
imag = _complex("imag", np.imag, _part_dtype)
conjugate = _complex("conjugate", np.conjugate, lambda dtype: dtype)
angle = _complex("angle", np.angle, _part_dtype)


@primitive(tensors=1, differentiable=False)
def view(x, dtype):
    """The bytes of x read as another dtype; the last dimension grows or shrinks with the item size."""
    seen = x.view(launch.numpy_dtype(dtype))
    out = launch.empty(seen.shape, dtype, like=x)  # a buffer of its own: a program knows each buffer by one dtype
    launch.host_call(_copy_bits, (x,), (out,))
    return out


def _copy_bits(x, out):
    out[...] = x.view(out.dtype)


@view.shape
def _(x, dtype):
    old, new = launch.numpy_dtype(x.dtype).itemsize, launch.numpy_dtype(dtype).itemsize
    return (x.shape if old == new else (*x.shape[:-1], x.shape[-1] * old // new)), dtype
