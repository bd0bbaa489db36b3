"""The functions of keras.random. `seed` is an int (the same numbers each time), a SeedGenerator, or None for the global one."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.seed_generator import draw_seed
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.primitives import random as kernels
from kerasgpu.ops.primitives.operands import as_float

__all__ = ["beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle", "truncated_normal", "uniform"]


def _shape(shape, name):
    try:
        found = (int(shape),) if isinstance(shape, int) else tuple(int(d) for d in shape)
    except TypeError:
        raise ValueError(f"random.{name}: shape must be a tuple of ints with no None. Received: shape={shape}") from None
    if any(d < 0 for d in found):
        raise ValueError(f"random.{name}: shape cannot have negative dimensions. Received: shape={shape}")
    return found


def _float_dtype(dtype, name):
    found = dtypes.standardize_dtype(dtype)
    if not dtypes.is_float(found):
        raise ValueError(f"`keras.random.{name}` requires a floating point `dtype`. Received: dtype={found}")
    return found


def _is_number(*values):
    return all(isinstance(v, (int, float)) or (getattr(v, "ndim", None) == 0 and not hasattr(v, "device")) for v in values)


def _scaled(sample, scale, offset):
    """sample * scale + offset, for parameters that are tensors."""
    kind = sample.dtype
    return sample * ops.cast(convert_to_tensor(scale), kind) + ops.cast(convert_to_tensor(offset), kind)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Uniform floats in [minval, maxval).

    Args:
        shape: tuple of ints.
        minval, maxval: the ends of the range.
        dtype: a float dtype, None for the default.
        seed: int, SeedGenerator or None.

    >>> import kerasgpu as keras
    >>> x = keras.random.uniform((1000,), 2.0, 3.0, seed=1)
    >>> bool(2.0 <= x.min()), bool(x.max() < 3.0)
    (True, True)
    """
    dtype = _float_dtype(dtype, "uniform")
    shape, state = _shape(shape, "uniform"), draw_seed(seed)
    if _is_number(minval, maxval):
        return kernels.uniform(state, shape, float(minval), float(maxval), dtype)
    return _scaled(kernels.uniform(state, shape, 0.0, 1.0, dtype), ops.subtract(maxval, minval), minval)


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal floats (Box and Muller 1958). `dtype` is a float dtype, None for the default; `seed` as for `uniform`."""
    dtype = _float_dtype(dtype, "normal")
    shape, state = _shape(shape, "normal"), draw_seed(seed)
    if _is_number(mean, stddev):
        return kernels.normal(state, shape, float(mean), float(stddev), dtype)
    return _scaled(kernels.normal(state, shape, 0.0, 1.0, dtype), stddev, mean)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal floats, none further than two standard deviations from the mean."""
    dtype = _float_dtype(dtype, "truncated_normal")
    shape, state = _shape(shape, "truncated_normal"), draw_seed(seed)
    if _is_number(mean, stddev):
        return kernels.truncated_normal(state, shape, float(mean), float(stddev), dtype)
    return _scaled(kernels.truncated_normal(state, shape, 0.0, 1.0, dtype), stddev, mean)


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Integers in [minval, maxval), each equally likely.

    >>> import kerasgpu as keras
    >>> sorted(set(keras.random.randint((100,), 0, 3, seed=1).tolist()))
    [0, 1, 2]
    """
    dtype = dtypes.standardize_dtype(dtype)
    if not dtypes.is_int(dtype):
        raise ValueError(f"`keras.random.randint` requires an integer `dtype`. Received: dtype={dtype} ")
    shape, state = _shape(shape, "randint"), draw_seed(seed)
    if _is_number(minval, maxval):
        return kernels.randint(state, shape, int(minval), int(maxval), dtype)
    sample = kernels.uniform(state, shape, 0.0, 1.0, "float64")
    low, high = ops.cast(convert_to_tensor(minval), "float64"), ops.cast(convert_to_tensor(maxval), "float64")
    return ops.cast(ops.floor(low + sample * (high - low)), dtype)


@symbolic
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Class numbers drawn with probabilities softmax(logits).

    Args:
        logits: tensor of shape (batch, classes).
        num_samples: how many to draw for each row.

    Returns integers of shape (batch, num_samples). After the Gumbel-max trick: the argmax of logits - log(-log(u)).
    """
    logits = as_float(logits)
    if logits.ndim != 2:
        raise ValueError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: logits.shape={logits.shape}"
        )
    kind = "float64" if logits.dtype == "float64" else "float32"
    noise = kernels.uniform(draw_seed(seed), (*logits.shape, num_samples), 0.0, 1.0, kind)
    scores = ops.expand_dims(ops.cast(logits, kind), -1) - ops.log(-ops.log(noise))
    return ops.cast(ops.argmax(scores, axis=1), dtype)


