"""What a tensor is and its dtype: cast, shape, dtype, is_tensor, stop_gradient, convert_to_numpy."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes, tensor
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor
from kerasgpu.ops.primitives import select


@symbolic
def cast(x, dtype):
    """x in another dtype; x itself when it has that dtype. Floats become integers by truncation.

    >>> import kerasgpu as keras
    >>> keras.ops.cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    dtype = dtypes.standardize_dtype(dtype)
    if not isinstance(x, Tensor):
        # Without a dtype of its own x takes this one at once: no rounding through the default float.
        return tensor.convert_to_tensor(x, dtype)
    return x if x.dtype == dtype else select.cast(x, dtype)


def convert_to_numpy(x):
    """The values of x as a NumPy array (a copy). Symbolic tensors raise ValueError."""
    if isinstance(x, Tensor):
        return x.numpy()
    return np.array(x)


def is_tensor(x) -> bool:
    """Whether x is a tensor of this engine (not a NumPy array, a Variable or a symbolic tensor)."""
    return isinstance(x, Tensor)


def shape(x) -> tuple:
    """The shape of x as a tuple; unknown dims of a symbolic tensor are None."""
    found = getattr(x, "shape", None)
    return tuple(found) if found is not None else tensor.convert_to_tensor(x).shape


def dtype(x) -> str:
    """The name of the dtype of x, such as "float32"."""
    return dtypes.standardize_dtype(x.dtype)


@symbolic
def stop_gradient(variable):
    """The value of `variable`, through which no gradient flows.

    >>> import kerasgpu as keras
    >>> v = keras.Variable(3.0)
    >>> keras.ops.stop_gradient(v).requires_grad
    False
    """
    x = tensor.convert_to_tensor(variable)
    return x if isinstance(x, MetaTensor) else x.detach()
