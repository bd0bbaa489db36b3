"""A kernel launch without addresses: which source with which macros, on what grid, and the parameter struct, field by field.

Planners make launches, drivers run them; `fill` puts the addresses in.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from kerasgpu.kernels.gpu.driver import interface, structs

MAX_GRID = (1 << 31) - 1
IN, OUT, SCRATCH = range(3)
FREE, IDLE = "free", "idle"
# Compiler options of every kernel that rounds as the CPU does (a product and a sum are never joined), or that may be in a group.
OPTIONS = ("-fmad=false",)


class Box(NamedTuple):
    """Boxes of an array of three dims, the last contiguous, that are copied to shared memory swizzled by 128 bytes."""

    dtype: str
    sizes: tuple[int, int, int]  # of the array, the contiguous dim first
    strides: tuple[int, int]  # bytes from one element to the next of the second and third dim, multiples of 16
    box: tuple[int, int]  # elements of the first and second dim


class Params:
    """The bytes of a parameter struct, field by field, with C's natural alignment. Launch makes it from named fields."""

    def __init__(self):
        self.data = bytearray()
        self.pointers: list[tuple[int, int, int, int]] = []  # offset in the struct, IN/OUT/SCRATCH, number, bytes to add
        self.maps: list[tuple[int, int, Box]] = []  # offset in the struct, number of the input, what is copied from it

    def _add(self, code: str, value) -> Params:
        size = struct.calcsize(code)
        self.data.extend(bytes(-len(self.data) % size))
        self.data.extend(struct.pack("<" + code, value))
        return self

    def align(self, size: int) -> None:
        self.data.extend(bytes(-len(self.data) % size))

    def number(self, code: str, value) -> None:
        """A scalar; what is unsigned wraps."""
        self._add(code, value & (1 << 8 * struct.calcsize(code)) - 1 if code in "IQ" else value)

    def _pointer(self, kind, k, offset=0):
        self._add("Q", 0)
        self.pointers.append((len(self.data) - 8, kind, k, offset))
        return self

    def input(self, k: int, offset: int = 0) -> Params:
        return self._pointer(IN, k, offset)

    def output(self, k: int, offset: int = 0) -> Params:
        return self._pointer(OUT, k, offset)

    def scratch(self, offset: int = 0) -> Params:
        return self._pointer(SCRATCH, 0, offset)

    def tensor_map(self, k: int, box: Box) -> Params:
        """128 bytes, aligned to 64, by which the GPU copies boxes of input k (csrc/cuda/tma.cuh)."""
        self.data.extend(bytes(-len(self.data) % 64))
        self.maps.append((len(self.data), k, box))
        self.data.extend(bytes(128))
        return self

    def null(self) -> Params:
        return self._add("Q", 0)

    def i64(self, *values) -> Params:
        for v in values:
            self._add("q", v)
        return self

    def finish(self) -> bytes:
        size = 64 if self.maps else 8 if self.pointers or len(self.data) > 4 else 4
        return bytes(self.data) + bytes(-len(self.data) % size)


class Launch:
    """One kernel launch without addresses.

    Args:
        source: file of csrc/cuda.
        entry: the name given to KG_KERNEL.
        defines: {X: value}: macros KG_X that specialise the source; part of what is compiled and cached.
        grid, block: blocks and threads, numbers or tuples.
        params: the fields of the kernel's struct by name (structs.py), or a `Params` for a struct of generated code.
        shared: bytes of dynamic shared memory.
        text: generated code that the source includes as "generated.cuh", or None.
        options: more options for the compiler, such as "-fmad=false".
        member: how its work may be done by one block, together with other launches (group.py): FREE, any number of blocks and
            threads gives the same bits; IDLE, one block, in which more threads than it uses may stand idle; "": as it is.
    """

    __slots__ = (
        "block",
        "defines",
        "entry",
        "grid",
        "maps",
        "member",
        "options",
        "params",
        "pointers",
        "shared",
        "source",
        "text",
    )

    def __init__(self, source, entry, defines, grid, block, params, shared=0, text=None, options=(), member=""):
        self.source = source
        self.entry = entry
        self.defines = tuple(sorted((f"KG_{k}", str(v)) for k, v in defines.items()))
        self.grid = _three(grid)
        self.block = _three(block)
        threads = self.block[0] * self.block[1] * self.block[2]
        if threads % 32 or not 32 <= threads <= 1024:
            raise ValueError(f"{source}: a block of {threads} threads; needs a multiple of 32 up to 1024")
        if not 0 < self.grid[0] <= MAX_GRID or not 0 < self.grid[1] <= 65535 or not 0 < self.grid[2] <= 65535:
            raise ValueError(f"{source}: a grid of {self.grid} blocks is beyond what a GPU can start")
        if isinstance(params, dict):
            named, params = params, Params()
            fields = structs.layout(source, entry, self.defines, text).fields
            structs.fill(params, fields, named, f"{source}: {entry}")
        self.params = params.finish()
        self.pointers = tuple(params.pointers)
        self.maps = tuple(params.maps)
        self.shared = shared
        self.text = text
        self.options = tuple(options)
        self.member = member

    @property
    def module(self) -> tuple:
        """What is compiled: launches with equal modules share it."""
        return self.source, self.defines, self.text, self.options

    def fill(self, inputs, outputs, scratch: int) -> bytearray:
        """The parameter struct with addresses in place."""
        data = bytearray(self.params)
        for at, kind, k, offset in self.pointers:
            base = inputs[k] if kind == IN else outputs[k] if kind == OUT else scratch
            _pack_address(data, at, base + offset)
        if self.maps:
            for at, k, box in self.maps:
                data[at : at + 128] = interface.current().tensor_map(box, inputs[k])
        return data

    def __repr__(self):
        return f"<Launch {self.entry} {dict(self.defines)} grid={self.grid} block={self.block}>"


_pack_address = struct.Struct("<Q").pack_into


def _three(x) -> tuple[int, int, int]:
    x = tuple(x) if isinstance(x, (tuple, list)) else (x,)
    return (*x, *(1,) * (3 - len(x)))
