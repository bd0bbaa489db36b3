"""Images read between their pixels, forward only: what augmentation needs. ops/image/sampling.py has the differentiable form."""

from __future__ import annotations

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import sampling as kernels


@primitive(tensors=2, differentiable=False)
def sample_map(x, maps, order, mode, fill, projective=False, size=None):
    """x (images, planes, height, width, inner) read through the maps (1 or images, 8); float32."""
    return kernels.sample_map(x, maps, order, mode, fill, projective, size)


@sample_map.shape
def _(x, maps, order, mode, fill, projective=False, size=None):
    return (*x.shape[:2], *(size or x.shape[2:4]), x.shape[4]), x.dtype


@primitive(tensors=3, differentiable=False)
def sample_grid(x, rows, columns, order, mode, fill):
    """x (images, planes, height, width, inner) read at rows and columns (1 or images, out_height, out_width); float32."""
    return kernels.sample_grid(x, rows, columns, order, mode, fill)


@sample_grid.shape
def _(x, rows, columns, order, mode, fill):
    return (*x.shape[:2], *rows.shape[1:], x.shape[4]), x.dtype


@primitive(tensors=5, differentiable=False)
def resample(x, row_starts, row_weights, column_starts, column_weights):
    """x (images, height, width, inner), float32 or uint8, in another size, as float32."""
    return kernels.resample(x, (row_starts, row_weights), (column_starts, column_weights))


@resample.shape
def _(x, row_starts, row_weights, column_starts, column_weights):
    return (x.shape[0], row_starts.shape[0], column_starts.shape[0], x.shape[3]), "float32"
