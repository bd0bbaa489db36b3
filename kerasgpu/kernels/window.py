"""Windows that slide over 1 to 3 spatial dims: the geometry that convolution and pooling kernels share."""

from __future__ import annotations

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

    def ints(self) -> tuple:
        """As csrc/common/window.h spells it: every field with three dims."""
        missing = 3 - len(self.size)
        out = ()
        for name, field in zip(self._fields, self):
            out += (0 if name == "before" else 1,) * missing + tuple(field)
        return out
