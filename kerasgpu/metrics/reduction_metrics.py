"""Sums and means of values, weighted: what most metrics are made of."""

from __future__ import annotations

import inspect

from kerasgpu import losses, ops
from kerasgpu.configs import serialization
from kerasgpu.losses.reduction import apply_mask, get_mask, squeeze_or_expand_to_same_rank
from kerasgpu.metrics.metric import Metric


def reduce_to_samplewise_values(values, sample_weight, reduce_fn, dtype):
    """(values, weights), weighted and reduced over all axes but the first; weights None when there are none.

    A weight may have fewer axes than values: values are then reduced over the last ones before they are weighted.
    """
    mask = get_mask(values)
    values = ops.cast(values, dtype)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, dtype=dtype, reduction="sum")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        weight_rank = len(sample_weight.shape)
        if len(values.shape) > weight_rank:
            values = reduce_fn(values, axis=tuple(range(weight_rank, len(values.shape))))
        sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        if weight_rank > 1:
            sample_weight = reduce_fn(sample_weight, axis=tuple(range(1, weight_rank)))
    if len(values.shape) > 1:
        values = reduce_fn(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight


class Sum(Metric):
    """The (weighted) sum of all values.

    Args: name, dtype: see Metric. `update_state(values, sample_weight=None)` takes any shape.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Sum()
    >>> metric.update_state([1.0, 3.0, 5.0])
    >>> float(metric.result())
    9.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(shape=(), initializer="zeros", dtype=self.dtype, name="total")

    def update_state(self, values, sample_weight=None):
        if sample_weight is None:
            values = ops.cast(values, self.dtype)
        else:
            values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def reset_state(self):
        self.total.assign(0)

    def result(self):
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """The (weighted) mean of all values: total / count, where a weighted value counts as its weight.

    Args: name, dtype: see Metric. `update_state(values, sample_weight=None)` takes any shape; values of one sample are
    averaged.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Mean()
    >>> metric.update_state([1.0, 3.0, 5.0, 7.0])
    >>> float(metric.result())
    4.0
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(shape=(), initializer="zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", dtype=self.dtype, name="count")

    def update_state(self, values, sample_weight=None):
        values, sample_weight = reduce_to_samplewise_values(values, sample_weight, ops.mean, self.dtype)
        if sample_weight is not None:
            count = ops.sum(sample_weight)
        else:
            count = values.shape[0] if len(values.shape) else 1
        self.total.assign_add(ops.sum(values) if len(values.shape) else values)
        self.count.assign_add(count)

    def reset_state(self):
        self.total.assign(0)
        self.count.assign(0)

    def result(self):
        return ops.divide_no_nan(self.total, ops.cast(self.count, self.dtype))


class MeanMetricWrapper(Mean):
    """The mean of a function fn(y_true, y_pred, **kwargs) that returns values per sample.

    Args: fn: the function; name, dtype: see Metric; kwargs: further arguments of fn. A Keras mask on y_pred leaves masked
    entries out.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanMetricWrapper(keras.losses.huber, delta=2.0)
    >>> metric.update_state([[0.0]], [[1.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if _is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = get_mask(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if values is None:
            raise ValueError(f"metric {self.name!r} returned None: return one value per sample")
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, dtype=self.dtype, reduction="sum")
        return super().update_state(values, sample_weight=sample_weight)

    def get_config(self):
        config = {"fn": serialization.serialize_keras_object(self._fn)}
        config.update(serialization.serialize_keras_object(self._fn_kwargs))
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        if "fn" in config:
            config = serialization.deserialize_keras_object(config)
        return cls(**config)


def _is_loss(fn):
    try:
        return fn in losses.ALL_OBJECTS or type(fn) in losses.ALL_OBJECTS
    except TypeError:
        return False


class FunctionMetric(MeanMetricWrapper):
    """A MeanMetricWrapper around a fixed function: its config is the name, the dtype, and the function's arguments."""

    def __init__(self, fn, name, dtype, direction="down", **kwargs):
        super().__init__(fn, name, dtype, **kwargs)
        self._direction = direction
        for key, value in kwargs.items():
            setattr(self, key, value)

    def get_config(self):
        config = {"name": self.name, "dtype": self.dtype}
        accepted = inspect.signature(type(self).__init__).parameters
        config.update({key: value for key, value in self._fn_kwargs.items() if key in accepted})
        return config
