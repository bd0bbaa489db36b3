"""RNN: a cell over the steps of a sequence. Everything around the steps is here: states, masks, shapes, configuration."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.engine.variable import Variable
from kerasgpu.layers.call_spec import is_tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.rnn.cells import drops, fresh_masks, splits_steps
from kerasgpu.layers.rnn.sequence_arguments import checked_mask, checked_states, split_inputs
from kerasgpu.layers.rnn.stacked_rnn_cells import StackedRNNCells, initial_state_of, output_size_of
from kerasgpu.layers.rnn.time_loop import run_steps
from kerasgpu.layers.shapes import get_mask
from kerasgpu.layers.tracking import DotNotTrackScope


class RNN(Layer):
    """A cell over the steps of a sequence.

    Args:
        cell: a layer or object with `call(inputs, states)`, which returns (output, new states), and `state_size`, an int or a list of
            ints. It may have `get_initial_state(batch_size)` and `output_size`. A list of cells becomes a StackedRNNCells.
        return_sequences: whether the outputs of all steps are returned, or that of the last one.
        return_state: whether the last states are returned too, after the output.
        go_backwards: whether the last step comes first; outputs are in the order in which they were made.
        stateful: whether a batch starts from the states that the batch before ended with; see `reset_state`. Every batch then has the
            same size.
        unroll: accepted; steps are always recorded one after the other.
        zero_output_for_mask: whether outputs of masked steps are 0; otherwise they are those of the step before.

    Call arguments: sequences (batch, time, ...), initial_state (a list of states), mask (batch, time), True where a step counts,
    training. `layer([x, *states])` is `layer(x, initial_state=states)`.
    Returns y (batch, output size), or (batch, time, output size) with `return_sequences`; with `return_state` (y, *states).

    >>> import kerasgpu as keras
    >>> class Sum(keras.layers.Layer):
    ...     state_size = 3
    ...     def call(self, inputs, states):
    ...         total = inputs + states[0]
    ...         return total, [total]
    >>> keras.layers.RNN(Sum())(keras.ops.ones((1, 4, 3))).numpy()
    array([[4., 4., 4.]], dtype=float32)
    """

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        **kwargs,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ValueError(f"Argument `cell` should have a `call` method. Received: cell={cell}")
        size = getattr(cell, "state_size", None)
        if not isinstance(size, (list, tuple, int)):
            raise ValueError(
                "The RNN cell should have a `state_size` attribute (single integer or list of integers, one integer per RNN state). "
                f"Received: cell={cell} with state_size={size}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.states = None
        self.single_state = isinstance(size, int)
        self.state_size = [size] if self.single_state else list(size)

    # -- shapes and masks ---------------------------------------------------------------------------------------
    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, time = sequences_shape[:2]
        output = (batch, time, output_size_of(self.cell)) if self.return_sequences else (batch, output_size_of(self.cell))
        if not self.return_state:
            return output
        return output, *(
            [(batch, one) for one in size] if isinstance(size, (list, tuple)) else (batch, size) for size in self.state_size
        )

    def compute_mask(self, _, mask):
        mask = nest.flatten(mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in nest.flatten(list(self.state_size)))] if self.return_state else mask

    # -- states -------------------------------------------------------------------------------------------------
    def build(self, sequences_shape, initial_state_shape=None):
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True
        if self.stateful:
            if self.states is not None:
                self.reset_state()
            else:
                self._make_states(sequences_shape)

    def _make_states(self, sequences_shape):
        batch = sequences_shape[0]
        if batch is None:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) is stateful, so its batch size must be known before it is built. Received "
                f"sequences of shape {tuple(sequences_shape)}: give it in Input(batch_shape=(...)) or Input(batch_size=..., shape=...)"
            )
        # They are memory of the last batch, not weights, so they are neither tracked nor saved.
        with DotNotTrackScope():
            self.states = nest.map_structure(
                lambda x: Variable(x, trainable=False, dtype=self.variable_dtype, name="rnn_state"),
                self.get_initial_state(batch),
            )

    def get_initial_state(self, batch_size):
        """A list with the states that a sequence starts from: the cell's `get_initial_state`, or zeros."""
        if hasattr(self.cell, "get_initial_state"):
            made = initial_state_of(self.cell, batch_size, None)
        else:
            dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
            made = [ops.zeros((batch_size, size), dtype=dtype) for size in self.state_size]
        return list(made) if nest.is_nested(made) else [made]

    def reset_state(self):
        """Set the states that a stateful layer keeps between batches to 0."""
        for v in nest.flatten(self.states) if self.states is not None else ():
            v.assign(ops.zeros_like(v.value))

    def reset_states(self):
        """Another name of `reset_state`."""
        self.reset_state()

    # -- calling ------------------------------------------------------------------------------------------------
    def __call__(self, sequences, *args, **kwargs):
        if isinstance(sequences, (list, tuple)) and len(sequences) > 1 and all(is_tensor(x) for x in nest.flatten(sequences)):
            sequences, kwargs["initial_state"] = split_inputs(self, sequences, args, kwargs)
        return super().__call__(sequences, *args, **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if sequences.shape[1] == 0:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) needs at least one time step. Received sequences of shape {sequences.shape}"
            )
        # A layer called on several tensors is not told the mask of the first.
        mask = checked_mask(self, sequences, get_mask(sequences) if mask is None else mask)
        states = self._starting_states(sequences, initial_state)
        output, states = self._over_time(sequences, states, mask, training)
        output = ops.cast(output, self.compute_dtype)
        states = nest.map_structure(lambda x: ops.cast(x, self.compute_dtype), states)
        if self.stateful:
            for v, value in zip(nest.flatten(self.states), nest.flatten(states)):
                v.assign(value)
        return (output, *states) if self.return_state else output

    def _starting_states(self, sequences, initial_state):
        batch = sequences.shape[0]
        if self.stateful:
            kept = nest.flatten(self.states)[0].shape[0]
            if kept != batch:
                raise ValueError(
                    f"Layer '{self.name}' ({type(self).__name__}) is stateful and keeps states for a batch size of {kept}. Received sequences "
                    f"of shape {sequences.shape}: all batches need the same size, the last one too (pass batch_size={kept} and a "
                    f"number of samples that it divides)"
                )
        if initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        else:
            initial_state = checked_states(self, sequences, initial_state)
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return nest.map_structure(lambda x: ops.convert_to_tensor(x, dtype=dtype), list(initial_state))

    def _over_time(self, sequences, states, mask, training):
        """(output or outputs, states) for checked arguments."""
        options = {
            "go_backwards": self.go_backwards,
            "mask": mask,
            "zero_output_for_mask": self.zero_output_for_mask,
            "all_outputs": self.return_sequences,
        }
        cell = self.cell
        with fresh_masks(cell):
            if splits_steps(cell, self):
                # The masks are those of one step; a new axis spreads them over all.
                drop, recurrent = cell.masks(sequences[:, 0], states[0], training) if drops(cell, training) else (None, None)
                along = nest.map_structure(lambda m: ops.expand_dims(m, 1), drop) if drop is not None else None
                projected = cell.project(sequences, along)
                return run_steps(lambda x, s: cell.step(x, s, recurrent), projected, states, **options)
            run = cell if callable(cell) else cell.call
            more = {"training": training} if isinstance(cell, Layer) and cell._call_has_training_arg else {}

            def step(x, states):
                output, new_states = run(x, states, **more)
                return output, list(new_states) if nest.is_nested(new_states) else [new_states]

            return run_steps(step, sequences, states, **options)

    # -- configuration ------------------------------------------------------------------------------------------
    def get_config(self):
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = cls._with_dtype_policy(config)
        cell = deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects)
        return cls(cell, **config)
