"""rearrange: reshape and transpose written as a pattern, after einops (Rogozhnikov 2022)."""

from __future__ import annotations

import math
import re

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.numpy import shaping

__all__ = ["rearrange"]


def _groups(side, pattern):
    """ "b (h w) c" -> [["b"], ["h", "w"], ["c"]]."""
    if not re.fullmatch(r"\s*((\w+|\([\w\s]*\))\s*)*", side):
        raise ValueError(f"rearrange: pattern {pattern!r} may hold names and groups of names in parentheses only")
    return [re.findall(r"\w+", part) for part in re.findall(r"\w+|\([^)]*\)", side)]


@symbolic
def rearrange(tensor, pattern, **axes_lengths):
    """The tensor with its axes split, joined and reordered.

    Args:
        tensor: any tensor.
        pattern: "names of the axes -> names in the new order"; names in parentheses are one axis.
        axes_lengths: sizes of names in a group, all but one of each.

    >>> import kerasgpu as keras
    >>> keras.ops.rearrange(keras.ops.ones((2, 12, 3)), "b (h w) c -> b h w c", h=4).shape
    (2, 4, 3, 3)
    """
    x = convert_to_tensor(tensor)
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"rearrange: pattern {pattern!r} needs one '->'")
    before, after = (_groups(side, pattern) for side in sides)
    if len(before) != x.ndim:
        raise ValueError(f"rearrange: pattern {pattern!r} names {len(before)} axes, the tensor has shape {x.shape}")
    names, wanted = [n for group in before for n in group], [n for group in after for n in group]
    if sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ValueError(f"rearrange: both sides of pattern {pattern!r} must hold the same names, each once")
    sizes = {}
    for group, size in zip(before, x.shape):
        unknown = [n for n in group if n not in axes_lengths]
        known = math.prod(int(axes_lengths[n]) for n in group if n in axes_lengths)
        if len(unknown) > 1:
            raise ValueError(f"rearrange: sizes of {', '.join(unknown)} are not known; pass all but one, as in {unknown[0]}=2")
        if known == 0 or size % known or (not unknown and known != size):
            raise ValueError(f"rearrange: an axis of {size} does not split into {group} with {axes_lengths}")
        sizes.update({n: int(axes_lengths[n]) if n in axes_lengths else size // known for n in group})
    split = shaping.reshape(x, tuple(sizes[n] for n in names))
    moved = shaping.transpose(split, tuple(names.index(n) for n in wanted))
    return shaping.reshape(moved, tuple(math.prod(sizes[n] for n in group) for group in after))
