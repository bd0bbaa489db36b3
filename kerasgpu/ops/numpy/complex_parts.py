"""keras.ops.numpy: real and imaginary parts of complex numbers."""

from __future__ import annotations

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import creation
from kerasgpu.ops.primitives import host as p
from kerasgpu.ops.primitives.operands import as_tensor


def is_complex(x):
    return x.dtype.startswith("complex")


@symbolic
def real(x):
    """The real part; a real x itself.

    >>> import kerasgpu as keras
    >>> float(keras.ops.real(2.0))
    2.0
    """
    x = as_tensor(x)
    return p.real(x) if is_complex(x) else x


@symbolic
def imag(x):
    """The imaginary part; zeros for a real x.

    >>> import kerasgpu as keras
    >>> float(keras.ops.imag(2.0))
    0.0
    """
    x = as_tensor(x)
    return p.imag(x) if is_complex(x) else creation.zeros_like(x)


@symbolic
def conjugate(x):
    """The complex conjugate; a real x itself.

    >>> import kerasgpu as keras
    >>> float(keras.ops.conjugate(2.0))
    2.0
    """
    x = as_tensor(x)
    return p.conjugate(x) if is_complex(x) else x


@symbolic
def conj(x):
    """The same as `conjugate`."""
    return conjugate(x)
