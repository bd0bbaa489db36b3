"""TimeDistributed: the same layer at each time step."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.core.wrapper import Wrapper
from kerasgpu.layers.layer import Layer


class TimeDistributed(Wrapper):
    """Apply `layer` to x[:, t] for every t.

    Args:
        layer: layer for inputs of shape (batch, ...).

    Shapes: x (batch, time, ...), y (batch, time, *shape of the layer's output without its batch axis). A mask is (batch,
    time, ...).

    >>> import kerasgpu as keras
    >>> keras.layers.TimeDistributed(keras.layers.Dense(2))(keras.ops.ones((4, 5, 3))).shape
    (4, 5, 2)
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance. Received: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    @staticmethod
    def _step_shape(input_shape):
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 3:
            raise ValueError(
                f"`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: {input_shape}"
            )
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape):
        step = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (step[0], input_shape[1], *step[1:])

    def build(self, input_shape):
        super().build(self._step_shape(input_shape))

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            self._check_mask(inputs.shape, mask.shape)
        layer = self.layer
        given = {"training": training} if layer._call_has_training_arg else {}
        with_mask = layer._call_has_mask_arg and mask is not None
        batch, time = inputs.shape[:2]
        if not layer.non_trainable_weights or not layer.trainable:
            # Steps do not influence each other: all of them in one call.
            if with_mask:
                given["mask"] = ops.reshape(mask, (batch * time, *mask.shape[2:]))
            out = layer.call(ops.reshape(inputs, (batch * time, *inputs.shape[2:])), **given)
            return ops.reshape(out, (batch, time, *out.shape[1:]))
        # A layer that updates statistics sees one step after the other.
        steps = [layer.call(inputs[:, t], **given, **({"mask": mask[:, t]} if with_mask else {})) for t in range(time)]
        return ops.stack(steps, axis=1)

    @staticmethod
    def _check_mask(input_shape, mask_shape):
        start = "The `mask` passed to the `TimeDistributed` layer "
        if len(mask_shape) < 2:
            raise ValueError(
                f"{start}must be at least 2D (e.g., `(batch_size, timesteps)`), but it has {len(mask_shape)} dimension(s) "
                f"with shape {mask_shape}."
            )
        if tuple(mask_shape[:2]) != tuple(input_shape[:2]):
            raise ValueError(
                f"{start}has a shape {mask_shape} that is incompatible with the input shape {input_shape}. The first two "
                "dimensions of the mask (batch size and timesteps) must match the input's first two dimensions. Expected "
                f"mask shape prefix: ({input_shape[0]}, {input_shape[1]})."
            )
