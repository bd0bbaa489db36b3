"""The (x, y, sample_weight) tuple of a batch, sample counts, and class weights."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes, nest


def unpack_x_y_sample_weight(data):
    """(x, y, sample_weight) from x, (x,), (x, y) or (x, y, sample_weight); what is absent is None.

    >>> import kerasgpu as keras
    >>> keras.utils.unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if 1 <= len(data) <= 3:
        return data + (None,) * (3 - len(data))
    raise ValueError(f"Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found: {data}")


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The shortest of x, (x,), (x, y) and (x, y, sample_weight) that holds the arguments.

    >>> import kerasgpu as keras
    >>> keras.utils.pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def check_data_cardinality(data):
    """The number of samples, which all arrays of (x, y, sample_weight) must share; ValueError names the sizes."""
    sizes = [[int(a.shape[0]) for a in nest.flatten(part) if a is not None] for part in data]
    distinct = {n for part in sizes for n in part}
    if len(distinct) > 1:
        listed = "\n".join(
            f"'{label}' sizes: {', '.join(map(str, part))}" for label, part in zip(("x", "y", "sample_weight"), sizes) if part
        )
        raise ValueError(
            f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples.\n{listed}\n"
            "The first dimension of every array counts samples; a list of arrays means one array per input or output of the "
            "model"
        )
    return distinct.pop() if distinct else 0


def class_weight_to_sample_weights(y, class_weight):
    """One weight per sample: that of its class; classes not in the dict weigh 1.

    Args:
        y: integer labels (samples,) or (samples, 1), or one-hot labels (samples, classes).
        class_weight: dict from class index to weight.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(f"`class_weight` must be a dict from class index to weight. Received: class_weight={class_weight}")
    labels = np.asarray(y)
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] != 1 else labels[..., 0]
    labels = np.round(labels).astype("int64")
    if labels.ndim != 1:
        raise ValueError(
            "`class_weight` needs one label per sample: y of shape (samples,), (samples, 1) or one-hot (samples, classes). "
            "Received y "
            f"of shape {tuple(np.shape(y))}; pass `sample_weight` instead"
        )
    weights = np.ones(labels.shape, dtype=np.float32 if dtypes.floatx() != "float64" else np.float64)
    for label, weight in class_weight.items():
        try:
            number = int(label)
        except (TypeError, ValueError):
            raise ValueError(
                f"The keys of `class_weight` must be class numbers, as in {{0: 1.0, 1: 2.5}}. Received the key {label!r}"
            ) from None
        weights[labels == number] = float(weight)
    return weights
