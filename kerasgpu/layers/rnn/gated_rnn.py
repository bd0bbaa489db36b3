"""What SimpleRNN, LSTM and GRU share: a cell of their own, whose arguments are theirs."""

from __future__ import annotations

from kerasgpu import regularizers
from kerasgpu.layers.rnn.rnn import RNN


def of_cell(name):
    """A property that is an attribute of the layer's cell."""
    return property(lambda self: getattr(self.cell, name))


def check_use_cudnn(use_cudnn):
    """`use_cudnn` itself, if it is one of the values that Keras has."""
    if use_cudnn not in ("auto", True, False):
        raise ValueError(
            "Invalid value received for argument `use_cudnn`. Expected one of {'auto', True, False}. "
            f"Received: use_cudnn={use_cudnn}"
        )
    return use_cudnn


class GatedRNN(RNN):
    """Base of SimpleRNN, LSTM and GRU: an RNN whose config has the cell's arguments in place of the cell."""

    units = of_cell("units")
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        own = self.cell.get_config()
        for name in ("name", "trainable", "dtype", *self._cell_only):
            own.pop(name, None)
        return {**config, **own, "activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    _cell_only: tuple = ()

    @classmethod
    def from_config(cls, config):
        return cls(**cls._with_dtype_policy(config))
