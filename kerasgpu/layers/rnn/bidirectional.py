"""Bidirectional: a recurrent layer and its mirror image over the same sequences."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.layers.call_spec import is_tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.rnn.sequence_arguments import split_inputs
from kerasgpu.layers.shapes import get_mask

_MERGES = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
    None: lambda a, b: (a, b),
}


def _copy(layer, prefix, **changes):
    """A new layer with the config of `layer`, its name with the prefix."""
    entry = serialize_keras_object(layer)
    entry["config"] = {**entry["config"], "name": f"{prefix}{layer.name.removeprefix(prefix)}", **changes}
    made = deserialize_keras_object(entry)
    if hasattr(layer, "use_cudnn"):
        made.use_cudnn = layer.use_cudnn  # configs do not have it
    return made


class Bidirectional(Layer):
    """Two recurrent layers, one of which reads the sequences backwards, with their outputs merged step by step.

    Args:
        layer: a recurrent layer, of which the forward layer is a copy with weights of its own.
        merge_mode: "concat", "sum", "mul", "ave", or None for a tuple of both outputs.
        weights: values for the weights of both, forward first; or None.
        backward_layer: the layer that reads backwards, with `go_backwards=True`; a copy of `layer` when None.

    `initial_state` is a list of the states of the forward layer, then those of the backward layer; so are the returned ones with
    `return_state`. Outputs of masked steps are 0 with `return_sequences`.

    >>> import kerasgpu as keras
    >>> keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(keras.ops.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(f"Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. Received: {layer}")
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(f"`backward_layer` need to be a `keras.layers.Layer` instance. Received: {backward_layer}")
        if merge_mode not in _MERGES:
            raise ValueError(f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of {list(_MERGES)}")
        super().__init__(**kwargs)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = _copy(layer, "backward_", go_backwards=True) if backward_layer is None else backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self._first_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_pair(self):
        a, b = self.forward_layer, self.backward_layer
        if a.go_backwards == b.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. Received: "
                f"forward_layer.go_backwards {a.go_backwards}, backward_layer.go_backwards={b.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(a, name) != getattr(b, name):
                raise ValueError(
                    f'Forward layer and backward layer are expected to have the same value for attribute "{name}", got '
                    f'"{getattr(a, name)}" for forward layer and "{getattr(b, name)}" for backward layer'
                )

    def build(self, sequences_shape, initial_state_shape=None):
        for one in (self.forward_layer, self.backward_layer):
            if not one.built:
                one.build(sequences_shape)
        if self._first_weights:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])
            self._first_weights = None

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        shape, states = (shape[0], tuple(shape[1:]) * 2) if self.return_state else (shape, ())
        if self.merge_mode is None:
            return (shape, shape, *states)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        return (shape, *states) if self.return_state else shape

    def compute_mask(self, _, mask):
        mask = nest.flatten(mask)[0] if self.return_sequences else None
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        if self.return_state:
            return masks + (None,) * (2 * len(nest.flatten(list(self.forward_layer.state_size))))
        return masks if self.merge_mode is None else mask

    @property
    def states(self):
        """The states kept by stateful layers, forward first; None without any."""
        a, b = self.forward_layer.states, self.backward_layer.states
        return (*a, *b) if a and b else None

    def reset_state(self):
        """Set the states that stateful layers keep between batches to 0."""
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "reset_state"):
                one.reset_state()

    def reset_states(self):
        """Another name of `reset_state`."""
        self.reset_state()

    def __call__(self, sequences, *args, **kwargs):
        if isinstance(sequences, (list, tuple)) and len(sequences) > 1 and all(is_tensor(x) for x in nest.flatten(sequences)):
            sequences, kwargs["initial_state"] = split_inputs(self, sequences, args, kwargs)
        return super().__call__(sequences, *args, **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=None):
        mask = get_mask(sequences) if mask is None else mask
        states: tuple = (None, None)
        if initial_state is not None:
            if not isinstance(initial_state, (list, tuple)) or len(initial_state) % 2:
                raise ValueError(
                    f"Layer '{self.name}' (Bidirectional) needs `initial_state` as a list: the states of its forward layer, then as many "
                    f"of its backward layer. Received: initial_state={initial_state}"
                )
            half = len(initial_state) // 2
            states = (list(initial_state[:half]), list(initial_state[half:]))
        found = []
        for one, own in zip((self.forward_layer, self.backward_layer), states):
            more = {"training": training} if one._call_has_training_arg else {}
            if one._call_has_mask_arg:
                more["mask"] = mask
            if own is not None:
                more["initial_state"] = own
            found.append(one(sequences, **more))
        ends: tuple = ()
        if self.return_state:
            ends = (*found[0][1:], *found[1][1:])
            found = [found[0][0], found[1][0]]
        y, backward = (ops.cast(one, self.compute_dtype) for one in found)
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        merged = _MERGES[self.merge_mode](y, backward)
        if not self.return_state:
            return merged
        return (*merged, *ends) if self.merge_mode is None else (merged, *ends)

    def get_config(self):
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = cls._with_dtype_policy(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)
