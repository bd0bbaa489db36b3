"""Tiles for matrix products and convolutions, and which one a shape gets: all the numbers that tuning changes.

`choose` looks in MEASURED for the class of a shape (powers of two), else takes the tile with the least time by a simple model of the
GPU. benchmarks/gpu_gemm.py and gpu_conv.py time every candidate and print rows for MEASURED. Tile and number of stretches along k
decide how sums are grouped, so they depend on the shape and the kind of chip only.

Hopper's own tiles (WGMMA) are chosen where a measured row names them; KERASGPU_GEMM=wgmma takes them wherever they can be used, and
KERASGPU_GEMM=mma never.
"""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.config import tensor_cores
from kerasgpu.kernels.gpu.driver import interface as driver


class Tile(NamedTuple):
    """A block makes m x n elements, k at a time, with wm x wn x wk warps; see csrc/cuda/gemm_{mma,wgmma,simt}.cuh."""

    m: int
    n: int
    k: int
    wm: int
    wn: int
    wk: int = 1
    stages: int = 0  # panels in flight; 0: the kernel without tensor cores
    share: float = 1.0  # of what the best tile reaches on large shapes
    wgmma: bool = False  # Hopper's instructions: a multiple of 4 warps down, k of 128 bytes
    boxes: bool = False  # and panels that come as boxes, by four warps more: plain matrices only

    @property
    def threads(self) -> int:
        """That multiply."""
        return 32 * self.wm * self.wn * self.wk

    @property
    def block(self) -> int:
        return self.threads + (128 if self.boxes else 0)

    @property
    def name(self) -> str:
        cut = f"/{self.wk}" if self.wk > 1 else ""
        own = "t" if self.boxes else "w" if self.wgmma else ""
        return f"{own}{self.m}x{self.n}x{self.k}{cut}" + (f"s{self.stages}" if self.stages else "")

    @property
    def registers(self) -> int:
        """A thread may use: its sums, and room for factors and addresses."""
        sums = self.m * self.n * self.wk // self.threads
        if self.boxes:
            return (65536 // 128 - 40) // (self.threads // 128) // 8 * 8  # what those that only copy (40) leave
        if not self.stages and sums == 64 and (self.m + self.n) * self.k // self.threads > 16:
            return 168  # the next step's elements wait in registers, too
        for most, count in ((8, 80), (16, 96), (32, 104), (64, 128)):
            if sums <= most:
                return count
        return 255

    def blocks(self, item: int) -> int:
        """That a multiprocessor holds at a time; item as for `shared`."""
        if self.boxes:
            return 1
        return max(1, min(65536 // (self.registers * self.threads), (220 << 10) // (self.shared(item) + 1024)))

    def shared(self, item: int) -> int:
        """Bytes of shared memory at most; item: bytes of an element, or of a sum without tensor cores."""
        if not self.stages:
            return 2 * (self.m + self.n + 8) * self.k * item
        if self.wgmma:  # and what is skipped to begin at a multiple of 1024; barriers
            return self.stages * ((self.m + self.n) * self.k * item + 16 * self.boxes) + 1024
        room = 16 if item == 4 else 0  # 8 columns more in wide panels of floats
        return max(self.stages * (self.m + self.n + room) * self.k * item, (self.wk - 1) * self.m * self.n * 4)


_FLOAT_TILES = (
    Tile(128, 128, 32, 2, 4, 1, 3),
    Tile(128, 128, 16, 2, 4, 1, 4),
    Tile(256, 128, 16, 4, 2, 1, 4),
    Tile(128, 256, 16, 2, 4, 1, 4),
    Tile(128, 256, 32, 2, 4, 1, 3),
    Tile(128, 64, 32, 4, 2, 1, 3, 0.85),
    Tile(64, 128, 32, 2, 4, 1, 3, 0.85),
    Tile(64, 64, 32, 2, 2, 1, 4, 0.75),
    Tile(64, 64, 32, 2, 2, 2, 4, 0.7),
    Tile(64, 32, 32, 4, 1, 2, 4, 0.5),
    Tile(32, 64, 32, 2, 2, 2, 4, 0.5),
    Tile(32, 32, 64, 2, 1, 4, 4, 0.35),
    Tile(16, 64, 64, 1, 2, 4, 3, 0.3),
    Tile(16, 32, 64, 1, 1, 8, 4, 0.2),
)
# The 16-bit types multiply 16 elements of k at once where TF32 does 8.
_HALF_TILES = (
    Tile(128, 128, 32, 2, 4, 1, 4),
    Tile(128, 128, 64, 2, 4, 1, 3),
    Tile(256, 128, 32, 4, 2, 1, 4),
    Tile(128, 256, 32, 2, 4, 1, 4),
    Tile(128, 256, 64, 2, 4, 1, 3),
    Tile(128, 64, 64, 4, 2, 1, 3, 0.85),
    Tile(64, 128, 64, 2, 4, 1, 3, 0.85),
    Tile(64, 64, 64, 2, 2, 1, 4, 0.75),
    Tile(64, 64, 64, 2, 2, 2, 4, 0.7),
    Tile(64, 32, 64, 4, 1, 2, 4, 0.5),
    Tile(32, 64, 64, 2, 2, 2, 4, 0.5),
    Tile(32, 32, 128, 2, 1, 4, 3, 0.35),
    Tile(16, 64, 128, 1, 2, 4, 3, 0.3),
    Tile(16, 32, 128, 1, 1, 8, 4, 0.2),
)
_TURING_TILES = (
    Tile(128, 128, 32, 2, 4, 1, 2),
    Tile(64, 64, 32, 2, 2, 1, 3, 0.75),
    Tile(32, 32, 64, 2, 1, 4, 3, 0.35),
)  # 64 KB of shared memory a block
_SIMT_TILES = (
    Tile(128, 128, 8, 4, 2),
    Tile(128, 128, 16, 4, 2),
    Tile(64, 128, 16, 2, 2, share=0.95),
    Tile(128, 64, 16, 4, 1, share=0.95),
    Tile(64, 64, 16, 2, 2, share=0.8),
    Tile(32, 64, 32, 2, 2, share=0.6),
    Tile(64, 32, 32, 4, 1, share=0.6),
    Tile(32, 32, 32, 2, 1, share=0.45),
    Tile(16, 32, 32, 1, 1, share=0.25),
)
_DOUBLE_TILES = (
    Tile(64, 64, 8, 2, 2),
    Tile(32, 64, 16, 2, 2, share=0.8),
    Tile(32, 32, 16, 2, 1, share=0.6),
)
TILES = {
    "tf32": _FLOAT_TILES,
    "half": _HALF_TILES,
    "turing": _TURING_TILES,
    "simt": _SIMT_TILES,
    "double": _DOUBLE_TILES,
}


def _wgmma(k: int) -> tuple[Tile, ...]:
    sizes = ((128, 256, 8, 1, 4), (128, 256, 8, 1, 3), (256, 128, 8, 1, 4), (128, 128, 8, 1, 4), (128, 128, 8, 1, 3))
    smaller = ((128, 64, 8, 1, 4, 0.8), (64, 256, 4, 2, 4, 0.9), (64, 128, 4, 2, 4, 0.7), (64, 64, 4, 1, 4, 0.6))
    rows = [(*s, 1.0) for s in sizes] + list(smaller)
    return tuple(Tile(m, n, k, wm, wn, 1, stages, share, True) for m, n, wm, wn, stages, share in rows)


# For compute capability 9.0 beside those of TILES: one or two warpgroups, panels whose rows are 128 bytes of k.
WGMMA = {"tf32": _wgmma(32), "half": _wgmma(64)}
# And with boxes, for plain matrices whose rows begin at multiples of 16 bytes. TF32 has none: its factors would not be turned.
BOXES = {
    "half": (
        Tile(128, 256, 64, 8, 1, 1, 4, 1.0, True, True),
        Tile(256, 128, 64, 8, 1, 1, 4, 1.0, True, True),
        Tile(128, 128, 64, 8, 1, 1, 6, 0.9, True, True),
    )
}
WGMMA_CHIP = (9, 0)

# Multiply-adds a cycle and multiprocessor that the best tile reaches (H100: mma.sync at about 60 % of its dense peak).
_RATE = {"tf32": 620.0, "half": 1240.0, "turing": 400.0, "simt": 110.0, "double": 56.0}
_WGMMA_RATE = 1.3  # times that
_ITEM = {"tf32": 4, "half": 2, "turing": 2, "simt": 4, "double": 8}
_UNITS = 132  # multiprocessors that work is cut for, whatever the GPU at hand has
_STEP = 120.0  # cycles of a step at least
_BEGIN = 1500.0  # cycles of a block besides its steps
_JOIN = 2200.0  # cycles of a second launch
_BYTES = 1700.0  # that memory moves in a cycle
_MOST_PARTIAL = 64 << 20  # bytes of partial sums
SPLITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)

# (kind, class of m, n, k, batch) -> (name of a tile, stretches along k). From benchmarks on an H100.
MEASURED: dict[tuple, tuple[str, int]] = {}

# When set, (name of a tile, stretches): for every product of a kind that has the tile. For tests and benchmarks.
forced: tuple[str, int] | None = None


class Choice(NamedTuple):
    tile: Tile
    splits: int  # stretches along k
    stretch: int  # of k, a multiple of tile.k


def shape_class(kind: str, m: int, n: int, k: int, batch: int) -> tuple:
    """Sizes that lie between the same powers of two are one class."""
    return (kind, *((v - 1).bit_length() for v in (m, n, k, batch)))


def _cut(tile: Tile, splits: int, k: int) -> Choice:
    steps = -(-k // tile.k)
    each = max(1, -(-steps // splits))
    return Choice(tile, max(1, -(-steps // each)), each * tile.k)


def cycles(kind: str, choice: Choice, m: int, n: int, k: int, batch: int) -> float:
    """What the model expects of a choice."""
    tile, splits, stretch = choice
    blocks = -(-m // tile.m) * -(-n // tile.n) * batch * splits
    steps = -(-min(stretch, max(k, 1)) // tile.k)
    resident = tile.blocks(_ITEM[kind])
    on_one = -(-blocks // _UNITS)
    together = min(on_one, resident)
    # A block alone does not keep a multiprocessor busy: four warps are needed for its four parts.
    busy = min(1.0, together * tile.threads / 256)
    rate = _RATE[kind] * tile.share * (_WGMMA_RATE if tile.wgmma else 1)
    work = tile.m * tile.n * tile.k * together / (rate * busy)
    time = -(-on_one // together) * (_BEGIN + steps * max(_STEP, work))
    if splits > 1:
        time += _JOIN + (2 * splits + 1) * m * n * batch * 4 / _BYTES
    return time


def shared_limit() -> int:
    """Bytes of shared memory that a block may have."""
    capability = driver.current().capability()
    if capability[0] == 7:
        return 64 << 10
    return {(8, 0): 163 << 10, (8, 7): 163 << 10, (9, 0): 227 << 10, (10, 0): 227 << 10, (10, 3): 227 << 10}.get(
        capability, 99 << 10
    )


def wgmma_tiles(kind: str, matrices: bool = False) -> tuple[Tile, ...]:
    """Those that the chip at hand has; `matrices`: for operands of which boxes can be copied."""
    if driver.current().capability() != WGMMA_CHIP:
        return ()
    return (BOXES.get(kind, ()) if matrices else ()) + WGMMA.get(kind, ())


def candidates(kind: str, m: int, n: int, k: int, batch: int, most_m: int | None = None, tiles: tuple[Tile, ...] | None = None):
    """Every choice worth timing, from `tiles` or all that the chip has for any operands."""
    limit = shared_limit()
    for tile in wgmma_tiles(kind) + TILES[kind] if tiles is None else tiles:
        if (most_m is not None and tile.m > most_m) or tile.shared(_ITEM[kind]) > limit:
            continue
        seen = set()
        for splits in SPLITS:
            choice = _cut(tile, splits, k)
            area = -(-m // tile.m) * tile.m * -(-n // tile.n) * tile.n
            too_large = choice.splits > 1 and choice.splits * area * batch * 8 > _MOST_PARTIAL
            if choice.splits in seen or too_large or (splits > 1 and choice.stretch < 2 * tile.k):
                continue
            seen.add(choice.splits)
            yield choice


def choose(
    kind: str, m: int, n: int, k: int, batch: int, most_m: int | None = None, whole: bool = True, matrices: bool = False
) -> Choice:
    """The tile and the stretches along k of a product (m, k) x (k, n) of `batch` entries.

    Args:
        kind: a key of TILES.
        most_m: rows of a tile at most, for operands that are gathered element by element.
        whole: whether both operands are copied 16 bytes at a time, without which Hopper's tiles are not worth it.
        matrices: whether the operands are plain matrices, of which boxes can be copied.
    """
    products, wanted = tensor_cores.products(), forced
    own = wgmma_tiles(kind, matrices and whole) if forced or (whole and products != "mma") else ()
    if wanted is None:
        wanted = MEASURED.get(shape_class(kind, m, n, k, batch))
    if wanted is not None:
        for tile in own + TILES[kind]:
            usable = forced or products != "wgmma" or tile.wgmma or not own
            if tile.name == wanted[0] and usable and tile.shared(_ITEM[kind]) <= shared_limit():
                return _cut(tile, wanted[1], k)
    expected = lambda c: cycles(kind, c, m, n, k, batch)
    if products == "wgmma" and own:
        best = min(candidates(kind, m, n, k, batch, most_m, own), key=expected, default=None)
        if best is not None:
            return best
    return min(candidates(kind, m, n, k, batch, most_m, TILES[kind]), key=expected)
