"""Named parameters of kernels: one named tuple a kernel, the "spec" of a launch, checked against the C++ side when it is defined.

    @parameters("softmax", "log_softmax")
    class SoftmaxSpec(NamedTuple):
        outer: int
        n: int
        inner: int

    launch("softmax", (x,), (y,), SoftmaxSpec(8, 10, 1))

A field is an int (or a bool, a choice), a float, or a tuple of them. The kernel gets all ints in order, tuples laid out in place, and all
floats in order; KG_REGISTER of its C++ file has the names of both. The encoding happens in C++, at the launch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from kerasgpu import _core
from kerasgpu.kernels.window import Window

_KINDS = {"int": "i", "bool": "i", "float": "f", "Window": "I", "tuple[int, ...]": "I", "tuple[float, ...]": "F"}
_KINDS["tuple[tuple[int, ...], ...]"] = "I"
# The modules whose kernels have specs: imported when a kernel is asked for that none has defined yet.
_FAMILIES = (
    "conv", "cross_entropy", "depthwise", "elementwise_chain", "elementwise", "gemm", "indexing", "movement", "norm", "optimizer",
    "pooling", "random", "reduce", "sampling", "softmax", "sorting",
)  # fmt: skip
_specs: dict[str, type] = {}
_floats: dict[str, tuple[int, ...]] = {}  # the fields that are floats
T = TypeVar("T", bound=type)


def parameters(*names: str) -> Callable[[T], T]:
    """Decorator of a NamedTuple: these are the parameters of the kernels of these names.

    Raises TypeError where the C++ side has other parameters, or has them in another order.
    """

    def define(cls: T) -> T:
        fields: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
        kinds = "".join(_kind(cls, name) for name in fields)
        for kernel in names:
            _compare(kernel, cls, fields, kinds)
            _core.set_signature(_core.kernel_id(kernel), kinds)
            _specs[kernel] = cls
            _floats[kernel] = tuple(k for k, kind in enumerate(kinds) if kind in "fF")
        return cls

    return define


def _kind(cls, field: str) -> str:
    of = cls.__annotations__[field]
    text = of if isinstance(of, str) else getattr(of, "__forward_arg__", getattr(of, "__name__", repr(of)))
    if text not in _KINDS:
        raise TypeError(f"{cls.__name__}.{field} is {text}; a parameter of a kernel is one of {', '.join(_KINDS)}")
    return _KINDS[text]


def _compare(kernel: str, cls, fields, kinds: str) -> None:
    def own(side: str) -> str:
        return ", ".join(f"{f}{'...' if k in 'IF' else ''}" for f, k in zip(fields, kinds) if k in side)

    for what, side, there in zip(("integer", "float"), ("iI", "fF"), _core.kernel_params(kernel)):
        if own(side) != there:
            raise TypeError(f"{kernel}: the {what} parameters of {cls.__name__} are ({own(side)}), those of C++ are ({there})")


@parameters("copy")
class NoParameters(NamedTuple):
    """Of kernels that need none."""


NOTHING = NoParameters()


def of(kernel: str) -> Any:
    """The named tuple of a kernel. KeyError if there is no kernel of that name."""
    if kernel not in _specs:
        for family in _FAMILIES:
            importlib.import_module(f"kerasgpu.kernels.{family}")
    return _specs[kernel]


def kinds(kernel: str) -> str:
    """How the fields of a kernel's named tuple are passed: i an int, f a float, I and F tuples of them."""
    cls = of(kernel)
    return "".join(_kind(cls, field) for field in cls._fields)


def check(kernel: str, spec) -> None:
    """TypeError if `spec` is not the kernel's named tuple."""
    if type(spec) is not of(kernel):
        raise TypeError(f"{kernel}: the parameters must be a {of(kernel).__name__}. Received: {spec!r}")


def key(kernel: str, spec):
    """`spec`, or what tells it apart where == does not: 0.0 from -0.0."""
    for k in _floats.get(kernel, ()):
        value = spec[k]
        if value == 0.0 if type(value) is float else 0.0 in value:
            return repr(spec)
    return spec


def read(kernel: str, ints, floats=()):
    """The spec of parameters given as the kernel gets them: all ints in order, all floats in order.

    Tuples share what the other fields leave; fields with defaults may be missing at the end. ValueError where the numbers do not make a spec.
    """
    cls = of(kernel)
    codes = kinds(kernel)
    rest = {"i": list(ints), "f": list(floats)}
    for one in "if":  # fields that may be left out, at the end
        own = [f for f, kind in zip(cls._fields, codes) if kind == one]
        if one.upper() not in codes:
            rest[one] += [cls._field_defaults[f] for f in own[len(rest[one]) :] if f in cls._field_defaults]
    size = {}
    for one in "if":
        single, lists = codes.count(one), codes.count(one.upper())
        left = len(rest[one]) - single
        if left < 0 or (left > 0 if not lists else left % lists):
            what = "integer" if one == "i" else "float"
            raise ValueError(f"{kernel}: number of {what} parameters is {len(rest[one])}, needs {single} for {cls.__name__}")
        size[one] = left // lists if lists else 0
    values: list = []
    for kind, field in zip(codes, cls._fields):
        one = kind.lower()
        n = 1 if kind == one else size[one]
        taken, rest[one] = rest[one][:n], rest[one][n:]
        values.append(taken[0] if kind == one else _window(kernel, taken) if field == "window" else tuple(taken))
    return cls(*values)


def _window(kernel: str, numbers):
    if len(numbers) != 18:
        raise ValueError(f"{kernel}: a window has 18 numbers, six for each of three dims. Received: {len(numbers)}")
    return Window(*(tuple(numbers[k : k + 3]) for k in range(0, 18, 3)))
