"""What the cells of SimpleRNN, LSTM and GRU share: arguments, weights, dropout, and a step cut in two.

Nothing about the inputs of a step depends on the steps before, so `project` may take all steps of a sequence at once, and `step`
takes one projected input at a time. `call` is the two for one step.
"""

from __future__ import annotations

import numpy as np

from kerasgpu import activations, constraints, initializers, ops, regularizers
from kerasgpu.engine import nest
from kerasgpu.layers.arguments import serialize_weight_arguments
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.rnn.dropout_rnn_cell import DropoutRNNCell
from kerasgpu.ops.primitives.rnn import equal_parts
from kerasgpu.random import SeedGenerator

_MODULES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
WEIGHTS = ("kernel", "recurrent", "bias")


class GatedCell(DropoutRNNCell, Layer):
    """Base of the three cells. Subclasses set `gates`, the number of blocks of `units` columns in the kernels, and define `step`."""

    gates = 1

    def __init__(
        self, units, *, activation, use_bias, weight_arguments, dropout, recurrent_dropout, seed, implementation=None, **kwargs
    ):
        if not isinstance(units, (int, np.integer)) or isinstance(units, bool) or units <= 0:
            raise ValueError(
                f"Received an invalid value for argument `units`, expected a positive integer, got {units}. "
                f"{type(self).__name__} needs the size of its state."
            )
        super().__init__(**kwargs)
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        for name, value in weight_arguments.items():
            setattr(self, name, _MODULES[name.rpartition("_")[2]].get(value))
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.implementation = 1 if self.recurrent_dropout and self.gates > 1 else implementation
        if self.implementation == 1 and self.gates > 1:
            self.dropout_mask_count = self.gates
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size = self.units
        self.output_size = self.units

    # -- weights ------------------------------------------------------------------------------------------------
    def _bias_shape(self):
        return (self.gates * self.units,)

    def _bias_start(self):
        return self.bias_initializer

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) needs to know the number of features of a step to create its kernel. "
                f"Received: input_shape={tuple(input_shape)}. Give that dimension in Input(shape=...)"
            )
        columns = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self._bias_shape(),
                initializer=self._bias_start(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        for name in ("activation", "recurrent_activation"):
            function = self.__dict__.get(name)
            if isinstance(function, Layer) and not function.built:
                function.build((None, self.units))

    # -- computation --------------------------------------------------------------------------------------------
    def _input_bias(self):
        return self.bias

    def _product(self, x, mask, kernel):
        """x kernel, or with a mask for each gate, each gate's columns of it with x masked for that gate."""
        if mask is None:
            return ops.matmul(x, kernel)
        if not isinstance(mask, tuple):
            return ops.matmul(x * mask, kernel)
        blocks = equal_parts(kernel, kernel.shape[-1] // self.units, -1)
        return ops.concatenate([ops.matmul(x * m, block) for m, block in zip(mask, blocks)], axis=-1)

    def project(self, inputs, mask=None):
        """inputs (..., features) to (..., gates units): inputs kernel + bias. mask: of dropout, or None."""
        out = self._product(inputs, mask, self.kernel)
        return out if self.bias is None else ops.add(out, self._input_bias())

    def step(self, projected, states, mask=None):
        """(output, new states, a list) of one step; mask: of recurrent dropout, or None."""
        raise NotImplementedError(f"{type(self).__name__} needs a method `step(projected, states, mask)`.")

    def masks(self, inputs, state, training):
        """(dropout mask, recurrent dropout mask) for a step with these inputs and this first state; None where nothing is dropped."""
        drop = training and 0.0 < self.dropout < 1.0
        recurrent = training and 0.0 < self.recurrent_dropout < 1.0
        return (
            self.get_dropout_mask(inputs) if drop else None,
            self.get_recurrent_dropout_mask(state) if recurrent else None,
        )

    def call(self, inputs, states, training=False):
        listed = list(states) if nest.is_nested(states) else [states]
        mask, recurrent_mask = self.masks(inputs, listed[0], training)
        output, new_states = self.step(self.project(inputs, mask), listed, recurrent_mask)
        return output, new_states if nest.is_nested(states) else new_states[0]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return (inputs_shape[0], self.units), [(inputs_shape[0], size) for size in sizes]

    def compute_output_spec(self, inputs, states, training=False):
        output, new_states = super().compute_output_spec(inputs, states, training=training)
        return output, new_states if nest.is_nested(states) else new_states[0]

    def get_initial_state(self, batch_size=None):
        """A list of zeros of shape (batch_size, size), one for each state."""
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    # -- configuration ------------------------------------------------------------------------------------------
    def _activation_config(self):
        names = [name for name in ("activation", "recurrent_activation") if name in self.__dict__]
        return {name: activations.serialize(getattr(self, name)) for name in names}

    def _own_config(self):
        """Arguments of one kind of cell alone."""
        return {}

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            **self._activation_config(),
            "use_bias": self.use_bias,
            **self._own_config(),
            **serialize_weight_arguments(self, *WEIGHTS),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }
