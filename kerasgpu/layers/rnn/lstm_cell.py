"""LSTMCell: one step of long short-term memory (Hochreiter and Schmidhuber 1997)."""

from __future__ import annotations

from kerasgpu import activations, ops
from kerasgpu.layers.rnn.gated_cell import GatedCell
from kerasgpu.ops.primitives.rnn import equal_parts


class LSTMCell(GatedCell):
    """c' = f c + i activation(x W_c + h U_c + b_c), h' = o activation(c'), with gates i, f, o = recurrent_activation(x W + h U + b).

    Args:
        units: size of the states, > 0.
        activation, recurrent_activation: functions or names, of the states and of the gates; None is linear.
        unit_forget_bias: whether the part of b for f starts at 1.
        use_bias: whether b is there.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training; which ones is the same at all steps.
        recurrent_dropout: the same for the states.
        seed: integer for repeatable masks.

    Shapes: x (batch, n), states h and c (batch, units), W (n, 4 units), U (units, 4 units), b (4 units,), each with the columns of i, f, c, o in this order.
    A call cell(x, states) returns (output, new states).

    >>> import kerasgpu as keras
    >>> output, states = keras.layers.LSTMCell(4)(keras.ops.ones((2, 3)), [keras.ops.zeros((2, 4)), keras.ops.zeros((2, 4))])
    >>> output.shape, len(states)
    ((2, 4), 2)
    """

    gates = 4

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
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
        implementation = kwargs.pop("implementation", 2)
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
            implementation=implementation,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias_start(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        start, units = self.bias_initializer, self.units

        def with_open_forget_gate(_, *args, **kwargs):
            parts = [start((units,), *args, **kwargs), ops.ones((units,), **kwargs), start((2 * units,), *args, **kwargs)]
            return ops.concatenate(parts)

        return with_open_forget_gate

    def step(self, projected, states, mask=None):
        h, c = states
        gates = equal_parts(projected + self._product(h, mask, self.recurrent_kernel), 4, -1)
        i, f, o = (self.recurrent_activation(gates[k]) for k in (0, 1, 3))
        c = f * c + i * self.activation(gates[2])
        h = o * self.activation(c)
        return h, [h, c]

    def _own_config(self):
        return {"unit_forget_bias": self.unit_forget_bias}
