"""keras.ops.numpy: window functions, and the Bessel function that one of them needs."""

from __future__ import annotations

import math
import operator

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.launch import numpy_dtype
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, exponential, reduction, shaping
from kerasgpu.ops.primitives.operands import as_tensor


def _window(function, x, *parameters):
    n = operator.index(x) if isinstance(x, (int, np.integer)) else int(as_tensor(x))
    return convert_to_tensor(function(n, *parameters).astype(numpy_dtype(dtypes.floatx())))


def bartlett(x):
    """Triangle of x points with zeros at both ends.

    >>> import kerasgpu as keras
    >>> keras.ops.bartlett(3).numpy()
    array([0., 1., 0.], dtype=float32)
    """
    return _window(np.bartlett, x)


def blackman(x):
    """Blackman window of x points.

    >>> import kerasgpu as keras
    >>> keras.ops.blackman(5).shape
    (5,)
    """
    return _window(np.blackman, x)


def hamming(x):
    """Hamming window of x points: 0.54 - 0.46 cos(2 pi n / (x - 1)).

    >>> import kerasgpu as keras
    >>> keras.ops.hamming(3).numpy()
    array([0.08, 1.  , 0.08], dtype=float32)
    """
    return _window(np.hamming, x)


def hanning(x):
    """Hann window of x points: 0.5 - 0.5 cos(2 pi n / (x - 1)).

    >>> import kerasgpu as keras
    >>> keras.ops.hanning(3).numpy()
    array([0., 1., 0.], dtype=float32)
    """
    return _window(np.hanning, x)


def kaiser(x, beta):
    """Kaiser window of x points with shape parameter beta: I0(beta sqrt(1 - t**2)) / I0(beta), t from -1 to 1.

    >>> import kerasgpu as keras
    >>> keras.ops.kaiser(3, 0.0).numpy()
    array([1., 1., 1.], dtype=float32)
    """
    return _window(np.kaiser, x, float(beta) if isinstance(beta, (int, float, np.number)) else float(as_tensor(beta)))


_POINTS = 256


@symbolic
def i0(x):
    """Modified Bessel function of the first kind, order 0.

    I0(x) is the mean of exp(x cos t) over a circle. The trapezoidal rule with n points has error about I_n(x) (Trefethen &
    Weideman 2014), nothing at n = 256 for any x whose I0 is a finite float64.

    >>> import kerasgpu as keras
    >>> float(keras.ops.i0(0.0))
    1.0
    """
    x = as_tensor(x)
    dtype = "float64" if x.dtype in ("int64", "float64") else x.dtype if x.dtype in ("bfloat16", "float16") else dtypes.floatx()
    wide = dtypes.result_type(dtype, "float32")
    size = arithmetic.absolute(casting.cast(x, wide))
    # Half the circle twice; the ends once.
    angles = np.linspace(0, math.pi, _POINTS // 2 + 1)
    weights = np.full(angles.shape, 2 / _POINTS)
    weights[[0, -1]] = 1 / _POINTS
    slopes = convert_to_tensor((np.cos(angles) - 1).astype(numpy_dtype(wide)))
    terms = exponential.exp(shaping.expand_dims(size, -1) * slopes) * convert_to_tensor(weights.astype(numpy_dtype(wide)))
    return casting.cast(exponential.exp(size) * reduction.sum(terms, axis=-1), dtype)
