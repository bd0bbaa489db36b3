"""Shapes of inputs and outputs: nested structures of them, and their inference by running call() on shapes alone."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import inference, nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.layers.call_context import active


def get_mask(x):
    return getattr(x, "_keras_mask", None)


def is_shape(x) -> bool:
    """Whether x is one shape: a list or tuple of ints and Nones."""
    integers = (int, np.integer)
    return isinstance(x, (list, tuple)) and all(d is None or (isinstance(d, integers) and not isinstance(d, bool)) for d in x)


def map_shapes(function, shapes):
    """Apply function to each shape in a nested structure of shapes."""
    if shapes is None:
        return None
    if is_shape(shapes):
        return function(tuple(shapes))
    if isinstance(shapes, dict):
        return {k: map_shapes(function, v) for k, v in shapes.items()}
    return nest.rebuild(shapes, [map_shapes(function, v) for v in shapes])


def infer_with_fill(function, args, kwargs):
    """inference.infer_spec, telling build() of inner layers which number stands for unknown dims."""
    leaves = [x for x in nest.flatten([list(args), dict(kwargs)]) if isinstance(x, KerasTensor)]
    place = next(((k, axis) for k, x in enumerate(leaves) for axis, d in enumerate(x.shape) if d is None), None)

    def traced(*args, **kwargs):
        before = active.fill
        if place is not None:
            metas = [x for x in nest.flatten([list(args), dict(kwargs)]) if type(x) is MetaTensor]
            active.fill = metas[place[0]].shape[place[1]]
        try:
            return function(*args, **kwargs)
        finally:
            active.fill = before

    return inference.infer_spec(traced, args, kwargs)
