"""Reading images between their pixels: map_coordinates, affine_transform, perspective_transform."""

from __future__ import annotations

import itertools
import math

from kerasgpu.engine import dtypes, state
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, convert_to_tensor
from kerasgpu.kernels import launch
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.image.checks import Batched, as_images
from kerasgpu.ops.linalg import solvers
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.numpy import arithmetic, creation, joining, logical, rounding, selection, shaping
from kerasgpu.ops.primitives import indexing, sampling
from kerasgpu.ops.primitives.operands import as_float, as_tensor

__all__ = ["affine_transform", "map_coordinates", "perspective_transform"]

_ORDERS = {"nearest": 0, "bilinear": 1}
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _into_range(index, size, mode):
    """An integer index moved into [0, size) as the mode says."""
    if mode == "wrap":
        return arithmetic.mod(index, size)
    if mode == "mirror":  # the edge pixel is not repeated
        return _mirror(index, size)
    if mode == "reflect":  # it is
        return arithmetic.floor_divide(_mirror(2 * index + 1, 2 * size + 1) - 1, 2)
    return arithmetic.clip(index, 0, size - 1)


def _mirror(index, size):
    period = size - 1
    return arithmetic.absolute(arithmetic.mod(index + period, 2 * period) - period) if period else creation.zeros_like(index)


def _round_away(x):
    """To the nearest integer, halves away from 0."""
    return selection.where(x < 0, rounding.ceil(x - 0.5), rounding.floor(x + 0.5))


def sample(table, sizes, coordinates, order, mode, fill_value, base=0):
    """Rows of `table` at real coordinates.

    Args:
        table: (rows, inner); row base + i_1 sizes[1] ... + i_k is pixel (i_1, ..., i_k).
        sizes: number of pixels along each coordinate.
        coordinates: one float tensor for each, all of one shape.
        base: int tensor that broadcasts to that shape.

    Returns a tensor of the coordinates' shape with an axis `inner` added.
    """
    corners = []
    for place in coordinates:
        if order == 0:
            corners.append([(casting.cast(_round_away(place), "int32"), None)])
        else:
            low = rounding.floor(place)
            upper = place - low
            low = casting.cast(low, "int32")
            corners.append([(low, 1 - upper), (low + 1, upper)])
    total = None
    for corner in itertools.product(*corners):
        number, valid, weight = base, None, None
        for k, ((index, part), size) in enumerate(zip(corner, sizes)):
            if mode == "constant":
                ok = logical.logical_and(index >= 0, index < size)
                valid = ok if valid is None else logical.logical_and(valid, ok)
            number = number + _into_range(index, size, mode) * math.prod(sizes[k + 1 :])
            if part is not None:
                weight = part if weight is None else weight * part
        value = indexing.take(table, number, 0, "clip")
        if valid is not None:
            value = selection.where(shaping.expand_dims(valid, -1), value, fill_value)
        if weight is not None:
            value = value * shaping.expand_dims(casting.cast(weight, value.dtype), -1)
        total = value if total is None else total + value
    return total


def _back(out, kind):
    if out.dtype == kind:
        return out
    return casting.cast(_round_away(out) if dtypes.is_int(kind) else out, kind)


def check_sampling(interpolation, fill_mode):
    if interpolation not in _ORDERS:
        raise ValueError(
            f"Invalid value for argument `interpolation`. Expected of one {set(_ORDERS)}. Received: "
            f"interpolation={interpolation}"
        )
    if fill_mode not in _FILL_MODES:
        raise ValueError(
            f"Invalid value for argument `fill_mode`. Expected of one {set(_FILL_MODES)}. Received: fill_mode={fill_mode}"
        )


