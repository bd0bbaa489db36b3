"""Embedding: a table of vectors, looked up by integers."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import ops, regularizers
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.arguments import add_weight_named, serialize_weight_arguments, set_weight_arguments
from kerasgpu.layers.core.lora import LoraWeight, check_quantization_config
from kerasgpu.layers.layer import Layer


def _check_size(name, value):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value} (of type {type(value).__name__}).")
    return value


class Embedding(LoraWeight, Layer):
    """Turn integers in [0, input_dim) into vectors of size output_dim: y = E[x].

    Args:
        input_dim: number of rows of E (vocabulary size; one more than the largest integer).
        output_dim: size of each vector.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of E.
        mask_zero: whether 0 stands for padding, to be masked in later layers.
        weights: initial E, an array (input_dim, output_dim).
        lora_rank, lora_alpha: see Dense.

    Shapes: x (batch, ...) integers, y (batch, ..., output_dim).

    >>> import kerasgpu as keras
    >>> keras.layers.Embedding(1000, 64)(keras.ops.ones((2, 10), dtype="int32")).shape
    (2, 10, 64)
    """

    _lora_target = "embeddings"

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        _check_size("input_dim", input_dim)
        _check_size("output_dim", output_dim)
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        super().__init__(**kwargs)
        check_quantization_config(self, quantization_config)
        self.input_dim = input_dim
        self.output_dim = output_dim
        set_weight_arguments(
            self,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # rows are cast after the lookup, not the whole table before it
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else lora_rank
        self.lora_enabled = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape=None):
        if self.built:
            return
        self._embeddings = add_weight_named(self, "embeddings", (self.input_dim, self.output_dim))
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def embeddings(self):
        """E, including the low-rank update if LoRA is on."""
        return self._effective_weight()

    def call(self, inputs):
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **serialize_weight_arguments(self, "embeddings"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
            **self._lora_config(),
        }
