"""to_categorical and normalize."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.engine.tensor import Tensor
from kerasgpu.ops.primitives.labels import check_finite, not_finite


def to_categorical(x, num_classes=None):
    """One-hot rows for integer classes.

    Args:
        x: array-like of integers from 0 to num_classes - 1; a trailing axis of size 1 is dropped.
        num_classes: width of the rows; default: the largest class plus one.

    Returns an array of shape (*x.shape, num_classes): NumPy for arrays and lists, a tensor for tensors.
    Raises ValueError when a class does not fit, or is NaN or infinite.

    >>> import kerasgpu as keras
    >>> keras.utils.to_categorical([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    if isinstance(x, Tensor):
        x = check_finite(x, "to_categorical")
        if x.ndim > 1 and x.shape[-1] == 1:
            x = ops.squeeze(x, -1)
        return ops.one_hot(x, int(ops.max(x)) + 1 if num_classes is None else num_classes)
    given = np.asarray(x)
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise not_finite(given, "to_categorical")
    classes = np.array(given, dtype="int64")
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if not num_classes:
        if classes.size == 0:
            raise ValueError("to_categorical: x is empty, so num_classes must be given")
        num_classes = int(classes.max()) + 1
    if classes.size and (classes.max() >= num_classes or classes.min() < -num_classes):
        wrong = classes[(classes >= num_classes) | (classes < -num_classes)].flat[0]
        raise ValueError(
            f"to_categorical: class {wrong} does not fit in num_classes={num_classes}; classes are 0 to {num_classes - 1}"
        )
    return np.eye(num_classes)[classes]


def normalize(x, axis=-1, order=2):
    """x divided by its norm of this order along an axis; zeros stay zeros.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.utils.normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    if isinstance(x, Tensor):
        return ops.normalize(x, axis=axis, order=order)
    x = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