@symbolic
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0):
    """The values of `inputs` at real coordinates, by nearest pixel (order 0) or linear interpolation (order 1).

    Args:
        inputs: tensor of rank k.
        coordinates: tensor of shape (k, ...), or a list of k tensors.
        order: 0 or 1.
        fill_mode: what lies outside: "constant" (fill_value), "nearest", "wrap", "mirror" or "reflect".

    >>> import kerasgpu as keras
    >>> keras.ops.image.map_coordinates(keras.ops.arange(4.0), [[0.5, 2.0]], 1).tolist()
    [0.5, 2.0]
    """
    x = convert_to_tensor(inputs)
    places = as_float(
        joining.stack([as_float(c) for c in coordinates]) if isinstance(coordinates, (list, tuple)) else coordinates
    )
    if places.shape[0] != x.ndim:
        raise ValueError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs with shape: "
            f"{x.shape} and coordinate leading dim of {places.shape[0]}"
        )
    if places.ndim < 2:
        raise ValueError(f"Invalid coordinates rank: expected at least rank 2. Received input with shape: {places.shape}")
    if fill_mode not in _FILL_MODES:
        raise ValueError(
            f"Invalid value for argument `fill_mode`. Expected one of {set(_FILL_MODES)}. Received: fill_mode={fill_mode}"
        )
    if order not in (0, 1):
        raise ValueError(f"Invalid value for argument `order`. Expected one of [0, 1]. Received: order={order}")
    values = x if order == 0 else as_float(x)
    table = shaping.reshape(values, (math.prod(x.shape), 1))
    out = sample(table, x.shape, conversion.unstack(places), order, fill_mode, fill_value)
    return _back(shaping.squeeze(out, -1), x.dtype)


def without_gradient(*tensors, kinds=("float32", "float16", "bfloat16")):
    """Whether a kernel that has no gradient will do: images of one of these dtypes on the host, and nothing to differentiate."""
    return (
        all(isinstance(x, MetaTensor) or launch.is_host(x._data) for x in tensors)
        and tensors[0].dtype in kinds
        and not (state.thread.grad_enabled and any(x._requires for x in tensors))
    )


def planes(x, first):
    """Images of rank 3 or 4 as float32 (images, planes, height, width, inner), the layout of the sampling kernels."""
    sides = x.shape[-2:] if first else x.shape[-3:-1]
    outer = (-1, x.shape[-3]) if first else (-1, 1)
    return shaping.reshape(casting.cast(x, "float32"), (*outer, *sides, 1 if first else x.shape[-1]))


def _through_map(x, maps, interpolation, fill_mode, fill_value, data_format, projective):
    first = standardize_data_format(data_format) == "channels_first"
    maps = casting.cast(maps, "float32")
    out = sampling.sample_map(planes(x, first), maps, _ORDERS[interpolation], fill_mode, float(fill_value), projective)
    return casting.cast(shaping.reshape(out, x.shape), x.dtype)


def block(x, top, left, size, data_format):
    """The part of images that begins at (top, left), numbers or tensors, in one pass; without a gradient."""
    first = standardize_data_format(data_format) == "channels_first"
    numbers = [1.0, 0.0, left, 0.0, 1.0, top, 0.0, 0.0]
    maps = shaping.reshape(joining.stack([casting.cast(v, "float32") for v in numbers]), (1, 8))
    out = sampling.sample_map(planes(x, first), maps, 0, "nearest", 0.0, False, tuple(size))
    shape = (*x.shape[:-2], *size) if first else (*x.shape[:-3], *size, x.shape[-1])
    return casting.cast(shaping.reshape(out, shape), x.dtype)


def _fits(maps, x):
    return maps.shape[0] == 1 or (x.ndim == 4 and maps.shape[0] == x.shape[0])


def sample_batch(x, rows, columns, interpolation, fill_mode, fill_value):
    """x (batch, height, width, channels) read at rows and columns (batch or 1, ...)."""
    batch, height, width, channels = x.shape
    order = _ORDERS[interpolation]
    if without_gradient(x, rows, columns) and rows.ndim == 3 and rows.shape[0] in (1, batch):
        rows, columns = casting.cast(rows, "float32"), casting.cast(columns, "float32")
        out = sampling.sample_grid(planes(x, False), rows, columns, order, fill_mode, float(fill_value))
        return casting.cast(shaping.squeeze(out, 1), x.dtype)
    values = x if order == 0 else as_float(x)
    base = creation.arange(batch, dtype="int32") * (height * width)
    base = shaping.reshape(base, (batch, *[1] * (rows.ndim - 1)))
    table = shaping.reshape(values, (batch * height * width, channels))
    out = sample(table, (height, width), (rows, columns), order, fill_mode, fill_value, base)
    return _back(out, x.dtype)


