"""SimpleRNN: A fully connected recurrent network."""

from __future__ import annotations

from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.rnn.gated_rnn import GatedRNN
from kerasgpu.layers.rnn.simple_rnn_cell import SimpleRNNCell


class SimpleRNN(GatedRNN):
    """SimpleRNNCell over the steps of a sequence.

    Args:
        units: size of the states and of the output, > 0.
        activation: function or name of that of the state; None is linear.
        use_bias: whether b is there.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training; which ones is the same at all steps.
        recurrent_dropout: the same for the states.
        seed: integer for repeatable masks.
        activity_regularizer: penalty on the outputs.
        return_sequences: whether the outputs of all steps are returned, or that of the last one.
        return_state: whether the last states are returned too, after the output.
        go_backwards: whether the last step comes first; outputs are in the order in which they were made.
        stateful: whether a batch starts from the states that the batch before ended with; see `reset_state`.
        unroll: accepted; steps are always recorded one after the other.
        zero_output_for_mask: whether outputs of masked steps are 0; otherwise they are those of the step before.

    Call arguments: sequences (batch, time, n), initial_state (a list of states (batch, units)), mask (batch, time), True where a step
    counts, training. `layer([x, *states])` is `layer(x, initial_state=states)`.
    Returns y (batch, units), or (batch, time, units) with `return_sequences`; with `return_state` (y, h).

    >>> import kerasgpu as keras
    >>> keras.layers.SimpleRNN(4, return_sequences=True)(keras.ops.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        seed=None,
        **kwargs,
    ):
        cell = SimpleRNNCell(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="simple_rnn_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)

    _cell_only = ("seed",)  # which the config of Keras does not have either
