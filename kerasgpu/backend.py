"""keras.backend: the few functions that Keras 3 keeps there."""

from __future__ import annotations

from kerasgpu.config import backend, epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from kerasgpu.engine import naming, state
from kerasgpu.engine.dtypes import is_float as _is_float
from kerasgpu.engine.dtypes import is_int as _is_int
from kerasgpu.engine.dtypes import result_type, standardize_dtype
from kerasgpu.engine.keras_tensor import is_symbolic as is_keras_tensor
from kerasgpu.engine.memory import empty_cache
from kerasgpu.engine.naming import get_uid


def is_float_dtype(dtype) -> bool:
    """Whether a dtype is a float type."""
    return _is_float(standardize_dtype(dtype))


def is_int_dtype(dtype) -> bool:
    """Whether a dtype is an integer type, signed or not."""
    return _is_int(standardize_dtype(dtype))


def clear_session(free_memory: bool = True) -> None:
    """Forget automatic names and the global random state, and give cached memory back to the system.

    Nothing else needs clearing: models hold no global graph and are freed like any Python object.
    """
    naming.reset_uids()
    state.thread.attributes.clear()
    if free_memory:
        import gc

        gc.collect()
        empty_cache()


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
