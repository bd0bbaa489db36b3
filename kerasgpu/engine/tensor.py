"""Tensor: shape, dtype, device and one contiguous array; and the conversion of everything else into one."""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import cuda, gpu_exchange, ops, tape
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes
from kerasgpu.engine.operators import Operators
from kerasgpu.kernels import launch
from kerasgpu.kernels.launch import numpy_dtype


class Tensor(Operators):
    """An n-dimensional array of numbers on a device.

    Made by `keras.ops.convert_to_tensor` and by every operation. Attributes: `shape` (tuple of ints), `dtype` (a Keras name such as
    "float32"), `ndim`, `size`, `device`, `grad` (after `backward()`). Mixes with NumPy arrays in expressions; `numpy()` copies
    it out.

    >>> import kerasgpu as keras
    >>> x = keras.ops.convert_to_tensor([[1.0, 2.0]])
    >>> (x + 1).numpy()
    array([[2., 3.]], dtype=float32)
    """

    __slots__ = ("__dict__", "__weakref__", "_data", "_index", "_node", "_requires", "_variable", "dtype", "grad", "shape")
    __array_priority__ = 1000  # `array + tensor` is ours

    def __init__(self, data, dtype: str | None = None):
        self._data = data
        self.shape = data.shape
        self.dtype = dtype or dtypes.name_of(data.dtype)
        self._node = None  # what computed it,
        self._index = 0  # which of its outputs this is,
        self._variable = None  # or a weak reference to the variable whose value it is
        self._requires = False
        self.grad = None

    # -- what it is ---------------------------------------------------------------------------------------------
    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        n = 1
        for d in self.shape:
            n *= d
        return n

    @property
    def device(self) -> str:
        return devices.of_array(self._data)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded for gradients."""
        return self._requires

    @requires_grad.setter
    def requires_grad(self, value: bool):
        if value and not dtypes.is_float(self.dtype):
            raise ValueError(f"only float tensors can require gradients; this one has dtype {self.dtype}")
        self._requires = bool(value)

    def requires_grad_(self, value: bool = True) -> Tensor:
        self.requires_grad = value
        return self

    # -- reading it on the host ---------------------------------------------------------------------------------
    def _host(self) -> np.ndarray:
        """The values as a NumPy array that may share memory. Tells a recorder that the host looked."""
        if launch.recorder is not None:
            launch.recorder.host_read()
        if type(self._data) is np.ndarray:
            return self._data
        return self._data.get()

    def numpy(self) -> np.ndarray:
        """A NumPy copy of the values."""
        return np.array(self._host())

    def __array__(self, dtype=None, copy=None):
        host = self._host()
        if dtype is not None and host.dtype != dtype:
            return host.astype(dtype)
        # A copy, so that a later in-place update of a variable cannot change what the caller holds.
        return host if copy is False else np.array(host)

    def item(self):
        return self._host().item()

    def tolist(self):
        return self._host().tolist()

    def __float__(self):
        return float(self._scalar("float"))

    def __int__(self):
        return int(self._scalar("int"))

    def __index__(self):
        if not dtypes.is_int(self.dtype):
            raise TypeError(f"only integer tensors can be used as an index; this one has dtype {self.dtype}")
        return int(self._scalar("int"))

    def __bool__(self):
        if self.size != 1:
            raise ValueError(
                f"the truth value of a tensor of shape {self.shape} is ambiguous; use keras.ops.any or keras.ops.all"
            )
        return bool(self._host().reshape(())[()])

    def _scalar(self, kind):
        if self.size != 1:
            raise TypeError(
                f"Only scalar arrays can be converted to Python scalars. {kind}() received a tensor of shape {self.shape}"
            )
        return self._host().reshape(())[()]

    def __format__(self, spec):
        return format(self._host()[()] if self.ndim == 0 else str(self), spec)

    def __repr__(self):
        return f"<Tensor: shape={self.shape}, dtype={self.dtype}, device={self.device}, value=\n{self._host()!r}>"

    # Handing the memory out is a look of the host at it, too: what others do with it is in no program.
    def __dlpack__(self, *args, **kwargs):
        if launch.recorder is not None:
            launch.recorder.host_read()
        return self._data.__dlpack__(*args, **kwargs)

    def __dlpack_device__(self):
        return self._data.__dlpack_device__()

    @property
    def __cuda_array_interface__(self):
        interface = self._data.__cuda_array_interface__  # an AttributeError on the CPU, as the protocol wants
        if launch.recorder is not None:
            launch.recorder.host_read()
        return interface

    # -- moving it ----------------------------------------------------------------------------------------------
    def to(self, target) -> Tensor:
        """This tensor on another device ("cpu", "gpu:0") or in another dtype."""
        try:
            name = devices.check(target)
        except ValueError:
            return ops.cast(self, target)
        return self if name == self.device else Tensor(devices.put(self._data, name), self.dtype)

    def cpu(self) -> Tensor:
        return self.to("cpu:0")

    # -- gradients ----------------------------------------------------------------------------------------------
    def backward(self, gradient=None, retain_graph=False) -> None:
        """Add d self / d v to `v.grad` of every variable and tensor that requires a gradient and that self was computed from.

        `gradient` (same shape) weights the elements of self; a scalar needs none. Raises RuntimeError when self was not computed
        from anything that requires a gradient.
        """
        tape.backward(self, gradient, retain_graph)

    def detach(self) -> Tensor:
        """The same values, cut off from the gradient graph."""
        return Tensor(self._data, self.dtype)

    def __deepcopy__(self, memo):
        return Tensor(self._data.copy(), self.dtype)

    def __reduce__(self):
        return _from_numpy, (self.numpy(), self.dtype)


def _from_numpy(array, dtype):
    return convert_to_tensor(array, dtype)


class MetaTensor(Tensor):
    """A tensor of which only shape and dtype are known: what operations see while shapes are worked out."""

    __slots__ = ()

    def __init__(self, shape, dtype):
        self._data = None
        self.shape = tuple(shape)
        self.dtype = dtype
        self._node = None
        self._index = 0
        self._variable = None
        self._requires = False
        self.grad = None

    @property
    def device(self) -> str:
        return "meta"

    def _host(self):
        raise TypeError(
            f"the value of a tensor of shape {self.shape} was asked for while only shapes are being worked out (a layer's call() "
            "ran on symbolic inputs). Use keras.ops instead of Python or NumPy on its values, or give the layer a "
            "compute_output_shape() method"
        )

    def __repr__(self):
        return f"<MetaTensor: shape={self.shape}, dtype={self.dtype}>"


def contiguous(array):
    return array if array.flags.c_contiguous else array.copy(order="C")


def convert_to_tensor(x, dtype=None) -> Tensor:
    """A Tensor from a tensor, variable, NumPy array, number, nested list, or anything with `__array__` or DLPack.

    Python floats become the default float dtype and ints int32 (int64 if they do not fit); arrays keep their dtype. A NumPy
    array is copied, so that changing it later does not change the tensor. Object and text arrays raise ValueError. An array of
    another library on a GPU stays where it is and shares its memory with the tensor.
    """
    kind = type(x)
    if kind is Tensor or kind is MetaTensor:
        if dtype is None or x.dtype == dtype:
            return x
        return _cast(x, dtype)
    if dtype is not None:
        dtype = dtypes.standardize_dtype(dtype)
    value = getattr(x, "value", None) if not isinstance(x, np.ndarray) else None
    if isinstance(value, Tensor):  # a Variable
        return value if dtype is None or value.dtype == dtype else _cast(value, dtype)
    shared = None if kind in _HOST_TYPES else from_gpu(x)
    if shared is not None:
        return shared if dtype is None or shared.dtype == dtype else _cast(shared, dtype)
    return Tensor(*to_array(x, dtype))


_HOST_TYPES = frozenset({np.ndarray, int, float, bool, list, tuple, str})


def from_gpu(x):
    """A Tensor on the memory of a GPU array of another library (CuPy, PyTorch, JAX); None for anything else.

    What our kernels cannot use as it is (strides, a beginning that is no multiple of 16 bytes) is copied on the GPU.
    """
    if isinstance(x, np.ndarray) or not gpu_exchange.on_gpu(x):
        return None
    count, why = devices.gpu_count()
    if not count:
        raise RuntimeError(
            f"cannot make a tensor from a {type(x).__module__}.{type(x).__name__} on a GPU: {why}. Or copy it to the CPU first"
        )
    return Tensor(cuda.adopt(x))


def _cast(x, dtype):
    return ops.cast(x, dtype)


def to_array(x, dtype=None, copy=True):
    """(array on the current device, dtype name) from anything that is not a tensor."""
    if isinstance(x, Tensor):
        x = x._host()
    elif type(x) not in _HOST_TYPES and (shared := from_gpu(x)) is not None:
        x = shared._host()
    if not isinstance(x, np.ndarray):
        x = _host_array(x, dtype)
        copy = False
    if x.dtype.byteorder == ">" or (x.dtype.byteorder == "=" and not x.dtype.isnative):
        x = x.astype(x.dtype.newbyteorder("="))
    name = dtypes.name_of(x.dtype) if x.dtype.kind not in "OUSMm" else None
    if name is None:
        if x.dtype.kind == "O":
            _check_objects(x)
        try:
            x = x.astype(numpy_dtype(dtype or "float32")) if x.dtype.kind == "O" else _no_numbers(x)
        except (TypeError, ValueError):
            _no_numbers(x)
        name, copy = dtypes.name_of(x.dtype), False
    if dtype is not None and dtype != name:
        x, name, copy = x.astype(numpy_dtype(dtype), order="C"), dtype, False
    elif name == "bfloat16":
        numpy_dtype(name)  # tells the kernels about the type
    if copy or not x.flags.c_contiguous or not x.flags.aligned:
        x = np.array(x, order="C")
    where = devices.current_device()
    if where != "cpu:0":
        x = devices.put(x, where)
    return x, name


def _check_objects(objects):
    """Refuse None and text among the elements: NumPy would make NaN of None and numbers of some texts."""
    for k, v in enumerate(objects.flat):
        if v is None:
            where = f" (element {k} of an object array of shape {objects.shape})" if objects.ndim else ""
            raise ValueError(
                f"cannot make a tensor from None{where}: a value is missing, or a function or layer whose result is used here has no "
                "`return`"
            )
        if isinstance(v, (str, bytes)):
            _no_numbers(objects)


def _no_numbers(x):
    raise ValueError(
        f"cannot make a tensor from an array of dtype {x.dtype} (shape {x.shape}): it does not hold numbers of one kind. Convert "
        "text and mixed objects to numbers first; rows of a nested list must all have the same length"
    )


def _host_array(x, dtype):
    if isinstance(x, bool):
        return np.asarray(x)
    if isinstance(x, int):
        if dtype is not None:
            return np.asarray(x, dtype=numpy_dtype(dtype))
        return np.asarray(x, dtype="int32" if -(2**31) <= x < 2**31 else "int64")
    if isinstance(x, float):
        return np.asarray(x, dtype=numpy_dtype(dtype or dtypes.floatx()))
    if hasattr(x, "__array__"):
        return np.asarray(x)
    if hasattr(x, "__dlpack__"):
        return np.from_dlpack(x)
    return _from_nested(x, dtype)


def _from_nested(x, dtype):
    if isinstance(x, (list, tuple)) and _holds_tensor(x):
        x = _to_numpy_leaves(x)
    try:
        made = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"cannot make a tensor from a nested list whose rows differ in length: {error}") from None
    if dtype is not None:
        return made
    if made.dtype == np.float64 and _python_numbers(x):
        return made.astype(numpy_dtype(dtypes.floatx()))
    if made.dtype == np.int64 and _python_numbers(x) and (made.size == 0 or (made.min() >= -(2**31) and made.max() < 2**31)):
        return made.astype("int32")
    return made


def _holds_tensor(x) -> bool:
    return any(isinstance(v, Tensor) or hasattr(v, "assign") or (isinstance(v, (list, tuple)) and _holds_tensor(v)) for v in x)


def _to_numpy_leaves(x):
    return [_to_numpy_leaves(v) if isinstance(v, (list, tuple)) else np.asarray(v) if hasattr(v, "__array__") else v for v in x]


def _python_numbers(x) -> bool:
    """Whether the first leaf is a plain Python number (whose width is ours to choose)."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return isinstance(x, (int, float, list, tuple)) and not isinstance(x, np.generic)
