"""Softmax as a layer, with a mask."""

from __future__ import annotations

from kerasgpu import activations, ops
from kerasgpu.layers.layer import Layer

# Added to masked scores: exp of it is 0 in each dtype.
_LARGE_NEGATIVE = {"float16": -3e4}


class Softmax(Layer):
    """y = exp(x) / sum(exp(x)) over `axis` (an int, or several).

    Call arguments:
        inputs: scores.
        mask: bool, broadcastable to inputs; where False, y is 0 and x counts for nothing.

    >>> import kerasgpu as keras
    >>> keras.layers.Softmax()([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs, mask=None):
        if mask is not None:
            self._check_mask(inputs.shape, mask.shape)
            if mask.dtype != "bool":
                mask = ops.greater(mask, ops.cast(0.5, mask.dtype))
            inputs = ops.where(mask, inputs, ops.cast(_LARGE_NEGATIVE.get(inputs.dtype, -1e9), inputs.dtype))
        axis = self.axis
        if isinstance(axis, (tuple, list)):
            axis = axis[0] if len(axis) == 1 else tuple(axis)
        if isinstance(axis, tuple):
            outputs = ops.exp(inputs - ops.logsumexp(inputs, axis=axis, keepdims=True))
        else:
            outputs = activations.softmax(inputs, axis=axis)
        # Where the whole axis is masked, softmax is uniform: make it 0.
        return outputs if mask is None else ops.where(mask, outputs, ops.zeros_like(outputs))

    @staticmethod
    def _check_mask(shape, mask_shape):
        fits = len(mask_shape) <= len(shape)
        if not fits:
            raise ValueError(
                "The `mask` must be broadcastable to `inputs` and must not have more dimensions. Received: "
                f"inputs.shape={shape}, mask.shape={mask_shape}"
            )
        if any(m not in (1, n) for m, n in zip(mask_shape[::-1], shape[::-1])):
            raise ValueError(
                "The `mask` must be broadcastable to `inputs`. Each mask dimension must be 1 or match the corresponding "
                f"input dimension. Received: inputs.shape={shape}, mask.shape={mask_shape}"
            )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
