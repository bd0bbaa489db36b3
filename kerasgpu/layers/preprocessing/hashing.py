"""Hashing: strings or integers as the number of a bin."""

from __future__ import annotations

import numpy as np

from kerasgpu import config, ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import hashes, host
from kerasgpu.layers.preprocessing.encoding import refuse_sparse

_MODES = ("int", "one_hot", "multi_hot", "count")


def hash_key(salt, name):
    """The key of two numbers for a salt: None, a number, or two."""
    if salt is None:
        return None
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return list(salt)
    if isinstance(salt, (int, np.integer)):
        return [salt, salt]
    raise ValueError(
        f"The `salt` argument for `{name}` can only be a tuple of size 2 integers, or a single integer. Received: salt={salt}."
    )


class Hashing(Layer):
    """Strings or integers in one of num_bins bins, by a hash that is the same everywhere; no vocabulary is needed.

    Args:
        num_bins: number of bins, the masked one included.
        mask_value: a value that gets bin 0 for itself.
        salt: a number or two, for another hash (SipHash instead of FarmHash).
        output_mode: "int", or how bins are encoded: "one_hot", "multi_hot" or "count" (see `CategoryEncoding`).
        sparse: only False.

    >>> import kerasgpu as keras
    >>> keras.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().ravel().tolist()
    [1, 0, 1, 1, 2]
    """

    def __init__(self, num_bins, mask_value=None, salt=None, output_mode="int", sparse=False, **kwargs):
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                f"The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received: num_bins={num_bins}."
            )
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ValueError(
                f"When `output_mode=\"int\"`, `dtype` should be an integer type, 'int32' or 'int64'. Received: dtype="
                f"{kwargs['dtype']}"
            )
        if output_mode not in _MODES:
            raise ValueError(
                f"Invalid value for argument `output_mode`. Expected one of {_MODES}. Received: output_mode={output_mode}"
            )
        if sparse and output_mode == "int":
            raise ValueError(
                '`sparse` may only be true if `output_mode` is `"one_hot"`, `"multi_hot"`, or `"count"`. Received: '
                f"sparse={sparse} and output_mode={output_mode}"
            )
        refuse_sparse("Hashing", sparse)
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = hash_key(salt, "Hashing")
        self.output_mode = output_mode
        self.sparse = sparse
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    def call(self, inputs):
        values = host.as_array(inputs)
        masked = None
        count = self.num_bins
        if self.mask_value is not None and count > 1:
            masked = values == self.mask_value
            count -= 1
        if values.dtype.kind == "f":
            values = values.astype("int64")
        found = hashes.bins(values, count, self.salt)
        if masked is not None:
            found = np.where(masked, 0, found + 1)
        if self.output_mode != "int":
            found = host.encode(found, self.output_mode, self.num_bins)
        return ops.convert_to_tensor(found, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        if self.output_mode == "int":
            return tuple(input_shape)
        shape = tuple(input_shape)
        if self.output_mode == "one_hot" and (len(shape) == 1 or (shape and shape[-1] != 1)):
            return (*shape, self.num_bins)
        return (*shape[:-1], self.num_bins)

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self):
        names = ("num_bins", "salt", "mask_value", "output_mode", "sparse")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
