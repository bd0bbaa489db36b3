"""SimpleRNNCell: one step of a fully connected recurrent network."""

from __future__ import annotations

from kerasgpu.layers.rnn.gated_cell import GatedCell


class SimpleRNNCell(GatedCell):
    """h' = activation(x W + h U + b), which is also the output.

    Args:
        units: size of the states, > 0.
        activation: function or name of that of the state; None is linear.
        use_bias: whether b is there.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training; which ones is the same at all steps.
        recurrent_dropout: the same for the states.
        seed: integer for repeatable masks.

    Shapes: x (batch, n), states h (batch, units), W (n, units), U (units, units), b (units,).
    A call cell(x, states) returns (output, new states).

    >>> import kerasgpu as keras
    >>> output, states = keras.layers.SimpleRNNCell(4)(keras.ops.ones((2, 3)), [keras.ops.zeros((2, 4))])
    >>> output.shape, len(states)
    ((2, 4), 1)
    """

    gates = 1

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
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            units,
            activation=activation,
            use_bias=use_bias,
            weight_arguments=dict(
                kernel_initializer=kernel_initializer,
                recurrent_initializer=recurrent_initializer,
                bias_initializer=bias_initializer,
                kernel_regularizer=kernel_regularizer,
                recurrent_regularizer=recurrent_regularizer,
                bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint,
                recurrent_constraint=recurrent_constraint,
                bias_constraint=bias_constraint,
            ),
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )

    def step(self, projected, states, mask=None):
        output = self.activation(projected + self._product(states[0], mask, self.recurrent_kernel))
        return output, [output]