@symbolic
def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Images transformed by affine maps.

    Args:
        images: tensor of rank 3 or 4.
        transform: 8 numbers [a0, a1, a2, b0, b1, b2, c0, c1] for each image, or for all: output (x, y) shows what is at
            (a0 x + a1 y + a2, b0 x + b1 y + b2). c0 and c1 count as 0.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies outside: "constant" (fill_value), "nearest", "wrap", "mirror" or "reflect".
        data_format: "channels_last", "channels_first", or None for the configured one.
    """
    check_sampling(interpolation, fill_mode)
    images = as_images(images)
    t = as_float(transform)
    if t.ndim not in (1, 2):
        raise ValueError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms). Received input with "
            f"shape: transform.shape={t.shape}"
        )
    if t.ndim == 1:
        t = shaping.expand_dims(t, 0)
    if without_gradient(images, t) and t.shape[1] == 8 and _fits(t, images):
        return _through_map(images, t, interpolation, fill_mode, fill_value, data_format, False)
    layout = Batched(images, data_format)
    x = layout.images
    _, height, width, _ = x.shape
    row = shaping.reshape(creation.arange(height, dtype=t.dtype), (1, height, 1))
    column = shaping.reshape(creation.arange(width, dtype=t.dtype), (1, 1, width))
    a0, a1, a2, b0, b1, b2 = (shaping.reshape(t[:, k], (-1, 1, 1)) for k in range(6))
    columns = a0 * column + a1 * row + a2
    rows = b0 * column + b1 * row + b2
    return layout.restore(sample_batch(x, rows, columns, interpolation, fill_mode, fill_value))


def homography(start, end):
    """The 8 coefficients of the projective map that takes the corners `end` to `start`, both (n, 4, 2)."""
    sx, sy = start[..., 0], start[..., 1]
    ex, ey = end[..., 0], end[..., 1]
    zero, one = creation.zeros_like(ex), creation.ones_like(ex)
    x_rows = joining.stack([ex, ey, one, zero, zero, zero, -sx * ex, -sx * ey], axis=-1)
    y_rows = joining.stack([zero, zero, zero, ex, ey, one, -sy * ex, -sy * ey], axis=-1)
    matrix = joining.concatenate([x_rows, y_rows], axis=1)
    target = shaping.expand_dims(joining.concatenate([sx, sy], axis=-1), -1)
    return shaping.squeeze(solvers.solve(matrix, target), -1)


@symbolic
def perspective_transform(images, start_points, end_points, interpolation="bilinear", fill_value=0, data_format=None):
    """Images moved so that four points go to four others, by a projective map.

    Args:
        images: tensor of rank 3 or 4.
        start_points: (x, y) of four points, shape (4, 2) or (batch, 4, 2).
        end_points: where they go, of the same shape.
        interpolation: "bilinear" or "nearest".
        fill_value: what lies outside.
        data_format: "channels_last", "channels_first", or None for the configured one.
    """
    check_sampling(interpolation, "constant")
    images = as_images(images)
    start, end = as_tensor(start_points, "float32"), as_tensor(end_points, "float32")
    for name, points in (("start_points", start), ("end_points", end)):
        if points.shape[-2:] != (4, 2) or points.ndim not in (2, 3):
            raise ValueError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. Received shape: "
                f"{points.shape}"
            )
    if start.shape != end.shape:
        raise ValueError(
            "start_points and end_points must have the same shape. Received "
            f"start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    if start.ndim == 2:
        start, end = shaping.expand_dims(start, 0), shaping.expand_dims(end, 0)
    maps = homography(start, end)
    if without_gradient(images, maps) and _fits(maps, images):
        return _through_map(images, maps, interpolation, "constant", fill_value, data_format, True)
    layout = Batched(images, data_format)
    x = layout.images
    _, height, width, _ = x.shape
    h = [shaping.reshape(part, (-1, 1, 1)) for part in conversion.unstack(maps, axis=-1)]
    row = shaping.reshape(creation.arange(height, dtype="float32"), (1, height, 1))
    column = shaping.reshape(creation.arange(width, dtype="float32"), (1, 1, width))
    depth = h[6] * column + h[7] * row + 1.0
    columns = (h[0] * column + h[1] * row + h[2]) / depth
    rows = (h[3] * column + h[4] * row + h[5]) / depth
    return layout.restore(sample_batch(x, rows, columns, interpolation, "constant", fill_value))
