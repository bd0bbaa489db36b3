"""Windows that slide over 1 to 3 spatial dims: the geometry that convolution and pooling kernels share."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Window(NamedTuple):
    """Each field has one int per spatial dim (1 to 3 of them).

    Output position o of a dim sees, at tap t, input position `o * stride + t * dilation - before`; what lies outside the
    input is padding.
    """

    size: tuple  # of the input
    count: tuple  # type: ignore[assignment]  # of the output (a tuple has a method of that name)
    kernel: tuple  # taps
    stride: tuple
    dilation: tuple
    before: tuple  # padding in front

    def whole(self) -> Window:
        """The same with three dims, as csrc/common/window.h has it: dims of one element come first."""
        return _whole(self)

    def ints(self) -> tuple[int, ...]:
        """The numbers of `whole()`, one after the other."""
        return tuple(n for field in self.whole() for n in field)


@lru_cache(4096)
def _whole(window: Window) -> Window:
    missing = 3 - len(window.size)
    filled = {"before": (0,) * missing}
    return Window(*(filled.get(name, (1,) * missing) + tuple(field) for name, field in zip(window._fields, window)))
