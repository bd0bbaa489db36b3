"""One array argument (NumPy, pandas, a Tensor, a list of numbers, torch, ...) to one contiguous array of numbers."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.config.installed import gpu_exchange
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, nest
from kerasgpu.engine.tensor import Tensor, contiguous, from_gpu
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels.launch import numpy_dtype


def is_array(x) -> bool:
    """Whether x is one array of samples (not a structure of arrays, not an iterable of batches)."""
    if isinstance(x, (np.ndarray, Tensor, Variable)):
        return True
    if isinstance(x, (list, tuple)):
        return _is_number_list(x)
    if isinstance(x, (str, bytes, dict)) or not hasattr(x, "shape"):
        return False
    return hasattr(x, "__array__") or _is_sparse(x) or gpu_exchange.on_gpu(x)


def _is_number_list(x) -> bool:
    """[1, 2], [[1, 2], [3, 4]], [np.float32(1)]: a list that means one array, because no array is in it."""
    if any(hasattr(v, "shape") and not isinstance(v, np.generic) for v in x):
        return False
    for _ in range(64):
        if not isinstance(x, (list, tuple)) or not len(x):
            break
        x = x[0]
    return isinstance(x, (int, float, complex, str, np.generic)) or (isinstance(x, (list, tuple)) and not len(x))


def _is_sparse(x) -> bool:
    return type(x).__module__.startswith("scipy.sparse") and hasattr(x, "toarray")


def to_structure(x):
    """x with every array-like in it as an array of numbers; None stays None. TypeError for leaves that are no arrays."""
    if x is None:
        return None
    if is_array(x):
        return to_array(x)
    if isinstance(x, dict):
        return nest.rebuild(x, {k: to_structure(v) for k, v in x.items()})
    if isinstance(x, (list, tuple)):
        return nest.rebuild(x, [to_structure(v) for v in x])
    raise TypeError(f"expected arrays, received an object of type {type(x).__name__}")


def is_structure_of_arrays(x) -> bool:
    if x is None or is_array(x):
        return True
    if isinstance(x, dict):
        return all(is_structure_of_arrays(v) for v in x.values())
    return isinstance(x, (list, tuple)) and all(is_structure_of_arrays(v) for v in x)


def to_array(x, what="x"):
    """A contiguous array, where the data is (on the host if on no device of ours). Floats become the default float dtype."""
    if isinstance(x, Variable):
        x = x.value
    elif not isinstance(x, (Tensor, np.ndarray)):
        x = x if (shared := from_gpu(x)) is None else shared
    if isinstance(x, Tensor):
        if dtypes.is_float(x.dtype) and x.dtype != dtypes.floatx():
            x = ops.cast(x, dtypes.floatx())
        return x._data
    if _is_sparse(x):
        x = x.toarray()
    elif hasattr(x, "to_numpy") and hasattr(x, "iloc"):  # pandas
        _check_columns(x)
        x = x.to_numpy()
        if x.ndim == 1:
            x = x[:, None]
    elif type(x).__module__.split(".")[0] == "torch":
        x = x.detach().cpu().numpy()
    elif not isinstance(x, np.ndarray):
        x = _from_list(x)
    return _numbers(x)


def _check_columns(table):
    """Name the columns of a pandas table that hold text or nothing."""
    columns = table.items() if hasattr(table, "columns") else [(table.name, table)]
    for name, column in columns:
        if getattr(column.dtype, "kind", "O") not in "biuf":
            for row, value in enumerate(column.array):
                if value is None or isinstance(value, (str, bytes)):
                    raise ValueError(
                        f"Column {name!r} holds {value!r} in row {row}: text and missing values must become numbers first, for "
                        "instance with keras.layers.StringLookup or keras.utils.FeatureSpace"
                    )


def _from_list(x):
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"The rows of a nested list differ in length, so it is not one array ({error}). Pad the rows to one length, for "
            "instance with "
            "keras.utils.pad_sequences"
        ) from None


def _numbers(x):
    kind = x.dtype.kind
    if kind == "O":
        x = _from_objects(x)
    elif kind == "c":
        raise ValueError(
            f"An array of dtype {x.dtype} cannot be used for training: pass real and imaginary parts as two features"
        )
    elif kind in "USMmV" and x.dtype.name not in dtypes.ALLOWED_DTYPES:
        raise ValueError(
            f"An array of dtype {x.dtype} cannot be used for training: convert text and dates to numbers first, for instance "
            "with "
            "keras.layers.StringLookup or TextVectorization outside the model"
        )
    if not x.dtype.isnative:
        x = x.astype(x.dtype.newbyteorder("="))
    name = dtypes.name_of(x.dtype)
    floatx = dtypes.floatx()
    if dtypes.is_float(name) and name != floatx:
        x = x.astype(numpy_dtype(floatx), order="C")
    if x.ndim == 0:
        raise ValueError(f"Data must be arrays with one row per sample; received a single number, {x!r}")
    return contiguous(x)


def _from_objects(x):
    """pandas columns of mixed numbers come as object arrays; rows of different lengths do too, and those are refused."""
    missing = next((k for k, v in enumerate(x.flat) if v is None), None)
    if missing is not None:
        place = tuple(int(k) for k in np.unravel_index(missing, x.shape))
        raise ValueError(f"An object array of shape {x.shape} holds None at {place}: fill in or drop what is missing")
    try:
        if any(isinstance(v, (str, bytes)) for v in x.flat):
            raise ValueError
        return x.astype(numpy_dtype(dtypes.floatx()))
    except (TypeError, ValueError):
        lengths = sorted({len(v) for v in x.flat if hasattr(v, "__len__") and not isinstance(v, str)})
        if len(lengths) > 1:
            raise ValueError(
                f"An object array of shape {x.shape} holds rows of different lengths ({lengths[0]} to {lengths[-1]}), which "
                "is not one "
                "array. Pad the rows to one length, for instance with keras.utils.pad_sequences"
            ) from None
        raise ValueError(
            f"An object array of shape {x.shape} does not hold numbers (it holds {_first_odd(x)!r}). "
            "Convert it "
            "with astype('float32'), and text to numbers first"
        ) from None


def _first_odd(x):
    return next((v for v in x.flat if not isinstance(v, (bool, int, float, np.number, np.bool_))), None)


def to_tensors(batch):
    """A batch from a generator or data set with every array-like in it as a Tensor."""
    if batch is None or type(batch) is Tensor:
        return batch
    if isinstance(batch, dict):
        return nest.rebuild(batch, {k: to_tensors(v) for k, v in batch.items()})
    if isinstance(batch, (list, tuple)) and not _is_number_list(batch):
        return nest.rebuild(batch, [to_tensors(v) for v in batch])
    return Tensor(on_device(to_array(batch)))


def to_device(batch, device_name):
    """A batch with every tensor in it on that device."""
    return nest.map_structure(lambda x: Tensor(devices.put(x._data, device_name), x.dtype) if type(x) is Tensor else x, batch)


def on_device(array):
    return devices.put(array, devices.current_device())
