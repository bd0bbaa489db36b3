"""StackedRNNCells: several cells as one, each fed by the one before."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.layers.layer import Layer


def output_size_of(cell):
    """The number of features of a cell's output: `output_size`, or the size of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size


def initial_state_of(cell, batch_size, dtype):
    """Zeros for a cell: what its `get_initial_state` gives, else one tensor for each of its state sizes."""
    make = getattr(cell, "get_initial_state", None)
    if make is not None:
        return make(batch_size=batch_size)
    if isinstance(cell.state_size, (list, tuple)):
        return [ops.zeros((batch_size, size), dtype=dtype) for size in cell.state_size]
    return ops.zeros((batch_size, cell.state_size), dtype=dtype)


class StackedRNNCells(Layer):
    """The cells of a list one after the other, as one cell for RNN.

    Args:
        cells: list of cells, each with `call(inputs, states)` and `state_size`.

    Its states are the list of the cells' states.

    >>> import kerasgpu as keras
    >>> cell = keras.layers.StackedRNNCells([keras.layers.LSTMCell(4), keras.layers.GRUCell(2)])
    >>> keras.layers.RNN(cell)(keras.ops.ones((3, 5, 7))).shape
    (3, 2)
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        for cell in cells:
            for name, what in (("call", "a `call` method"), ("state_size", "a `state_size` attribute")):
                if not hasattr(cell, name):
                    raise ValueError(f"All cells must have {what}. Received cell without a `{name}`: {cell}")
        self.cells = list(cells)

    @property
    def state_size(self):
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size=None):
        """A list with the initial states of each cell."""
        return [initial_state_of(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape):
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs, states, training=False):
        new_states = []
        for cell, own in zip(self.cells, states):
            nested = nest.is_nested(own)
            run = cell if callable(cell) else cell.call
            more = {"training": training} if isinstance(cell, Layer) and cell._call_has_training_arg else {}
            inputs, new = run(inputs, list(own) if nested else [own], **more)
            if not nested and nest.is_nested(new) and len(new) == 1:
                new = new[0]
            elif nested and not nest.is_nested(new):
                new = [new]
            new_states.append(new)
        return inputs, new_states

    def get_config(self):
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = cls._with_dtype_policy(config)
        cells = [deserialize_keras_object(cell, custom_objects=custom_objects) for cell in config.pop("cells")]
        return cls(cells, **config)
