"""Activation functions. Those with a kernel call its primitive, the others are composed. Integers become floats first."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.numpy import arithmetic, exponential, joining, selection, trigonometric
from kerasgpu.ops.primitives import activations as kernels
from kerasgpu.ops.primitives.lengths import root
from kerasgpu.ops.primitives.operands import as_float

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]


def _number(value, name):
    """A Python float from an attribute; a kernel constant cannot be a tensor."""
    try:
        return float(value)
    except TypeError:
        raise TypeError(f"{name} must be a number. Received: {value!r}") from None


@symbolic
def relu(x):
    """max(x, 0); keeps integers.

    >>> import kerasgpu as keras
    >>> keras.ops.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = convert_to_tensor(x)
    return kernels.relu(x) if dtypes.is_float(x.dtype) else arithmetic.maximum(x, 0)


@symbolic
def relu6(x):
    """min(max(x, 0), 6); keeps integers."""
    x = convert_to_tensor(x)
    return kernels.relu6(x) if dtypes.is_float(x.dtype) else arithmetic.clip(x, 0, 6)


@symbolic
def sigmoid(x):
    """1 / (1 + exp(-x)). The result remembers x, so that binary cross-entropy of it is computed from logits.

    >>> import kerasgpu as keras
    >>> keras.ops.sigmoid([0.0]).tolist()
    [0.5]
    """
    x = as_float(x)
    y = kernels.sigmoid(x)
    y._keras_logits, y._keras_logits_of = x, "sigmoid"
    return y


@symbolic
def sparse_sigmoid(x):
    """0 below -1, 1 above 1, (x + 1) / 2 between (Martins and Astudillo 2016)."""
    x = as_float(x)
    return selection.where(x <= -1, 0.0, selection.where(x >= 1, 1.0, 0.5 * (x + 1)))


@symbolic
def softplus(x):
    """log(1 + exp(x))."""
    return kernels.softplus(as_float(x))


@symbolic
def softsign(x):
    """x / (1 + |x|)."""
    return kernels.softsign(as_float(x))


@symbolic
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by `threshold`, and 0 where |x| <= threshold."""
    x = as_float(x)
    return selection.where(x > threshold, x - threshold, selection.where(x < -threshold, x + threshold, 0.0))


@symbolic
def sparse_plus(x):
    """0 below -1, x above 1, (x + 1)^2 / 4 between (Martins and Astudillo 2016)."""
    x = as_float(x)
    return selection.where(x <= -1, 0.0, selection.where(x < 1, arithmetic.square(x + 1) * 0.25, x))


@symbolic
def silu(x):
    """x sigmoid(x), also called swish (Ramachandran et al. 2017)."""
    return kernels.silu(as_float(x))


swish = silu


@symbolic
def squareplus(x, b=4):
    """(x + sqrt(x^2 + b)) / 2 (Barron 2021)."""
    x = as_float(x)
    return (x + root(arithmetic.square(x) + b)) * 0.5


@symbolic
def log_sigmoid(x):
    """log(sigmoid(x))."""
    return kernels.log_sigmoid(as_float(x))


@symbolic
def leaky_relu(x, negative_slope=0.2):
    """x where x >= 0, else negative_slope x."""
    return kernels.leaky_relu(as_float(x), _number(negative_slope, "leaky_relu: negative_slope"))


@symbolic
def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return kernels.hard_sigmoid(as_float(x))


@symbolic
def hard_silu(x):
    """x relu6(x + 3) / 6 (Howard et al. 2019)."""
    x = as_float(x)
    return x * kernels.hard_sigmoid(x)


hard_swish = hard_silu


@symbolic
def elu(x, alpha=1.0):
    """x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2015)."""
    return kernels.elu(as_float(x), _number(alpha, "elu: alpha"))


@symbolic
def selu(x):
    """1.0507 elu(x, 1.67326): self-normalizing (Klambauer et al. 2017)."""
    return kernels.selu(as_float(x))


@symbolic
def gelu(x, approximate=True):
    """x Phi(x), Phi the normal distribution function; by default its tanh approximation (Hendrycks and Gimpel 2016)."""
    return (kernels.gelu_tanh if approximate else kernels.gelu)(as_float(x))


@symbolic
def celu(x, alpha=1.0):
    """max(0, x) + min(0, alpha (exp(x / alpha) - 1)) (Barron 2017)."""
    x = as_float(x)
    alpha = _number(alpha, "celu: alpha")
    return selection.where(x > 0, x, alpha * exponential.expm1(arithmetic.minimum(x, 0.0) / alpha))


@symbolic
def glu(x, axis=-1):
    """a sigmoid(b), where a and b are the halves of x along `axis` (Dauphin et al. 2016)."""
    x = as_float(x)
    if x.shape[axis] % 2 != 0:
        raise ValueError(f"glu: axis size must be divisible by 2; axis {axis} of a tensor of shape {x.shape} is not")
    a, b = joining.split(x, 2, axis=axis)
    return a * kernels.sigmoid(b)


@symbolic
def tanh_shrink(x):
    """x - tanh(x)."""
    x = as_float(x)
    return x - trigonometric.tanh(x)


@symbolic
def hard_tanh(x):
    """min(max(x, -1), 1); keeps integers."""
    return arithmetic.clip(convert_to_tensor(x), -1, 1)


@symbolic
def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    x = as_float(x)
    return selection.where(arithmetic.absolute(x) > threshold, x, 0.0)


@symbolic
def threshold(x, threshold, default_value):
    """x where x > threshold, else default_value."""
    x = as_float(x)
    return selection.where(x > threshold, x, default_value)
