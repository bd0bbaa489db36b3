"""Arguments that image layers share: a number or a range of numbers, and the range of pixel values."""

from __future__ import annotations

import numpy as np

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def check_choice(name, value, choices):
    if value not in choices:
        raise NotImplementedError(f"Unknown `{name}` {value}. Expected of one {choices}.")
    return value


def factor_range(factor, bounds, name="factor", text=None):
    """(lower, upper) of a factor: two numbers in any order, or one number f for (max(-f, lowest), f)."""
    message = f"The `{name}` argument should be a number (or a list of two numbers) in the range [{bounds[0]}, {bounds[1]}]. "
    message = f"{text or message}Received: {name}={factor}"
    low, high = bounds
    if isinstance(factor, (tuple, list)):
        if len(factor) != 2 or factor[0] > high or factor[1] < low:
            raise ValueError(message)
        lower, upper = sorted(factor)
    elif isinstance(factor, (int, float, np.number)):
        if not low <= factor <= high:
            raise ValueError(message)
        lower, upper = max(-abs(factor), low), abs(factor)
    else:
        raise ValueError(message)
    return lower, upper


def symmetric_range(factor, name, inside, text):
    """(lower, upper) of a factor of which each number satisfies `inside`: two numbers, or one number f for (-|f|, |f|)."""
    given = factor if isinstance(factor, (tuple, list)) else (factor,)
    numbers = all(isinstance(v, (int, float, np.number)) for v in given)
    if not numbers or len(given) != (2 if given is factor else 1):
        raise ValueError(f"{text}Received: {name}={factor}")
    for value in given:
        if not inside(value):
            raise ValueError(f"{text}Received: input_number={value}")
    if given is factor:
        lower, upper = sorted(given)
        return lower, upper
    return -abs(factor), abs(factor)


def value_pair(value_range):
    """The range of pixel values as a sorted list of two numbers."""
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"The `value_range` argument should be a list of two numbers. Received: value_range={value_range}")
    return sorted(value_range)
