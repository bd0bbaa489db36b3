"""How often predictions are right: of equal values, of the most probable class, of the k most probable ones."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.losses.loss import as_aligned_pair
from kerasgpu.losses.reduction import squeeze_or_expand_to_same_rank
from kerasgpu.metrics.reduction_metrics import FunctionMetric
from kerasgpu.ops.primitives.labels import check_finite


def _as_values(matches):
    return ops.cast(matches, dtypes.floatx())


def accuracy(y_true, y_pred):
    """1 where y_true equals y_pred, else 0; of their shape.

    >>> from kerasgpu.metrics.accuracy_metrics import accuracy
    >>> accuracy([1, 2], [1, 3]).numpy()
    array([1., 0.], dtype=float32)
    """
    return _as_values(ops.equal(*as_aligned_pair(y_true, y_pred)))


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where (y_pred > threshold) equals y_true, else 0.

    Args: y_true: labels 0/1; y_pred: probabilities of that shape; threshold.

    >>> import kerasgpu as keras
    >>> keras.metrics.binary_accuracy([1, 0], [0.9, 0.8]).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    y_pred = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return _as_values(ops.equal(y_true, y_pred))


def categorical_accuracy(y_true, y_pred):
    """1 where the largest entries of y_true and y_pred, both of shape `(..., classes)`, are at the same place, else 0.

    >>> import kerasgpu as keras
    >>> keras.metrics.categorical_accuracy([[0, 1]], [[0.1, 0.9]]).numpy()
    array([1.], dtype=float32)
    """
    y_true = ops.argmax(y_true, axis=-1)
    shape = y_true.shape
    y_pred = ops.convert_to_tensor(y_pred)
    flat = len(shape) == len(y_pred.shape)
    if flat:
        y_true = ops.squeeze(y_true, -1)
    matches = _as_values(ops.equal(y_true, ops.argmax(y_pred, axis=-1)))
    return ops.reshape(matches, shape) if flat else matches


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest entry of y_pred is the class number y_true, else 0.

    Args: y_true: class numbers, shape `(...)` or `(..., 1)`; y_pred: probabilities, shape `(..., classes)`.

    >>> import kerasgpu as keras
    >>> keras.metrics.sparse_categorical_accuracy([1], [[0.1, 0.9]]).numpy()
    array([1.], dtype=float32)
    """
    y_true, y_pred = check_finite(ops.convert_to_tensor(y_true), "sparse_categorical_accuracy"), ops.convert_to_tensor(y_pred)
    shape = y_true.shape
    column = len(shape) == len(y_pred.shape) and shape[-1] == 1
    if column:
        y_true = ops.squeeze(y_true, -1)
    found = ops.argmax(y_pred, axis=-1)
    if found.dtype != y_true.dtype:
        found = ops.cast(found, y_true.dtype)
    matches = _as_values(ops.equal(y_true, found))
    if column:
        matches = ops.reshape(matches, shape)
    if len(matches.shape) > 1 and matches.shape[-1] == 1:
        matches = ops.squeeze(matches, -1)
    return matches


def _flat_top_k(y_true, y_pred):
    """(labels of rank 1, predictions of rank 2, the shape to give back or None)."""
    shape = y_true.shape if len(y_true.shape) > 1 else None
    if len(y_pred.shape) > 2:
        y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    return y_true if shape is None else ops.reshape(y_true, (-1,)), y_pred, shape


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the largest entry of y_true is among the k largest of y_pred, else 0.

    Args: y_true: one-hot labels, shape `(..., classes)`; y_pred: probabilities of that shape; k.

    >>> import kerasgpu as keras
    >>> keras.metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.6, 0.3]], k=2).numpy()
    array([1.], dtype=float32)
    """
    y_true, y_pred = ops.argmax(y_true, axis=-1), ops.convert_to_tensor(y_pred)
    y_true, y_pred, shape = _flat_top_k(y_true, y_pred)
    matches = _as_values(ops.in_top_k(ops.cast(y_true, "int32"), y_pred, k=k))
    return matches if shape is None else ops.reshape(matches, shape)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the class number y_true is among the k most probable, else 0.

    Args: y_true: class numbers, shape `(...)`; y_pred: probabilities, shape `(..., classes)`, or with from_sorted_ids class
    numbers in
    order of probability; k.

    >>> import kerasgpu as keras
    >>> keras.metrics.sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2).numpy()
    array([1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = check_finite(ops.convert_to_tensor(y_true), "sparse_top_k_categorical_accuracy")
    y_true = ops.cast(y_true, y_pred.dtype if from_sorted_ids else "int32")
    y_true, y_pred, shape = _flat_top_k(y_true, y_pred)
    if from_sorted_ids:
        matches = ops.any(ops.equal(ops.expand_dims(y_true, axis=1), y_pred[:, :k]), axis=1)
    else:
        matches = ops.in_top_k(y_true, y_pred, k=k)
    matches = _as_values(matches)
    return matches if shape is None else ops.reshape(matches, shape)


class Accuracy(FunctionMetric):
    """How often y_pred equals y_true.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Accuracy()
    >>> metric.update_state([1, 2, 3, 4], [0, 2, 3, 4])
    >>> float(metric.result())
    0.75
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype, direction="up")


class BinaryAccuracy(FunctionMetric):
    """How often (y_pred > threshold) equals y_true.

    Args: name, dtype: see Metric; threshold.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.BinaryAccuracy()
    >>> metric.update_state([1, 1, 0, 0], [0.98, 1.0, 0.0, 0.6])
    >>> float(metric.result())
    0.75
    """

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(binary_accuracy, name, dtype, direction="up", threshold=threshold)


class CategoricalAccuracy(FunctionMetric):
    """How often the most probable class is the one of the one-hot label.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.CategoricalAccuracy()
    >>> metric.update_state([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype, direction="up")


class SparseCategoricalAccuracy(FunctionMetric):
    """How often the most probable class is the integer label.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SparseCategoricalAccuracy()
    >>> metric.update_state([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype, direction="up")


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the class of the one-hot label is among the k most probable.

    Args: k; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.TopKCategoricalAccuracy(k=1)
    >>> metric.update_state([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, direction="up", k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the integer label is among the k most probable classes.

    Args: k; name, dtype: see Metric; from_sorted_ids: y_pred holds class numbers in order of probability instead of
    probabilities.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SparseTopKCategoricalAccuracy(k=1)
    >>> metric.update_state([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, direction="up", k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self):
        config = super().get_config()
        if not self.from_sorted_ids:
            del config["from_sorted_ids"]
        return config
