"""Variable: a named tensor that keeps its buffer, for weights, optimizer state, metric sums and random state."""

from __future__ import annotations

import sys
import weakref

import numpy as np

from kerasgpu.config.installed import initializers
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, naming, state
from kerasgpu.engine.operators import LogicalOperators
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.kernels import launch, movement


class AutocastScope:
    """Context manager: inside, float variables are read as this dtype (mixed precision). None switches it off."""

    def __init__(self, dtype):
        if dtype is not None:
            dtype = dtypes.standardize_dtype(dtype)
            if not dtypes.is_float(dtype):
                raise ValueError(
                    f"`AutocastScope` can only be used with a floating-point dtype, such as 'float16'. Received: dtype={dtype}"
                )
        self.dtype = dtype

    def maybe_cast(self, value):
        if self.dtype is not None and dtypes.is_float(str(value.dtype)):
            return convert_to_tensor(value, self.dtype)
        return value

    def __enter__(self):
        self._before = state.thread.autocast_dtype
        state.thread.autocast_dtype = self.dtype
        return self

    def __exit__(self, *exc):
        state.thread.autocast_dtype = self._before


class Variable(LogicalOperators):
    """A trainable or non-trainable tensor whose value can be assigned.

    Args:
        initializer: a value (number, array, tensor), or a callable (shape, dtype) -> value, or the name of an initializer.
        shape: tuple of ints; needed when `initializer` is a callable or a name.
        dtype: defaults to the dtype of a value, else the default float dtype.
        trainable: whether gradients and optimizers reach it.
        autocast: whether it is read in the compute dtype inside a mixed-precision layer.
        aggregation: how replicas on several devices combine ("none", "mean", "sum", "only_first_replica").
        synchronization: "auto", "none", "on_read" or "on_write"; kept for compatibility.
        name: without "/"; default "variable".

    The buffer never moves: `assign` copies into it, so captured programs stay valid. Tensors read from `value` earlier keep the
    values they had.

    >>> import kerasgpu as keras
    >>> v = keras.Variable([1.0, 2.0], name="w")
    >>> _ = v.assign_add([1.0, 1.0])
    >>> v.numpy()
    array([2., 3.], dtype=float32)
    """

    __array_priority__ = 1001

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation="none",
        synchronization="auto",
        name=None,
        **kwargs,
    ):
        del kwargs
        name = name or naming.auto_name("variable")
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Argument `name` must be a string and cannot contain character `/`. Received: name={name!r}")
        if aggregation not in (None, "none", "mean", "sum", "only_first_replica"):
            raise ValueError(
                "Invalid value for argument `aggregation`. Expected one of `None`, `'none'`, `'mean'`, `'sum'`, "
                f"`'only_first_replica'`. Received: aggregation={aggregation}"
            )
        if synchronization not in (None, "none", "auto", "on_read", "on_write"):
            raise ValueError(
                "Invalid value for argument `synchronization`. Expected one of `None`, 'none'`, `'auto'`, `'on_read'`, "
                f"`'on_write'`. Received: synchronization={synchronization}"
            )
        self._name = name
        parent = naming.current_path()
        self._path = f"{parent}/{name}" if parent else name
        self._trainable = bool(trainable)
        self._autocast = bool(autocast)
        self._aggregation = aggregation or "none"
        self._synchronization = synchronization or "auto"
        self._regularizer = None
        self._constraint = None
        self._overwrite_with_gradient = False
        self._tensor = None
        if isinstance(initializer, str):
            initializer = initializers.get(initializer)
        if callable(initializer) and not isinstance(initializer, (Tensor, Variable, np.ndarray)):
            if shape is None:
                raise ValueError(
                    "When creating a Variable from an initializer, the `shape` argument should be specified. Received: "
                    f"initializer={initializer} and shape={shape}"
                )
            self._shape = self._check_shape(shape)
            self._dtype = dtypes.standardize_dtype(dtype)
            self._initializer = initializer
            if state.thread.variable_budget is not None:
                state.thread.variable_budget.take(self._shape, launch.numpy_dtype(self._dtype).itemsize)
            if state.thread.shape_only:
                self._tensor = MetaTensor(self._shape, self._dtype)
                return
            value = convert_to_tensor(initializer(self._shape, dtype=self._dtype), self._dtype)
        else:
            self._initializer = None
            value = convert_to_tensor(initializer, None if dtype is None else dtypes.standardize_dtype(dtype))
            self._shape = value.shape
            self._dtype = value.dtype
            if shape is not None and self._check_shape(shape) != value.shape:
                raise ValueError(f"Variable {name!r}: shape={tuple(shape)} does not match the value's shape {value.shape}")
        self._set_buffer(value)

    @staticmethod
    def _check_shape(shape):
        if isinstance(shape, np.ndarray):
            shape = shape.tolist()
        shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
        if None in shape:
            raise ValueError(
                f"Shapes used to initialize variables must be fully-defined (no `None` dimensions). Received: shape={shape}"
            )
        shape = tuple(int(d) for d in shape)
        if any(d < 0 for d in shape):
            raise ValueError(f"Shapes of variables cannot have negative dimensions. Received: shape={shape}")
        return shape

    def _set_buffer(self, value):
        if tuple(value.shape) != self._shape:
            raise ValueError(
                f"Variable {self._name!r} of shape {self._shape}: its initializer returned a value of shape {value.shape}"
            )
        if type(value) is MetaTensor:
            self._tensor = value
            return
        if launch.recorder is not None:
            launch.recorder.refuse("a variable was created in it")
        data = devices.put(value._data, devices.current_device())
        buffer = launch.empty(self._shape, self._dtype, like=data)
        movement.copy(data, buffer)
        self._tensor = self._leaf(buffer)

    def _leaf(self, buffer):
        leaf = Tensor(buffer, self._dtype)
        leaf._variable = weakref.ref(self)
        leaf._requires = self._trainable and dtypes.is_float(self._dtype)
        return leaf

    # -- value --------------------------------------------------------------------------------------------------
    @property
    def value(self) -> Tensor:
        """The current value as a Tensor, in the compute dtype inside an AutocastScope."""
        scope = state.thread.stateless_scope
        if scope is not None:
            held = scope.get_current_value(self)
            if held is not None:
                return self._maybe_autocast(held)
        return self._maybe_autocast(self._tensor)

    def _maybe_autocast(self, value):
        target = state.thread.autocast_dtype
        if target is not None and self._autocast and target != value.dtype and dtypes.is_float(value.dtype):
            return convert_to_tensor(value, target)
        return value

    def numpy(self) -> np.ndarray:
        """A NumPy copy of the value."""
        return self.value.numpy()

    def __array__(self, dtype=None, copy=None):
        return self.value.__array__(dtype)

    def __dlpack__(self, *args, **kwargs):
        return self.value.__dlpack__(*args, **kwargs)

    def __dlpack_device__(self):
        return self.value.__dlpack_device__()

    @property
    def __cuda_array_interface__(self):
        return self.value.__cuda_array_interface__

    def assign(self, value) -> Tensor:
        """Copy `value` (same shape; cast to this dtype) into the variable. Returns the new value."""
        if isinstance(value, Variable):
            value = value.value
        value = convert_to_tensor(value, self._dtype)
        if value.shape != self._shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in `variable.assign(value)` must match. "
                f"variable.shape={self._shape}, Received: value.shape={value.shape}. Target variable: {self!r}"
            )
        scope = state.thread.stateless_scope
        if scope is not None:
            scope.add_update((self, value))
            return value
        if state.thread.shape_only or type(value) is MetaTensor:
            return value
        buffer = self.writable()
        data = value._data
        if data is buffer:
            return self._tensor
        if type(data) is not type(buffer):
            data = devices.put(data, devices.of_array(buffer))
        movement.copy(data, buffer)
        return self._tensor

    def writable(self):
        """The buffer, for a kernel that is about to write into it. Whoever still holds the old value's Tensor gets a copy of it."""
        if launch.recorder is not None:
            launch.recorder.writes(self)
        if state.thread.watcher is not None:
            state.thread.watcher.writes(self)
        tensor = self._tensor
        # Two references are ours (the attribute and this local), one is getrefcount's argument.
        if sys.getrefcount(tensor) > 3:
            buffer = tensor._data
            kept = launch.empty(self._shape, self._dtype, like=buffer)
            movement.copy(buffer, kept)
            tensor._data = kept
            self._tensor = self._leaf(buffer)
            self._tensor.grad = tensor.grad
            return buffer
        return tensor._data

    def assign_add(self, value):
        return self.assign(self + value)

    def assign_sub(self, value):
        return self.assign(self - value)

    def to(self, target):
        """Move the variable to another device. Captured programs that use it are recorded again."""
        name = devices.check(target)
        if name != self.device:
            self._tensor = self._leaf(devices.put(self._tensor._data, name))
            state.variables_moved += 1
        return self

    # -- attributes ---------------------------------------------------------------------------------------------
    @property
    def shape(self):
        return self._shape

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def dtype(self):
        target = state.thread.autocast_dtype
        if target is not None and self._autocast and dtypes.is_float(self._dtype):
            return target
        return self._dtype

    @property
    def device(self):
        return self._tensor.device

    @property
    def name(self):
        return self._name

    @property
    def path(self):
        return self._path

    @property
    def trainable(self):
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        self._tensor._requires = self._trainable and dtypes.is_float(self._dtype)

    @property
    def grad(self):
        """What `backward()` accumulated for this variable, or None."""
        return self._tensor.grad

    @grad.setter
    def grad(self, value):
        self._tensor.grad = value

    @property
    def aggregation(self):
        return self._aggregation

    @property
    def synchronization(self):
        return self._synchronization

    @property
    def overwrite_with_gradient(self):
        """Whether an optimizer sets this variable to its gradient instead of updating it (float8 scales)."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value):
        if not isinstance(value, bool):
            raise TypeError(f"`overwrite_with_gradient` must be a boolean. Received: {value}")
        self._overwrite_with_gradient = value

    @property
    def regularizer(self):
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value):
        if value is not None and not callable(value):
            raise ValueError(
                f"Invalid value for attribute `regularizer`. Expected a callable or `None`. Received: regularizer={value}"
            )
        self._regularizer = value

    @property
    def constraint(self):
        return self._constraint

    @constraint.setter
    def constraint(self, value):
        if value is not None and not callable(value):
            raise ValueError(
                f"Invalid value for attribute `constraint`. Expected a callable or `None`. Received: constraint={value}"
            )
        self._constraint = value

    def __int__(self):
        return int(self.value)

    def __float__(self):
        return float(self.value)

    def __index__(self):
        return self.value.__index__()

    def __bool__(self):
        if self._tensor.size != 1:
            raise TypeError(
                "A Keras Variable cannot be used as a boolean. Use keras.ops.any or keras.ops.all. "
                f"Received variable {self._path} of shape {self._shape}"
            )
        return bool(self.value)

    def __format__(self, spec):
        return format(self.value, spec)

    def __repr__(self):
        value = f", value={self._tensor._host()}" if type(self._tensor) is Tensor and launch.recorder is None else ""
        return f"<Variable path={self._path}, shape={self._shape}, dtype={self._dtype}{value}>"

    def __deepcopy__(self, memo):
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(self.__dict__)
        twin._tensor = twin._leaf(self._tensor._data.copy())
        return twin

    def __reduce__(self):
        return _rebuild, (type(self), {**self.__dict__, "_tensor": None, "_initializer": None}, self._tensor.numpy())


def _rebuild(kind, attributes, value):
    made = object.__new__(kind)
    made.__dict__.update(attributes)
    made._set_buffer(convert_to_tensor(value, made._dtype))
    return made


def is_variable(x) -> bool:
    return isinstance(x, Variable)
