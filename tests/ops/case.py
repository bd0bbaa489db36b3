"""Case: one way of calling one operation, with a float64 NumPy reference. cases.py is the table, test_cases.py the checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


def draw(shape, low=-2.0, high=2.0, seed=0):
    """Float64 numbers in [low, high), none within 1e-2 of a multiple of 1/2 (kinks and jumps of most functions lie there)."""
    x = np.random.default_rng(seed + 7 * len(shape) + sum(shape)).uniform(low, high, shape)
    near = np.abs(x * 2 - np.round(x * 2)) < 2e-2
    return np.asarray(np.where(near, x + 2e-2 * (high - low > 0.2), x))


@dataclass
class Case:
    """`args`: arrays (float64 ones are tensors with gradients) and plain values. `reference`: the same call in NumPy."""

    args: tuple
    reference: Callable
    kwargs: dict = field(default_factory=dict)
    differentiable: bool = True
    smooth: bool = True  # a second derivative exists
    exact: bool = False  # compare for equality
    tolerance: float = 1.0  # factor on the usual one
    function: Callable | None = None  # what to call in place of keras.ops.<name>

    def tensors(self):
        """Places of the float arrays, nested lists of arrays included as (place, k)."""
        out = []
        for k, a in enumerate(self.args):
            if isinstance(a, np.ndarray) and a.dtype == np.float64:
                out.append((k, None))
            elif isinstance(a, list):
                out += [(k, j) for j, b in enumerate(a) if isinstance(b, np.ndarray) and b.dtype == np.float64]
        return out

    def values(self):
        return [self.args[k] if j is None else self.args[k][j] for k, j in self.tensors()]

    def rebuilt(self, values, convert=lambda x: x):
        """The arguments with the float arrays replaced, all other arrays passed through `convert`."""
        args = [[convert(b) for b in a] if isinstance(a, list) else convert(a) for a in self.args]
        for (k, j), v in zip(self.tensors(), values):
            if j is None:
                args[k] = v
            else:
                args[k][j] = v
        return args


SHAPES = ((3, 5), (), (1,), (0, 3), (17,), (2, 1, 4))
PAIRS = (((3, 5), (3, 5)), ((3, 5), (5,)), ((2, 1, 3), (4, 1)), ((17,), ()), ((0, 3), (3,)), ((1,), (1,)))


def unary(reference, low=-2.0, high=2.0, **flags):
    """Cases of a function of each element on [low, high)."""
    return [Case((draw(s, low, high),), reference, **flags) for s in SHAPES]


def binary(reference, low=-2.0, high=2.0, numbers=True, **flags):
    """Cases of a function of two elements: broadcasting, and a Python number on either side."""
    out = [Case((draw(a, low, high), draw(b, low, high, 5)), reference, **flags) for a, b in PAIRS]
    if numbers:
        number = round((low + high) / 2 + 0.3, 2)
        out += [
            Case((draw((3, 5), low, high), number), reference, **flags),
            Case((number, draw((4,), low, high)), reference, **flags),
        ]
    return out


def integers(shape, low, high, dtype="int32", seed=0):
    return np.random.default_rng(seed + sum(shape)).integers(low, high, shape).astype(dtype)


def reduction(reference, empty=True, spread=2.0, **flags):
    """Cases of a reduction: all axes, one, several, kept dims, sizes 0 and 1."""
    cases = [
        Case((draw((3, 5), -spread, spread),), reference, {}, **flags),
        Case((draw((3, 5), -spread, spread),), reference, {"axis": 0}, **flags),
        Case((draw((2, 3, 4), -spread, spread),), reference, {"axis": (0, 2), "keepdims": True}, **flags),
        Case((draw((2, 3, 4), -spread, spread),), reference, {"axis": -1}, **flags),
        Case((draw((1,), -spread, spread),), reference, {}, **flags),
        Case((draw((4, 17), -spread, spread),), reference, {"axis": 1}, **flags),
    ]
    if empty:
        cases.append(Case((draw((0, 3)),), reference, {"axis": 0}, **flags))
    return cases