@symbolic
def dropout(inputs, rate, noise_shape=None, seed=None):
    """Each element set to 0 with probability `rate`, the others divided by 1 - rate (Srivastava et al. 2014).

    Args:
        inputs: float tensor.
        rate: number in [0, 1].
        noise_shape: shape of the mask, broadcast to inputs; None in it stands for the size of inputs.
        seed: int, SeedGenerator or None.
    """
    x = as_float(inputs)
    rate = float(rate)
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"dropout: rate must be in [0, 1]. Received: rate={rate}")
    if rate == 0.0:
        return x
    if rate == 1.0:
        return ops.zeros_like(x)
    state = draw_seed(seed)
    if noise_shape is None or tuple(noise_shape) == x.shape:
        return kernels.dropout(x, state, rate)
    if len(noise_shape) != x.ndim:
        raise ValueError(f"dropout: noise_shape={noise_shape} must have as many dims as inputs, which have shape {x.shape}")
    shape = tuple(n if d is None else int(d) for d, n in zip(noise_shape, x.shape))
    mask = kernels.bernoulli(state, shape, 1.0 - rate, "bool")
    return ops.where(mask, x / (1.0 - rate), 0.0)


@symbolic
def shuffle(x, axis=0, seed=None):
    """The slices of x along `axis` in random order."""
    x = convert_to_tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"random.shuffle: axis={axis} is out of range for a tensor of shape {x.shape}")
    return ops.take(x, kernels.permutation(draw_seed(seed), x.shape[axis]), axis=axis)


def _parameter(value, shape, name):
    """A distribution's parameter as a float32 tensor of the result's shape (or of one element)."""
    x = ops.cast(convert_to_tensor(value), "float32")
    if x.size == 1:
        return ops.reshape(x, (1,))
    try:
        return ops.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(f"random.{name}: a parameter of shape {x.shape} does not broadcast to shape={shape}") from None


def gamma(shape, alpha, dtype=None, seed=None):
    """Gamma variates of shape `alpha` (broadcast to `shape`) and scale 1 (Marsaglia and Tsang 2000)."""
    dtype = _float_dtype(dtype, "gamma")
    shape = _shape(shape, "gamma")
    return kernels.gamma(draw_seed(seed), _parameter(alpha, shape, "gamma"), shape, dtype)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Number of successes in `counts` trials with success `probabilities` (both broadcast to `shape`) (Hormann 1993)."""
    dtype = _float_dtype(dtype, "binomial")
    shape = _shape(shape, "binomial")
    parameters = _parameter(counts, shape, "binomial"), _parameter(probabilities, shape, "binomial")
    return kernels.binomial(draw_seed(seed), *parameters, shape, dtype)


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Beta variates with parameters `alpha` and `beta` (broadcast to `shape`)."""
    dtype = _float_dtype(dtype, "beta")
    shape = _shape(shape, "beta")
    return kernels.beta(draw_seed(seed), _parameter(alpha, shape, "beta"), _parameter(beta, shape, "beta"), shape, dtype)
