"""`keras.backend` of Keras 2: making tensors and variables, reading and setting them, random numbers, functions of graphs."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import config, ops, random
from kerasgpu.engine import nest
from kerasgpu.engine.dtypes import standardize_dtype
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.variable import Variable
from kerasgpu.models.function import Function


def variable(value, dtype=None, name=None, constraint=None):
    """A variable with this value; dtype: None for the configured float.

    >>> import kerasgpu as keras
    >>> keras.backend.int_shape(keras.backend.variable([[1, 2], [3, 4]]))
    (2, 2)
    """
    made = Variable(np.asarray(value), dtype=dtype or config.floatx(), name=name)
    if constraint is not None:
        made.constraint = constraint
    return made


def constant(value, dtype=None, shape=None, name=None):
    """A tensor with this value; a scalar fills `shape`. dtype: None for the configured float."""
    made = ops.convert_to_tensor(np.asarray(value), dtype=dtype or config.floatx())
    if shape is None:
        return made
    return ops.broadcast_to(made, tuple(shape)) if made.ndim == 0 else ops.reshape(made, tuple(shape))


def zeros(shape, dtype=None, name=None):
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape, dtype=None, name=None):
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def eye(size, dtype=None, name=None):
    """A variable that holds the identity matrix; `size` is an integer or a pair."""
    return variable(np.eye(*(size if isinstance(size, (tuple, list)) else (size,))), dtype, name)


def ones_like(x, dtype=None, name=None):
    """Ones in the shape of x."""
    return ops.ones_like(x, dtype=dtype)


def zeros_like(x, dtype=None, name=None):
    """Zeros in the shape of x."""
    return ops.zeros_like(x, dtype=dtype)


def arange(start, stop=None, step=1, dtype="int32"):
    """start, start + step, ... below stop; with one argument, from 0 to it. A negative stop counts as 0 where start is alone."""
    if stop is None:
        start, stop = 0, max(start, 0)
    return ops.arange(start, stop, step, dtype=dtype)


def cast(x, dtype):
    """x in another dtype."""
    return ops.cast(x, dtype)


def cast_to_floatx(x):
    """Numbers or an array as a NumPy array, a tensor as a tensor, in the configured float."""
    if isinstance(x, (KerasTensor, Variable)) or hasattr(x, "device"):
        return ops.cast(x, config.floatx())
    return np.asarray(x, dtype=config.floatx())


def shape(x):
    """The shape as integers, None where it is not known."""
    return ops.shape(x)


def int_shape(x):
    """The shape as a tuple, None where a size is not known; None for what has no shape."""
    found = getattr(x, "shape", None)
    return None if found is None else tuple(found)


def ndim(x):
    """The number of dimensions."""
    return len(x.shape)


def dtype(x):
    """The name of the dtype."""
    return standardize_dtype(x.dtype)


def count_params(x):
    """The number of values in a tensor or variable."""
    return math.prod(x.shape)


def get_value(x):
    """The values as a NumPy array.

    >>> import kerasgpu as keras
    >>> keras.backend.get_value(keras.backend.square([2.0, 3.0]))
    array([4., 9.], dtype=float32)
    """
    if isinstance(x, KerasTensor):
        raise ValueError(
            f"keras.backend.get_value: {x.name!r} of shape {x.shape} is symbolic and has no values. Compute them with "
            "keras.backend.function(inputs, [x]) or keras.Model(inputs, x).predict(...)."
        )
    return ops.convert_to_numpy(x)


def batch_get_value(tensors):
    """The values of several tensors or variables, as a list of NumPy arrays."""
    return [get_value(x) for x in tensors]


def set_value(x, value):
    """Give a variable a new value of the same shape."""
    if not isinstance(x, Variable):
        raise TypeError(f"keras.backend.set_value sets variables. Received: {type(x).__name__}")
    x.assign(np.asarray(value))


def batch_set_value(tuples):
    """Give variables new values: pairs of (variable, value)."""
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """Set a variable; returns it."""
    x.assign(new_x)
    return x


def update_add(x, increment):
    """Add to a variable; returns it."""
    x.assign_add(increment)
    return x


def update_sub(x, decrement):
    """Subtract from a variable; returns it."""
    x.assign_sub(decrement)
    return x


def moving_average_update(x, value, momentum):
    """x = x * momentum + value * (1 - momentum); returns the variable."""
    x.assign(ops.multiply(x, momentum) + ops.multiply(value, 1.0 - momentum))
    return x


def function(inputs, outputs, updates=None, name=None, **kwargs):
    """The computation from symbolic inputs to outputs as a function of lists of arrays that gives NumPy arrays.

    Args:
        inputs: a list of symbolic inputs.
        outputs: a list of symbolic outputs, or one; the result has the same structure.
        updates: None or []: variables are set by layers and by `assign`.

    Layers run as in inference.

    >>> import kerasgpu as keras
    >>> K = keras.backend
    >>> x = keras.Input((2,))
    >>> K.function([x], [K.sum(x, axis=-1)])([[[1.0, 2.0]]])
    [array([3.], dtype=float32)]
    """
    if updates:
        raise ValueError(
            "keras.backend.function: `updates` are not supported: call assign() on the variables after the function."
        )
    inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not all(isinstance(x, KerasTensor) for x in inputs):
        raise ValueError(
            "keras.backend.function: `inputs` must be symbolic, as keras.Input and model.input are. Leave out "
            f"keras.backend.learning_phase(). Received types: {[type(x).__name__ for x in inputs]}"
        )
    graph = Function(inputs, outputs)

    def run(values):
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(values) != len(inputs):
            raise ValueError(f"keras.backend.function: there are {len(inputs)} inputs, {len(values)} arrays were given.")
        tensors = [ops.convert_to_tensor(np.asarray(v), dtype=x.dtype) for v, x in zip(values, inputs)]
        return nest.map_structure(ops.convert_to_numpy, graph(tensors))

    return run


def is_sparse(tensor):
    """False: tensors are dense."""
    return False


def to_dense(tensor):
    """The tensor: it is dense."""
    return tensor


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Numbers of a normal distribution."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers of a uniform distribution."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Numbers of a normal distribution, drawn again where they are more than two deviations from the mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability p, else 0."""
    return ops.cast(random.uniform(shape, seed=seed) < p, dtype or config.floatx())


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable with numbers of a normal distribution."""
    return variable(random.normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable with numbers of a uniform distribution."""
    return variable(random.uniform(shape, low, high, dtype, seed), dtype, name)
