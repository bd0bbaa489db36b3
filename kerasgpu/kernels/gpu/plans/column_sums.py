"""Column sums of an operand beside the launches that read it: csrc/cuda/column_sums.cuh.

A weight gradient x^T dz has the bias gradient, the column sums of dz, as a second output. Where `beside` says how, the first blocks of its
launches make them; else `after` adds the launches of `reduce`. The bits are those of `reduce` either way.
"""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.kernels.gpu.driver.launch import IN, OUT
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.finish import redirected
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Call, Plan, ceil_div, make_plan
from kerasgpu.kernels.gpu.plans.reduce import pieces, width_for
from kerasgpu.kernels.reduce import ReduceSpec

SOURCE = 1  # the input that is summed
TARGET = 1  # the output for its sums


class ColumnSums(NamedTuple):
    rows: int
    columns: int
    chunks: int
    chunk: int  # rows of one
    item: int  # bytes of a sum before it is rounded
    at: int  # where the sums of chunks lie in scratch memory

    @property
    def width(self) -> int:
        return width_for(self.columns)

    @property
    def strips(self) -> int:
        """Blocks that join the chunks."""
        return ceil_div(self.columns, self.width)

    @property
    def blocks(self) -> int:
        """Of the launch that reads the operand."""
        return self.strips * self.chunks

    @property
    def scratch(self) -> int:
        """Bytes up to the end of the chunks' sums."""
        return self.at + (self.chunks * self.columns * self.item if self.chunks > 1 else 0)

    def fields(self) -> dict:
        """The struct ColumnSums of a launch that reads the operand."""
        one = self.chunks == 1
        return {
            "x": Input(SOURCE), "y": Output(TARGET) if one else None, "partial": None if one else Scratch(self.at),
            "n": self.rows, "inner": self.columns, "chunk": self.chunk, "width": self.width, "blocks": self.blocks,
        }  # fmt: skip

    def joining(self) -> dict:
        """The same of a later launch that joins the chunks."""
        return {
            "x": None, "y": Output(TARGET), "partial": Scratch(self.at), "n": self.chunks, "inner": self.columns,
            "chunk": self.chunks, "width": self.width, "blocks": self.strips,
        }  # fmt: skip


def beside(call: Call, rows: int, columns: int, second: bool, scratch: int) -> ColumnSums | None:
    """How a launch makes the sums of input SOURCE (rows, columns); None where the call wants none, or `reduce` does it otherwise.

    Args:
        second: whether another launch follows that can join chunks.
        scratch: bytes that the launches need already.
    """
    if len(call.out) < 2 or columns < 2 or rows < 1:
        return None
    chunks, chunk = pieces(1, rows, columns)
    if chunks > 1 and not second:
        return None
    item = 8 if call.out[TARGET].dtype == "float64" else 4
    return ColumnSums(rows, columns, chunks, chunk, item, ceil_div(scratch, 256) * 256)


def after(call: Call, plan: Plan, rows: int, columns: int) -> Plan:
    """`plan`, then the launches of `reduce` for the sums, if the call wants them."""
    if len(call.out) < 2:
        return plan
    dtype = call.out[TARGET].dtype
    item = DTYPES[dtype][0]
    sums = make_plan("reduce", ((dtype, rows * columns * item),), ((dtype, columns * item),), ReduceSpec(0, 1, rows, columns))
    places = {(IN, 0): (IN, SOURCE), (OUT, 0): (OUT, TARGET)}
    return Plan([*plan.launches, *(redirected(one, places) for one in sums.launches)], max(plan.scratch, sums.scratch))
