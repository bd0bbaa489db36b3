"""GRUCell: one step of a gated recurrent unit (Cho et al. 2014, https://arxiv.org/abs/1406.1078)."""

from __future__ import annotations

from kerasgpu import activations, ops
from kerasgpu.layers.rnn.gated_cell import GatedCell
from kerasgpu.ops.primitives.rnn import equal_parts


class GRUCell(GatedCell):
    """h' = z h + (1 - z) k, with gates z, r = recurrent_activation(x W + h U + b) and k = activation(x W_k + r (h U_k + b'_k) + b_k),
    or activation(x W_k + (r h) U_k + b_k) without `reset_after`.

    Args:
        units: size of the states, > 0.
        activation, recurrent_activation: functions or names, of the states and of the gates; None is linear.
        reset_after: whether r is applied after the product with U.
        use_bias: whether b is there.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training; which ones is the same at all steps.
        recurrent_dropout: the same for the states.
        seed: integer for repeatable masks.

    Shapes: x (batch, n), states h (batch, units), W (n, 3 units), U (units, 3 units), b (2, 3 units), for inputs and states, or (3 units,) without `reset_after`; columns of z, r, k.
    A call cell(x, states) returns (output, new states).

    >>> import kerasgpu as keras
    >>> output, states = keras.layers.GRUCell(4)(keras.ops.ones((2, 3)), [keras.ops.zeros((2, 4))])
    >>> output.shape, len(states)
    ((2, 4), 1)
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
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
        reset_after=True,
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
        self.reset_after = reset_after

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self):
        return self.bias[0] if self.reset_after else self.bias

    def step(self, projected, states, mask=None):
        (h,) = states
        units = self.units
        x_z, x_r, x_k = equal_parts(projected, 3, -1)
        if self.reset_after:
            inner = self._product(h, mask, self.recurrent_kernel)
            if self.bias is not None:
                inner = inner + self.bias[1]
            h_z, h_r, h_k = equal_parts(inner, 3, -1)
        else:
            kernels = ops.split(self.recurrent_kernel, [2 * units], axis=-1)
            h_z, h_r = equal_parts(self._product(h, None if mask is None else mask[:2], kernels[0]), 2, -1)
        z = self.recurrent_activation(x_z + h_z)
        r = self.recurrent_activation(x_r + h_r)
        if self.reset_after:
            candidate = self.activation(x_k + r * h_k)
        else:
            kept = h if mask is None else h * mask[2]
            candidate = self.activation(x_k + ops.matmul(r * kept, kernels[1]))
        h = z * h + (1 - z) * candidate
        return h, [h]

    def _own_config(self):
        return {"reset_after": self.reset_after}
