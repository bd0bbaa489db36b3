"""Numbers as arguments: NumPy's count as Python's, since sizes often come from shapes and np.prod."""

from __future__ import annotations

import operator

import numpy as np


def is_whole_number(x) -> bool:
    """Whether x is an int, also one of NumPy's or an array of shape (); True and False are none.

    >>> from kerasgpu.config.numbers import is_whole_number
    >>> import numpy as np
    >>> is_whole_number(np.int64(3)), is_whole_number(True), is_whole_number(1.0)
    (True, False, False)
    """
    if isinstance(x, (bool, np.bool_)):
        return False
    try:
        operator.index(x)
    except TypeError:
        return False
    return True


def is_number(x) -> bool:
    """Whether x is one real number: an int or float, NumPy's included, or an array of shape ()."""
    if isinstance(x, (bool, np.bool_)):
        return False
    return isinstance(x, (int, float, np.integer, np.floating)) or (
        isinstance(x, np.ndarray) and x.shape == () and x.dtype.kind in "iuf"
    )
