"""Images read between their pixels: through a map of each image, at a grid of coordinates, or in another size."""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.kernels.elementwise import _contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

__all__ = ["MODES", "resample", "sample_grid", "sample_map"]

MODES = {"constant": 0, "nearest": 1, "wrap": 2, "mirror": 3, "reflect": 4}


@parameters("resample")
class ResampleSpec(NamedTuple):
    """See csrc/cpu/resample.cpp."""

    images: int
    height: int
    width: int
    inner: int
    out_height: int
    out_width: int
    taps_y: int
    taps_x: int


@parameters("sample_map")
class MapSpec(NamedTuple):
    """See csrc/cpu/sample.cpp."""

    images: int
    planes: int
    height: int
    width: int
    inner: int
    maps: int
    order: int
    mode: int
    out_height: int
    out_width: int
    projective: bool
    fill: float


@parameters("sample_grid")
class GridSpec(NamedTuple):
    """See csrc/cpu/sample.cpp."""

    images: int
    planes: int
    height: int
    width: int
    inner: int
    maps: int
    order: int
    mode: int
    out_height: int
    out_width: int
    fill: float


def _check(name, x, order, mode, *others):
    if x.ndim != 5:
        raise ValueError(f"{name}: x must be (images, planes, height, width, inner); received {x.shape}")
    for a in (x, *others):
        if a.dtype != "float32":
            raise ValueError(f"{name}: needs float32 arrays; received {a.dtype} {a.shape}")
    if mode not in MODES or order not in (0, 1):
        raise ValueError(f"{name}: order must be 0 or 1 and mode one of {', '.join(MODES)}; received {order!r} and {mode!r}")


def _whole(*arrays):
    return tuple(a if a.flags.c_contiguous else _contiguous(a) for a in arrays)


def sample_map(x, maps, order: int = 1, mode: str = "constant", fill: float = 0.0, projective: bool = False, size=None):
    """Pixel (column c, row r) of the result shows what is at column (a0 c + a1 r + a2) / d, row (b0 c + b1 r + b2) / d of x.

    Args:
        x: float32 (images, planes, height, width, inner).
        maps: float32 (1 or images, 8): [a0, a1, a2, b0, b1, b2, c0, c1].
        order: 0 for the nearest pixel, 1 for bilinear interpolation.
        mode: what lies outside: "constant" (fill), "nearest", "wrap", "mirror" or "reflect".
        fill: number.
        projective: whether d is c0 c + c1 r + 1; otherwise it is 1.
        size: (height, width) of the result, None for that of x.

    >>> x = np.arange(4, dtype="float32").reshape(1, 1, 1, 4, 1)
    >>> sample_map(x, np.array([[1, 0, 1.5, 0, 1, 0, 0, 0]], "float32")).ravel()
    array([1.5, 2.5, 1.5, 0. ], dtype=float32)
    """
    _check("sample_map", x, order, mode, maps)
    if maps.ndim != 2 or maps.shape[1] != 8 or maps.shape[0] not in (1, x.shape[0]):
        raise ValueError(f"sample_map: maps must be (1 or {x.shape[0]}, 8) for x {x.shape}; received {maps.shape}")
    x, maps = _whole(x, maps)
    size = x.shape[2:4] if size is None else tuple(size)
    y = empty((*x.shape[:2], *size, x.shape[4]), x.dtype, x)
    images, planes, height, width, inner = x.shape
    spec = MapSpec(
        images, planes, height, width, inner, maps.shape[0], order, MODES[mode], size[0], size[1], bool(projective), float(fill)
    )
    launch("sample_map", (x, maps), (y,), spec)
    return y


def sample_grid(x, rows, columns, order: int = 1, mode: str = "constant", fill: float = 0.0):
    """Pixel (c, r) of the result shows what is at row rows[r, c], column columns[r, c] of x.

    Args:
        x: float32 (images, planes, height, width, inner).
        rows, columns: float32 (1 or images, out_height, out_width).
        order, mode, fill: as for `sample_map`.

    Returns an array (images, planes, out_height, out_width, inner).
    """
    _check("sample_grid", x, order, mode, rows, columns)
    if rows.ndim != 3 or rows.shape != columns.shape or rows.shape[0] not in (1, x.shape[0]):
        raise ValueError(
            f"sample_grid: rows and columns must be (1 or {x.shape[0]}, height, width) for x {x.shape}; received {rows.shape} "
            f"and {columns.shape}"
        )
    x, rows, columns = _whole(x, rows, columns)
    y = empty((*x.shape[:2], *rows.shape[1:], x.shape[4]), x.dtype, x)
    images, planes, height, width, inner = x.shape
    maps, out_height, out_width = rows.shape
    spec = GridSpec(images, planes, height, width, inner, maps, order, MODES[mode], out_height, out_width, float(fill))
    launch("sample_grid", (x, rows, columns), (y,), spec)
    return y


def resample(x, rows, columns):
    """Images in another size: output row r is the sum over t of wy[r, t] times input row sy[r] + t; then columns likewise.

    Args:
        x: float32 or uint8 (images, height, width, inner).
        rows: (sy, wy): int32 (out_height,) and float32 (out_height, taps).
        columns: (sx, wx), likewise.

    Returns a float32 array (images, out_height, out_width, inner).

    >>> half = np.array([[0.5, 0.5]], "float32")
    >>> resample(np.ones((1, 2, 3, 1), "float32"), (np.zeros(1, "int32"), half), (np.array([1], "int32"), half)).ravel()
    array([1.], dtype=float32)
    """
    if x.ndim != 4 or x.dtype not in ("float32", "uint8"):
        raise ValueError(f"resample: x must be float32 or uint8 (images, height, width, inner); received {x.dtype} {x.shape}")
    for start, weights in (rows, columns):
        if start.ndim != 1 or weights.ndim != 2 or weights.shape[0] != start.shape[0]:
            raise ValueError(f"resample: needs starts (n,) and weights (n, taps); received {start.shape} and {weights.shape}")
    (sy, wy), (sx, wx) = rows, columns
    x, sy, wy, sx, wx = _whole(x, sy, wy, sx, wx)
    y = empty((x.shape[0], sy.shape[0], sx.shape[0], x.shape[3]), "float32", x)
    spec = ResampleSpec(*x.shape, *y.shape[1:3], wy.shape[1], wx.shape[1])
    launch("resample", (x, sy, wy, sx, wx), (y,), spec)
    return y
