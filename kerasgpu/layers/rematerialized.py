"""What a RematScope does to the call of a layer made inside it (engine/remat.py)."""

from __future__ import annotations

import math

from kerasgpu.engine import inference, nest, remat
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor


def rematerialized(layer, call, args, kwargs):
    """`call`, or what computes it again for the gradient, as the layer's RematMode says for these arguments."""
    mode, threshold, names = layer._remat_mode
    if mode == "activations":
        return _with_activation(layer, call) if getattr(layer, "activation", None) is not None else call
    if mode == "list_of_layers":
        wanted = layer.name in names
    elif mode == "larger_than":
        wanted = _output_size(layer, call, args, kwargs) > threshold
    else:
        wanted = mode == "full"
    return remat.remat(call) if wanted else call


def _with_activation(layer, call):
    def run(*args, **kwargs):
        attributes = layer.__dict__
        plain = attributes["activation"]
        attributes["activation"] = remat.remat(plain)
        try:
            return call(*args, **kwargs)
        finally:
            attributes["activation"] = plain

    return run


def _output_size(layer, call, args, kwargs):
    """Number of elements of the layer's outputs, found on shapes alone and remembered by shapes."""
    shapes = tuple(x.shape for x in nest.flatten([list(args), kwargs]) if isinstance(x, Tensor))
    known = layer.__dict__.setdefault("_remat_sizes", {})
    if shapes not in known:
        args, kwargs = nest.map_structure(_as_symbol, (list(args), dict(kwargs)))
        outputs = inference.infer_spec(call, args, kwargs)
        known[shapes] = sum(math.prod(x.shape) for x in nest.flatten(outputs) if isinstance(x, KerasTensor))
    return known[shapes]


def _as_symbol(x):
    return KerasTensor(x.shape, dtype=x.dtype) if isinstance(x, Tensor) else x
