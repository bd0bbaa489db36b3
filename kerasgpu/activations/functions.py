"""The activation functions under their names in keras.activations. Most are the function of keras.ops of that name."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor

__all__ = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


@symbolic
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """max(x, 0), or with arguments: x where threshold <= x < max_value, max_value above, negative_slope (x - threshold) below.

    >>> import kerasgpu as keras
    >>> keras.activations.relu([-2.0, 3.0, 8.0], negative_slope=0.5, max_value=6.0).tolist()
    [-1.0, 3.0, 6.0]
    """
    x = convert_to_tensor(x)
    if threshold == 0 and max_value is None:
        return ops.relu(x) if negative_slope == 0 else ops.leaky_relu(x, negative_slope)
    if threshold == 0 and max_value == 6 and negative_slope == 0:
        return ops.relu6(x)
    y = ops.where(x > threshold, x, 0) if threshold != 0 else ops.relu(x)
    if max_value is not None:
        y = ops.clip(y, 0, max_value)
    return y if negative_slope == 0 else y - negative_slope * ops.relu(threshold - x)


def gelu(x, approximate=False):
    """x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016), or its tanh approximation."""
    return ops.gelu(x, approximate=approximate)


@symbolic
def mish(x):
    """x tanh(softplus(x)) (Misra 2019)."""
    x = convert_to_tensor(x)
    return x * ops.tanh(ops.softplus(x))


def exponential(x):
    """exp(x)."""
    return ops.exp(x)


def linear(x):
    """x itself."""
    return x


def celu(x, alpha=1.0):
    """See `keras.ops.celu`."""
    return ops.celu(x, alpha)


def elu(x, alpha=1.0):
    """See `keras.ops.elu`."""
    return ops.elu(x, alpha)


def glu(x, axis=-1):
    """See `keras.ops.glu`."""
    return ops.glu(x, axis)


def hard_shrink(x, threshold=0.5):
    """See `keras.ops.hard_shrink`."""
    return ops.hard_shrink(x, threshold)


def hard_sigmoid(x):
    """See `keras.ops.hard_sigmoid`."""
    return ops.hard_sigmoid(x)


def legacy_hard_sigmoid(x):
    """clip(0.2 x + 0.5, 0, 1): what "hard_sigmoid" meant before Keras 3, where it is relu6(x + 3) / 6."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def hard_silu(x):
    """See `keras.ops.hard_silu`."""
    return ops.hard_silu(x)


def hard_tanh(x):
    """See `keras.ops.hard_tanh`."""
    return ops.hard_tanh(x)


def leaky_relu(x, negative_slope=0.2):
    """See `keras.ops.leaky_relu`."""
    return ops.leaky_relu(x, negative_slope)


def log_sigmoid(x):
    """See `keras.ops.log_sigmoid`."""
    return ops.log_sigmoid(x)


def log_softmax(x, axis=-1):
    """See `keras.ops.log_softmax`."""
    return ops.log_softmax(x, axis)


def relu6(x):
    """See `keras.ops.relu6`."""
    return ops.relu6(x)


def selu(x):
    """See `keras.ops.selu`."""
    return ops.selu(x)


def sigmoid(x):
    """See `keras.ops.sigmoid`."""
    return ops.sigmoid(x)


def silu(x):
    """See `keras.ops.silu`."""
    return ops.silu(x)


def soft_shrink(x, threshold=0.5):
    """See `keras.ops.soft_shrink`."""
    return ops.soft_shrink(x, threshold)


def softmax(x, axis=-1):
    """See `keras.ops.softmax`."""
    return ops.softmax(x, axis)


def softplus(x):
    """See `keras.ops.softplus`."""
    return ops.softplus(x)


def softsign(x):
    """See `keras.ops.softsign`."""
    return ops.softsign(x)


def sparse_plus(x):
    """See `keras.ops.sparse_plus`."""
    return ops.sparse_plus(x)


def sparse_sigmoid(x):
    """See `keras.ops.sparse_sigmoid`."""
    return ops.sparse_sigmoid(x)


def sparsemax(x, axis=-1):
    """See `keras.ops.sparsemax`."""
    return ops.sparsemax(x, axis)


def squareplus(x, b=4):
    """See `keras.ops.squareplus`."""
    return ops.squareplus(x, b)


def tanh(x):
    """See `keras.ops.tanh`."""
    return ops.tanh(x)


def tanh_shrink(x):
    """See `keras.ops.tanh_shrink`."""
    return ops.tanh_shrink(x)


def threshold(x, threshold, default_value):
    """See `keras.ops.threshold`."""
    return ops.threshold(x, threshold, default_value)


swish = silu
hard_swish = hard_silu
