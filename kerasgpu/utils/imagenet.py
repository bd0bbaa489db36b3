"""What the networks trained on ImageNet share: how inputs are scaled, and the names of the 1000 classes."""

from __future__ import annotations

import json

import numpy as np

from kerasgpu import config, ops
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.utils.files import get_file

__all__ = ["decode_predictions", "preprocess_input"]

_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASSES_HASH = "c2c37ea517e94d9795004a39431a14cb"
_classes: dict | None = None

# Of the channels R, G, B over ImageNet.
_CAFFE_MEAN = (123.68, 116.779, 103.939)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocess_input(x, data_format=None, mode="caffe"):
    """Images with values 0 to 255 as a network trained on ImageNet takes them.

    Args:
        x: array or tensor of shape (height, width, 3) or (batch, height, width, 3), or channels first. Not changed.
        data_format: "channels_last", "channels_first", or None for the configured one.
        mode: "tf" (x / 127.5 - 1), "torch" ((x / 255 - mean) / std of each channel), or "caffe" (channels reversed to BGR,
            minus their means).

    Returns an array for an array, else a tensor, of x's shape.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.applications.imagenet_utils.preprocess_input(np.full((1, 1, 3), 255.0), mode="tf").tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    data_format = standardize_data_format(data_format)
    is_array = isinstance(x, np.ndarray)
    if is_array:
        x = x if issubclass(x.dtype.type, np.floating) else x.astype(config.floatx())
    else:
        x = ops.convert_to_tensor(x)
        x = x if "float" in x.dtype else ops.cast(x, config.floatx())
    if mode == "tf":
        return x / 127.5 - 1.0
    axis = len(x.shape) - (1 if data_format == "channels_last" else 3)
    shape = [3 if k == axis else 1 for k in range(len(x.shape))]

    def channels(values):
        row = np.reshape(values, shape).astype(str(x.dtype))
        return row if is_array else ops.convert_to_tensor(row)

    if mode == "torch":
        return (x / 255.0 - channels(_MEAN)) / channels(_STD)
    return (np if is_array else ops).flip(x - channels(_CAFFE_MEAN), axis=axis)


def decode_predictions(preds, top=5):
    """The best classes of each row of predictions, as a list of (class id, name, score) with the highest score first.

    Args:
        preds: array or tensor of shape (batch, 1000).
        top: how many.

    The list of names is downloaded once (about 35 kB) and kept in the cache directory.
    """
    if len(preds.shape) != 2 or preds.shape[1] != 1000:
        raise ValueError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, 1000)). Received array "
            f"with shape: {tuple(preds.shape)}"
        )
    names = _class_names()
    out = []
    for scores in ops.convert_to_numpy(preds):
        best = np.argsort(-scores, kind="stable")[:top]
        out.append([(*names[str(k)], scores[k]) for k in best])
    return out


def _class_names():
    global _classes
    if _classes is None:
        path = get_file("imagenet_class_index.json", _CLASSES, cache_subdir="models", file_hash=_CLASSES_HASH)
        with open(path) as file:
            _classes = json.load(file)
    return _classes


def _taken_as(mode, how):
    def inputs(x, data_format=None):
        return preprocess_input(x, data_format=data_format, mode=mode)

    inputs.__name__ = inputs.__qualname__ = "preprocess_input"
    inputs.__doc__ = f"Images with values 0 to 255 as this network takes them: {how}."
    return inputs


inputs_caffe = _taken_as("caffe", "channels from RGB to BGR, minus the means over ImageNet")
inputs_tf = _taken_as("tf", "x / 127.5 - 1")
inputs_torch = _taken_as("torch", "x / 255, minus the means over ImageNet, divided by the standard deviations")


def inputs_as_they_are(x, data_format=None):
    """x itself: the network scales its inputs."""
    return x
