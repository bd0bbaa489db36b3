"""Cross-entropies and divergences between distributions.

Probabilities that a softmax or sigmoid activation made are traced back to their logits by keras.ops, so that no precision
is lost.
"""

from __future__ import annotations

import warnings

from kerasgpu import config, ops
from kerasgpu.losses.loss import FunctionLoss, as_float_pair
from kerasgpu.losses.reduction import set_mask
from kerasgpu.ops.primitives.labels import class_numbers


def check_class_axis(axis, y_pred, name):
    """Refuse what is no axis of y_pred, and a bool (an old argument order); warn about a single class."""
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}")
    if not -y_pred.ndim <= axis < y_pred.ndim:
        raise ValueError(f"{name}: axis={axis} is out of range for y_pred of shape {y_pred.shape}")
    if y_pred.shape[axis] == 1:
        warnings.warn(
            f"In loss {name}, expected y_pred.shape to be (batch_size, num_classes) with num_classes > 1. Received: "
            f"y_pred.shape={y_pred.shape}. Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=3,
        )


def smooth_one_hot(y_true, label_smoothing, axis=-1):
    """One-hot labels along `axis` moved towards the uniform distribution by label_smoothing (Szegedy et al. 2016)."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[axis]


def smooth_binary(y_true, label_smoothing):
    """Labels 0/1 moved towards 0.5 by label_smoothing."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true * log(y_pred)) over the class axis.

    Args:
        y_true: one-hot labels or probabilities, shape `(batch, ..., classes)`.
        y_pred: probabilities (or logits) of that shape.
        from_logits: whether y_pred holds logits.
        label_smoothing: in [0, 1].
        axis: the class axis.

    >>> import kerasgpu as keras
    >>> keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.0, 1.0]]).shape
    (1,)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    check_class_axis(axis, y_pred, "categorical_crossentropy")
    y_true = smooth_one_hot(y_true, label_smoothing, axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log(y_pred[y_true]) for integer labels.

    Args:
        y_true: class numbers, shape `(batch, ...)` (or with a last dimension of 1).
        y_pred: probabilities (or logits), shape `(batch, ..., classes)`.
        from_logits: whether y_pred holds logits.
        ignore_class: label whose entries count 0 and are masked out of a mean; default: none.
        axis: the class axis.

    >>> import kerasgpu as keras
    >>> keras.losses.sparse_categorical_crossentropy([1], [[0.0, 1.0]]).shape
    (1,)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
        y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
        y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, ops.zeros_like(y_pred))
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    if valid is not None:
        values = ops.where(valid, values, ops.zeros_like(values))
        set_mask(values, valid)
    return values


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) over `axis`.

    Args:
        y_true: labels 0/1, shape `(batch, d0, ..., dN)`.
        y_pred: probabilities (or logits) of that shape.
        from_logits: whether y_pred holds logits.
        label_smoothing: in [0, 1]; labels move towards 0.5.
        axis: averaged over.

    >>> import kerasgpu as keras
    >>> keras.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).shape
    (1,)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    y_true = smooth_binary(y_true, label_smoothing)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis, both clipped to [epsilon, 1].

    Args: y_true, y_pred: distributions, shape `(batch, ..., classes)`.

    >>> import kerasgpu as keras
    >>> keras.losses.kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).numpy()
    array([0.], dtype=float32)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    y_true = ops.clip(y_true, config.epsilon(), 1)
    y_pred = ops.clip(y_pred, config.epsilon(), 1)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred + epsilon)) over the last axis: a Poisson likelihood of counts.

    Args: y_true: counts, shape `(batch, d0, ..., dN)`; y_pred: expected counts of that shape.

    >>> import kerasgpu as keras
    >>> keras.losses.poisson([[0.0, 0.0]], [[1.0, 2.0]]).numpy()
    array([1.5], dtype=float32)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - y_pred[y_true]^q) / q for integer labels: cross-entropy as q -> 0, absolute error at q = 1 (Zhang & Sabuncu 2018).

    Args: y_true: class numbers, shape `(batch,)`; y_pred: probabilities, shape `(batch, classes)`; q: in (0, 1).

    >>> import kerasgpu as keras
    >>> keras.losses.categorical_generalized_cross_entropy([1], [[0.0, 1.0]], q=0.5).numpy()
    array([0.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    one_hot = ops.one_hot(
        class_numbers(y_true, "categorical_generalized_cross_entropy", "int32"),
        num_classes=y_pred.shape[-1],
        dtype=y_pred.dtype,
    )
    p = ops.sum(y_pred * one_hot, axis=-1)
    zero = ops.equal(p, 0)  # the slope of p^q there is infinite, and that of a softmax that gave 0 is 0
    return (1.0 - ops.where(zero, 0.0, ops.power(ops.where(zero, 1.0, p), q))) / q


class CategoricalCrossentropy(FunctionLoss):
    """-sum(y_true * log(y_pred)) for one-hot labels.

    Args: from_logits: whether y_pred holds logits; label_smoothing: in [0, 1]; axis: of the classes; reduction, name,
    dtype: see Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    >>> round(float(loss([[0.0, 1.0]], [[0.0, 0.0]])), 4)
    0.6931
    """

    _config_keys = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(FunctionLoss):
    """-log(y_pred[y_true]) for integer labels.

    Args: from_logits: whether y_pred holds logits; ignore_class: label to leave out; axis: of the classes; reduction, name,
    dtype: see
    Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> round(float(loss([1], [[0.0, 0.0]])), 4)
    0.6931
    """

    _config_keys = ("from_logits", "ignore_class", "axis")
    _takes_integer_labels = True

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class BinaryCrossentropy(FunctionLoss):
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)).

    Args: from_logits: whether y_pred holds logits; label_smoothing: in [0, 1]; axis: averaged over; reduction, name, dtype:
    see Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.BinaryCrossentropy(from_logits=True)
    >>> round(float(loss([[0.0, 1.0]], [[0.0, 0.0]])), 4)
    0.6931
    """

    _config_keys = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_crossentropy, reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


class KLDivergence(FunctionLoss):
    """sum(y_true * log(y_true / y_pred)).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
    0.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, name=name, reduction=reduction, dtype=dtype)


class Poisson(FunctionLoss):
    """mean(y_pred - y_true * log(y_pred)), for counts.

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.Poisson()([[0.0, 0.0]], [[1.0, 2.0]]))
    1.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, name=name, reduction=reduction, dtype=dtype)


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """(1 - y_pred[y_true]^q) / q, robust to wrong labels (Zhang & Sabuncu 2018). ValueError unless 0 < q < 1.

    Args: q: in (0, 1); smaller is closer to the cross-entropy; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.0, 1.0]]))
    0.0
    """

    _config_keys = ("q",)
    _takes_integer_labels = True

    def __init__(self, q=0.5, reduction="sum_over_batch_size", name="categorical_generalized_cross_entropy", dtype=None):
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, name=name, reduction=reduction, dtype=dtype, q=q)
