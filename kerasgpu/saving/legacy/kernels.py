"""Weights of one layer as files of another version or backend hold them, in the layout of today.

Theano convolves with a flipped kernel: what it stored is rotated along the spatial axes, as Keras 2 did itself on another backend.
(Its depthwise kernels were flipped before use, so they are stored as everyone's.) Keras 1 stored kernels of channels_first layers
with the output channels first, kernels of Conv1D with a second spatial axis, and each gate of a recurrent layer by itself.
"""

from __future__ import annotations

import numpy as np

_CONVOLUTIONS = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3, "Conv1DTranspose": 1, "Conv2DTranspose": 2, "Conv3DTranspose": 3}
_GATES = {"LSTM": (0, 6, 3, 9), "GRU": (0, 3, 6)}  # where the files of Keras 1 have today's gates, in today's order


def modern_values(layer, values, version):
    """Arrays of one layer's weights, in the order of the file, as the layer of today has them."""
    kind = type(layer).__name__
    inside = _inside(layer)
    if inside is not None:
        return _of_wrapper(inside, values, version)
    if version < (2,) and hasattr(layer, "layers"):
        _refuse_nested(layer)
    elif version < (2,):
        values = _from_keras1(layer, kind, values)
    elif kind in _CONVOLUTIONS and values:
        values = [_output_last(values[0], layer), *values[1:]]
    return _of_cudnn(kind, values)


def _inside(layer):
    """The layers that a wrapper holds, in the order of their weights; None for any other layer."""
    if type(layer).__name__ == "Bidirectional":
        return [layer.forward_layer, layer.backward_layer]
    inner = getattr(layer, "layer", None)
    return [inner] if hasattr(inner, "call") and hasattr(inner, "weights") else None


def _of_wrapper(inside, values, version):
    if len(inside) > 1:
        half = len(values) // 2
        parts = [values[:half], values[half:]]
    else:
        own = len(values) - len(inside[0].weights)
        if own > 0 and version >= (2,):
            return values  # the wrapper has weights of its own among them
        parts = [values]
    return [v for x, part in zip(inside, parts) for v in modern_values(x, part, version)]


def flipped_kernels(layer) -> dict:
    """{id of a variable: number of spatial axes} of what Theano stored flipped, in a layer or anywhere below it."""
    found = {}
    for x in (layer, *layer._flatten_layers(include_self=False)):
        kind = type(x).__name__
        if kind in _CONVOLUTIONS:
            found[id(x.kernel)] = _CONVOLUTIONS[kind]
        elif kind == "ConvLSTM2D":
            found.update({id(v): 2 for v in x.weights[:2]})
    return found


def rotated(kernel, rank):
    """The kernel turned by half a turn."""
    return kernel[tuple([slice(None, None, -1)] * rank)]


def _refuse_nested(model):
    """Kernels of a functional model inside another one of Keras 1 have no names that tell whose they are."""
    for x in model._flatten_layers(include_self=False):
        kind = type(x).__name__
        first = getattr(x, "data_format", None) == "channels_first"
        if kind in ("Conv1D", "Conv2DTranspose", *_GATES) or (kind in _CONVOLUTIONS and first):
            raise ValueError(
                f"layer '{x.name}' ({kind}) lies in the nested model '{model.name}' of a Keras 1 file, which stored its weights in "
                "another layout; such files are not converted"
            )


def _output_last(kernel, layer):
    """Some files of Keras 2 hold a kernel as (filters, channels, height, width)."""
    if kernel.ndim == 4 and tuple(layer.kernel.shape) != kernel.shape:
        turned = np.transpose(kernel, (2, 3, 1, 0))
        if turned.shape == tuple(layer.kernel.shape):
            return turned
    return kernel


def _from_keras1(layer, kind, values):
    if not values:
        return values
    first = values[0]
    if kind == "Conv1D" and first.ndim == 4:
        size, filters = layer.kernel_size[0], layer.filters
        if first.shape[:2] != (size, 1) or first.shape[3] != filters:
            first = np.transpose(first, (2, 3, 1, 0))
        return [first[:, 0], *values[1:]]
    channels_first = getattr(layer, "data_format", None) == "channels_first"
    if kind == "Conv2D" and channels_first:
        return [np.transpose(first, (2, 3, 1, 0)), *values[1:]]
    if kind == "Conv3D" and channels_first:
        return [np.transpose(first, (2, 3, 4, 1, 0)), *values[1:]]
    if kind == "Conv2DTranspose":
        return [np.transpose(first, (2, 3, 0, 1) if channels_first else (0, 1, 3, 2)), *values[1:]]
    if kind == "SeparableConv2D" and channels_first:
        return [*(np.transpose(v, (2, 3, 1, 0)) for v in values[:2]), *values[2:]]
    if kind in ("LSTM", "ConvLSTM2D") and len(values) == 12:
        return _joined(values, _GATES["LSTM"])
    if kind == "GRU" and len(values) == 9:
        return _joined(values, _GATES["GRU"])
    return values


def _joined(values, gates):
    """[kernel, recurrent kernel, bias] from three arrays per gate."""
    return [np.concatenate([values[start + part] for start in gates], axis=-1) for part in range(3)]


def _of_cudnn(kind, values):
    """What CuDNN layers stored: two biases, and each gate's kernels transposed. Known by the length of the bias."""
    if kind not in _GATES or len(values) != 3 or values[2].ndim != 1:
        return values
    gates = len(_GATES[kind])
    kernel, recurrent, bias = values
    if bias.size != 2 * recurrent.shape[-1]:
        return values
    kernel = _each_gate(kernel, gates, lambda k: k.T.reshape(k.shape, order="F"))
    recurrent = _each_gate(recurrent, gates, lambda k: k.T)
    bias = bias.reshape(2, -1)
    return [kernel, recurrent, bias.sum(axis=0) if kind == "LSTM" else bias]


def _each_gate(kernel, gates, change):
    return np.concatenate([change(k) for k in np.split(kernel, gates, axis=-1)], axis=-1)
