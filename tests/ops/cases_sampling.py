"""Cases of the primitives that read images between their pixels, which are forward only and take float32."""

import numpy as np
from case import Case, draw, integers

from kerasgpu.ops.image import histogram


def single(shape, low=-2.0, high=2.0, seed=0):
    return draw(shape, low, high, seed).astype("float32")


def read(x, row, column, order, mode, fill):
    """x (planes, height, width, inner) at one place, by the definition of the interpolation."""
    height, width = x.shape[1:3]

    def pixel(r, c):
        if mode == "nearest":
            r, c = min(max(r, 0), height - 1), min(max(c, 0), width - 1)
        return x[:, r, c] if 0 <= r < height and 0 <= c < width else np.full((x.shape[0], x.shape[3]), fill)

    if order == 0:
        return pixel(round(row), round(column))
    r, c = int(np.floor(row)), int(np.floor(column))
    a, b = row - r, column - c
    return (1 - a) * ((1 - b) * pixel(r, c) + b * pixel(r, c + 1)) + a * ((1 - b) * pixel(r + 1, c) + b * pixel(r + 1, c + 1))


def grid(x, rows, columns, order, mode, fill):
    y = np.empty((*x.shape[:2], *rows.shape[1:], x.shape[4]))
    for n in range(len(x)):
        k = n % len(rows)
        for r, c in np.ndindex(*rows.shape[1:]):
            y[n, :, r, c] = read(x[n].astype("float64"), float(rows[k, r, c]), float(columns[k, r, c]), order, mode, fill)
    return y


def mapped(x, maps, order, mode, fill, projective=False, size=None):
    r, c = np.mgrid[: (size or x.shape[2:4])[0], : (size or x.shape[2:4])[1]].astype("float64")
    a0, a1, a2, b0, b1, b2, c0, c1 = maps.T.astype("float64")[..., None, None]
    d = c0 * c + c1 * r + 1 if projective else 1.0
    return grid(x, (b0 * c + b1 * r + b2) / d, (a0 * c + a1 * r + a2) / d, order, mode, fill)


def resized(x, row_starts, row_weights, column_starts, column_weights):
    x = x.astype("float64")
    for axis, starts, weights in ((1, row_starts, row_weights), (2, column_starts, column_weights)):
        parts = [
            sum(w * x.take(start + t, axis) for t, w in enumerate(line))
            for start, line in zip(starts, weights.astype("float64"))
        ]
        x = np.stack(parts, axis)
    return x


X = single((2, 1, 5, 6, 3))
MAPS = np.array(
    [[0.9, 0.13, -0.31, -0.11, 1.07, 0.41, 0.013, -0.007], [1.2, -0.2, 0.37, 0.3, 0.8, -0.71, 0.0, 0.02]], "float32"
)
ROWS, COLUMNS = single((2, 3, 4), -1.4, 6.0), single((2, 3, 4), -1.4, 7.0, 1)
STARTS = np.array([0, 1, 2, 2], "int32"), np.array([3, 0, 1], "int32")
FIXED = {"differentiable": False, "tolerance": 1e6}  # the usual one is for float64

CASES = {
    "sampling.sample_map": [
        Case((X, MAPS, 1, "constant", 0.5), mapped, **FIXED),
        Case((X, MAPS, 0, "nearest", 0.0), mapped, **FIXED),
        Case((X, MAPS[:1], 1, "nearest", 0.0, True, (4, 7)), mapped, **FIXED),
    ],
    "sampling.sample_grid": [
        Case((X, ROWS, COLUMNS, 1, "constant", 0.25), grid, **FIXED),
        Case((X, ROWS[:1], COLUMNS[:1], 0, "nearest", 0.0), grid, **FIXED),
    ],
    "sampling.resample": [
        Case((single((2, 4, 5, 3)), STARTS[0], single((4, 2)), STARTS[1], single((3, 2), seed=1)), resized, **FIXED),
        Case((integers((1, 4, 5, 3), 0, 255, "uint8"), STARTS[0], single((4, 2)), STARTS[1], single((3, 2))), resized, **FIXED),
    ],
    "level_counts": [
        Case(
            (integers((3, 20), 0, 5), 5),
            lambda levels, length: np.stack([np.bincount(row, minlength=length) for row in levels]),
            function=histogram.level_counts,
            differentiable=False,
            exact=True,
        )
    ],
}
