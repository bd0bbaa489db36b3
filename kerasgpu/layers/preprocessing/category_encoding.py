"""CategoryEncoding: integers as indicator vectors or counts."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing.encoding import OUTPUT_MODES, encode, refuse_sparse


class CategoryEncoding(Layer):
    """Integers in [0, num_tokens) as vectors of length num_tokens. Others are left out.

    Args:
        num_tokens: number of classes, >= 1.
        output_mode: "one_hot" (a vector for each integer), "multi_hot" (a 1 at each class of a sample, the last axis), or
            "count" (how often each class occurs in it; `count_weights` of the call is what each occurrence counts).
        sparse: only False.

    >>> import kerasgpu as keras
    >>> keras.layers.CategoryEncoding(3, output_mode="count")([[0, 2, 2], [1, 1, 1]]).tolist()
    [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]
    """

    def __init__(self, num_tokens=None, output_mode="multi_hot", sparse=False, **kwargs):
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode  # the name of Keras 2
        if output_mode not in OUTPUT_MODES:
            raise ValueError(f"Unknown arg for output_mode: {output_mode}. It must be one of {OUTPUT_MODES}")
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known beforehand, use the "
                "IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        refuse_sparse("CategoryEncoding", sparse)
        self.num_tokens = num_tokens
        self.output_mode = output_mode
        self.sparse = sparse
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False  # large integers would not survive a trip through a float dtype

    def call(self, inputs, count_weights=None):
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    f"`count_weights` is not used when `output_mode` is not `'count'`. Received `count_weights={count_weights}`."
                )
            count_weights = ops.convert_to_tensor(count_weights, dtype=self.compute_dtype)
        inputs = ops.convert_to_tensor(inputs)
        return encode(inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def compute_output_shape(self, input_shape):
        shape = tuple(input_shape)
        if self.output_mode == "one_hot" and (len(shape) == 1 or (shape and shape[-1] != 1)):
            return (*shape, self.num_tokens)
        return (*shape[:-1], self.num_tokens)

    def get_config(self):
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
