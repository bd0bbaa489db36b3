"""Data types by their Keras names, and the promotion rule of Keras.

Promotion takes the least upper bound on a lattice in which Python numbers are weak: `int32 + 1.5` is a float of the default
width, `float16 + 1.5` stays float16, `int64 + float16` is float16, and `uint32 + int32` is int32. See `keras.backend.result_type`.
"""

from __future__ import annotations

import functools

import numpy as np

from kerasgpu.config.keras import FLOAT_TYPES, floatx

BOOL_TYPES = ("bool",)
INT_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOAT8_TYPES = ("float8_e4m3fn", "float8_e5m2")
COMPLEX_TYPES = ("complex64", "complex128")
ALLOWED_DTYPES = (*FLOAT_TYPES, *INT_TYPES, "bool", "string", *FLOAT8_TYPES, *COMPLEX_TYPES)

# Each type and the types directly above it. "int" and "float" stand for Python's numbers.
_ABOVE = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
}

_PYTHON_TYPES = {bool: "bool", int: "int32", float: "float32", str: "string", complex: "complex64", "int": "int32"}


def standardize_dtype(dtype) -> str:
    """The Keras name of a dtype given as a name, a NumPy, ml_dtypes or Python type, or None (the default float)."""
    if dtype is None:
        return floatx()
    if type(dtype) is str and dtype in _ALLOWED:
        return dtype
    return _standardize_slow(dtype)


def _standardize_slow(dtype) -> str:
    try:
        found = _PYTHON_TYPES.get(dtype)
    except TypeError:
        found = None
    if found is None:
        name = getattr(dtype, "name", None)
        if dtype == "float":
            name = floatx()
        elif not isinstance(name, str):
            name = getattr(dtype, "__name__", None) or str(dtype)
        if name.startswith("torch."):
            name = name[6:]
        if name in ("str", "str_", "object") or name.startswith(("str", "bytes")):
            name = "string"
        found = {"bool_": "bool"}.get(name, name)
    if found not in _ALLOWED:
        raise ValueError(f"Invalid dtype: {dtype!r}. Expected one of {', '.join(ALLOWED_DTYPES)}")
    return found


_ALLOWED = frozenset(ALLOWED_DTYPES)


@functools.lru_cache(None)
def _upper_bounds(node: str) -> frozenset[str]:
    found = {node}
    for above in _ABOVE[node]:
        found |= _upper_bounds(above)
    return frozenset(found)


@functools.lru_cache(1024)
def _least_upper_bound(names: frozenset[str]) -> str:
    if len(names) == 1:
        return next(iter(names))
    for n in names:
        if n not in _ABOVE:
            raise ValueError(f"{n} does not take part in type promotion; cast the inputs to one dtype first")
    common = frozenset.intersection(*(_upper_bounds(n) for n in names))
    least = [c for c in common if common <= _upper_bounds(c)]
    if len(least) != 1:
        raise ValueError(f"no implicit promotion for dtypes {sorted(names)}; cast the inputs to one dtype first")
    return least[0]


@functools.lru_cache(4096)
def _result_type(names: tuple, default: str) -> str:
    strong = set()
    weak = set()
    for n in names:
        if n is int or n is float:
            weak.add("int" if n is int else "float")
        elif n is bool:
            strong.add("bool")
        elif n is complex:
            strong.add("complex64")
        else:
            strong.add(default if n is None else standardize_dtype(n))
    for n in strong:
        if n in FLOAT8_TYPES:
            raise ValueError(f"There is no implicit conversion from float8 dtypes. Received: {names}")
    found = _least_upper_bound(frozenset(strong | weak))
    if found == "int":
        return "int" + default[-2:] if default[-2:] in ("32", "64") else "int32"
    if found == "float":
        return default
    # As on Keras's JAX and PyTorch backends, 32-bit operands do not widen to 64 bits by themselves.
    if found in ("int64", "uint64") and not any(n.endswith("64") for n in strong):
        return found.replace("64", "32")
    return found


def result_type(*dtypes) -> str:
    """The dtype of an operation on operands of these dtypes; `int` and `float` stand for Python numbers.

    >>> result_type("int32", "float16")
    'float16'
    >>> result_type("int32", float)
    'float32'
    """
    if not dtypes:
        return floatx()
    if len(dtypes) == 2 and dtypes[0] == dtypes[1] and type(dtypes[0]) is str and dtypes[0] in _ABOVE:
        return dtypes[0]
    try:
        return _result_type(dtypes, floatx())
    except TypeError:  # unhashable dtype objects
        return _result_type(tuple(standardize_dtype(d) for d in dtypes), floatx())


def is_float(dtype: str) -> bool:
    return "float" in dtype


def is_int(dtype: str) -> bool:
    return "int" in dtype


@functools.lru_cache(256)
def name_of(dtype: np.dtype) -> str:
    """The Keras name of a NumPy dtype; raises for those that no tensor holds (object, dates, text)."""
    name = dtype.name
    if name not in _ALLOWED or name == "string":
        raise ValueError(
            f"Invalid dtype: {dtype!r}. A tensor holds numbers: convert text or mixed Python objects first "
            "(ragged nested lists become object arrays too)"
        )
    return name


def is_float_dtype(dtype) -> bool:
    """Whether a dtype is a float type."""
    return is_float(standardize_dtype(dtype))


def is_int_dtype(dtype) -> bool:
    """Whether a dtype is an integer type, signed or not."""
    return is_int(standardize_dtype(dtype))
