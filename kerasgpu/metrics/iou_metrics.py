"""Intersection over union of segmentations, from a confusion matrix kept over all batches."""

from __future__ import annotations

import warnings

from kerasgpu import config, ops
from kerasgpu.metrics.metric import Metric
from kerasgpu.metrics.thresholds import confusion_matrix
from kerasgpu.ops.primitives.labels import check_finite


class IoUBase(Metric):
    """The confusion matrix (rows: labels, columns: predictions) that all IoU metrics accumulate."""

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(name=name, dtype=dtype or "int")
        self._direction = "up"
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            name="total_confusion_matrix", shape=(num_classes, num_classes), initializer="zeros", dtype=self.dtype
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Class numbers, or scores per class along `axis` where sparse_... is False. Numbers that are no class are left out."""
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true, y_pred = (check_finite(ops.convert_to_tensor(y), f"metric '{self.name}'") for y in (y_true, y_pred))
        y_true = ops.reshape(ops.cast(y_true, self.dtype), (-1,))
        y_pred = ops.reshape(ops.cast(y_pred, self.dtype), (-1,))
        if sample_weight is None:
            weight = ops.ones(y_true.shape, dtype=self.dtype)
        else:
            if "float" in str(getattr(sample_weight, "dtype", "")) and "int" in self.dtype:
                warnings.warn(
                    "You are passing weight as `float`, but dtype is `int`. This may result in an incorrect weight due to type "
                    "casting Consider using integer weights.",
                    stacklevel=3,
                )
            weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            weight = ops.reshape(weight, (-1,)) if len(weight.shape) > 1 else weight
            weight = ops.broadcast_to(weight, y_true.shape)
        valid = ops.logical_and(self._is_class(y_true), self._is_class(y_pred))
        if self.ignore_class is not None:
            valid = ops.logical_and(valid, ops.not_equal(y_true, self.ignore_class))
        zero = ops.zeros_like(y_true)
        self.total_cm.assign_add(
            confusion_matrix(
                ops.where(valid, y_true, zero),
                ops.where(valid, y_pred, zero),
                self.num_classes,
                weights=ops.where(valid, weight, zero),
                dtype=self.dtype,
            )
        )

    def _is_class(self, labels):
        return ops.logical_and(ops.greater_equal(labels, 0), ops.less(labels, self.num_classes))

    def reset_state(self):
        self.total_cm.assign(ops.zeros(self.total_cm.shape, dtype=self.total_cm.dtype))


class IoU(IoUBase):
    """true positives / (true positives + false positives + false negatives), averaged over chosen classes that occur.

    Args:
        num_classes: labels and predictions are in [0, num_classes).
        target_class_ids: classes to average over; ValueError if one is >= num_classes.
        name, dtype: see Metric; the default dtype counts in integers.
        ignore_class: label to leave out.
        sparse_y_true, sparse_y_pred: whether these are class numbers; if not, scores per class.
        axis: of the classes in scores.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.IoU(num_classes=2, target_class_ids=[0])
    >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(
            num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )
        if max(target_class_ids) >= num_classes:
            raise ValueError(f"Target class id {max(target_class_ids)} is out of range, which is [0, {num_classes}).")
        self.target_class_ids = list(target_class_ids)

    def result(self):
        matrix = ops.cast(self.total_cm, "float32")
        found = ops.diag(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - found
        classes = ops.convert_to_tensor(self.target_class_ids, dtype="int32")
        found, union = ops.take(found, classes, axis=0), ops.take(union, classes, axis=0)
        occurs = union > 1e-9
        epsilon = config.epsilon()
        iou = ops.where(occurs, found / (union + epsilon), 0.0)
        return ops.sum(iou) / (ops.sum(ops.cast(occurs, "float32")) + epsilon)

    def get_config(self):
        return {**super().get_config(), **self._config_of("target_class_ids", "sparse_y_true", "sparse_y_pred")}

    def _config_of(self, *keys):
        keys = ("num_classes", "ignore_class", "axis", *keys)
        return {"name": self.name, "dtype": self.dtype, **{key: getattr(self, key) for key in keys}}


class BinaryIoU(IoU):
    """IoU of two classes, from probabilities and a threshold.

    Args: target_class_ids: (0, 1), (0,) or (1,); threshold: from which a prediction is class 1; name, dtype: see IoU.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.BinaryIoU(target_class_ids=[0, 1], threshold=0.3)
    >>> metric.update_state([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.cast(ops.convert_to_tensor(y_pred, dtype="float32") >= self.threshold, self.dtype)
        return super().update_state(y_true, y_pred, sample_weight)

    def get_config(self):
        return {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


class MeanIoU(IoU):
    """The mean IoU over all classes that occur.

    Args: see IoU.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanIoU(num_classes=2)
    >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(
            num_classes,
            list(range(num_classes)),
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        return self._config_of("sparse_y_true", "sparse_y_pred")


class OneHotIoU(IoU):
    """IoU of one-hot labels.

    Args: see IoU; sparse_y_pred: whether predictions are class numbers instead of scores.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.OneHotIoU(num_classes=2, target_class_ids=[0, 1])
    >>> metric.update_state([[1, 0], [0, 1]], [[0.8, 0.2], [0.3, 0.7]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(
            num_classes,
            target_class_ids,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        return self._config_of("target_class_ids", "sparse_y_pred")


class OneHotMeanIoU(MeanIoU):
    """The mean IoU over all classes, of one-hot labels.

    Args: see IoU; sparse_y_pred: whether predictions are class numbers instead of scores.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.OneHotMeanIoU(num_classes=2)
    >>> metric.update_state([[1, 0], [0, 1]], [[0.8, 0.2], [0.3, 0.7]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(
            num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self):
        return self._config_of("sparse_y_pred")
