"""Loss: what every loss class shares - dtype, mask, sample weights, reduction, config."""

from __future__ import annotations

import numpy as np

from kerasgpu import dtype_policies, ops
from kerasgpu.configs import serialization
from kerasgpu.engine import dtypes, naming, nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.losses.reduction import get_mask, reduce_weighted_values, squeeze_or_expand_to_same_rank, standardize_reduction


def policy_compute_dtype(dtype) -> str:
    """The dtype to compute in, from a dtype, a dtype policy, the name of either, or None (the default float)."""
    if dtype is None:
        return dtypes.floatx()
    found = getattr(dtype, "compute_dtype", None)
    if found is not None:
        return found
    try:
        return dtypes.standardize_dtype(dtype)
    except (ValueError, TypeError):
        return dtype_policies.get(dtype).compute_dtype


def _numbers_as_array(x):
    """Nested lists of numbers stand for an array; other lists and tuples for a structure of tensors."""
    if isinstance(x, (list, tuple)):
        leaf = x
        while isinstance(leaf, (list, tuple)) and leaf:
            leaf = leaf[0]
        if isinstance(leaf, (bool, int, float, np.generic)):
            return ops.convert_to_tensor(x)
    return x


class Loss:
    """Base class of losses. Subclasses implement `call(y_true, y_pred)`, which returns one value per sample.

    Args:
        name: default: the class name in snake case.
        reduction: "sum_over_batch_size" (the mean over all values; "mean" is the same), "sum", "mean_with_sample_weight"
            (divides by
            the sum of the weights), or "none"/None.
        dtype: dtype or dtype policy of the computation; default: the default float dtype.

    Calling a loss takes `sample_weight`: a number, or a tensor of shape `(batch,)` or of the shape of the values. A Keras mask
    on y_pred leaves masked entries out.

    >>> import kerasgpu as keras
    >>> class Cubed(keras.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)
    >>> float(Cubed()([[0.0, 2.0]], [[1.0, 1.0]]))
    1.0
    """

    # Losses that read labels as class numbers take integer y_true as it is.
    _takes_integer_labels = False

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or naming.auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype
        self._dtype = policy_compute_dtype(dtype)

    @property
    def dtype(self):
        return self._dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        mask = get_mask(y_pred)
        with naming.name_scope(self.name.replace("/", ">")):
            y_pred = nest.map_structure(self._convert, _numbers_as_array(y_pred))
            y_true = nest.map_structure(self._convert_label, _numbers_as_array(y_true))
            values = self.call(y_true, y_pred)
            if values is None:
                raise ValueError(f"loss {self.name!r} returned None: return one value per sample")
            out_mask = get_mask(values)
            if out_mask is not None:
                mask = out_mask if mask is None else ops.logical_and(mask, out_mask)
            return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def _convert(self, x):
        return ops.convert_to_tensor(x, dtype=self.dtype)

    def _convert_label(self, x):
        if self._takes_integer_labels and isinstance(x, Tensor) and dtypes.is_int(x.dtype):
            return x
        return self._convert(x)

    def call(self, y_true, y_pred):
        raise NotImplementedError(f"{type(self).__name__} must implement call(y_true, y_pred)")

    def get_config(self):
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def _obj_type(self):
        return "Loss"


class LossFunctionWrapper(Loss):
    """A Loss around a function fn(y_true, y_pred, **kwargs) that returns one value per sample.

    >>> import kerasgpu as keras
    >>> from kerasgpu.losses import LossFunctionWrapper
    >>> loss = LossFunctionWrapper(keras.losses.huber, delta=2.0)
    >>> float(loss([[0.0]], [[1.0]]))
    0.5
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true, y_pred):
        if nest.is_nested(y_true) or nest.is_nested(y_pred):
            pairs = list(zip(nest.flatten(y_true), nest.flatten(y_pred)))
            pairs = [squeeze_or_expand_to_same_rank(t, p) for t, p in pairs]
            y_true = nest.pack_sequence_as(y_true, [t for t, _ in pairs])
            y_pred = nest.pack_sequence_as(y_pred, [p for _, p in pairs])
        else:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        config = super().get_config()
        config["fn"] = serialization.serialize_keras_object(self.fn)
        config.update(serialization.serialize_keras_object(self._fn_kwargs))
        return config

    @classmethod
    def from_config(cls, config):
        if "fn" in config:
            config = serialization.deserialize_keras_object(config)
        return cls(**config)

    def __repr__(self):
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


class FunctionLoss(LossFunctionWrapper):
    """A LossFunctionWrapper around a fixed function: its config is the name, the reduction, and what `_config_keys` lists."""

    _config_keys: tuple = ()

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(fn, reduction, name, dtype, **kwargs)
        self.__dict__.update(kwargs)

    def get_config(self):
        config = Loss.get_config(self)
        config.update({key: self._fn_kwargs[key] for key in self._config_keys})
        return config


def as_float_pair(y_true, y_pred):
    """(y_true, y_pred) as tensors of y_pred's dtype."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred


def as_aligned_pair(y_true, y_pred):
    """(y_true, y_pred) as tensors of y_pred's dtype and of equal rank."""
    return squeeze_or_expand_to_same_rank(*as_float_pair(y_true, y_pred))
