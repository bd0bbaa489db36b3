"""EinsumDense: a dense layer between any axes, given as an einsum equation."""

from __future__ import annotations

import re

import numpy as np

from kerasgpu import activations, initializers, ops, regularizers
from kerasgpu.layers.arguments import add_weight_named, serialize_weight_arguments, set_weight_arguments
from kerasgpu.layers.core.lora import LoraWeight, check_quantization_config
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class EinsumDense(LoraWeight, Layer):
    """y = activation(einsum(equation, x, W) + b).

    Args:
        equation: "ab,bc->ac", "...x,xy->...y" or "ab...,bc->ac...": input, weight and output axes.
        output_shape: sizes of the output axes without the batch axis (and without those under "..."); None for axes that
            the input
            determines. An int for one axis.
        activation: function or name; None is linear.
        bias_axes: the output axes that b has; None for no bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: of
            W and b.
        lora_rank, lora_alpha: see Dense.

    >>> import kerasgpu as keras
    >>> keras.layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d")(keras.ops.ones((2, 4, 3))).shape
    (2, 4, 8)
    """

    def __init__(
        self,
        equation,
        output_shape,
        activation=None,
        bias_axes=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        gptq_unpacked_column_size=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_quantization_config(self, quantization_config)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, (int, np.integer)) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        set_weight_arguments(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else lora_rank
        self.lora_enabled = False
        self.gptq_unpacked_column_size = gptq_unpacked_column_size

    def build(self, input_shape):
        shapes = EinsumShapes(self.equation, self.bias_axes, input_shape, self.partial_output_shape)
        if None in shapes.kernel:
            raise ValueError(
                f"Layer '{self.name}' (EinsumDense): the kernel of {self.equation!r} would have shape {shapes.kernel} for "
                f"inputs of shape {tuple(input_shape)} and output_shape={self.partial_output_shape}; axes of the kernel "
                "need known sizes"
            )
        self.input_spec = InputSpec(ndim=len(input_shape))
        initializer = self.kernel_initializer
        self.kernel_initializer = _with_axes(initializer, shapes.input_axes, shapes.output_axes)
        self._kernel = add_weight_named(self, "kernel", shapes.kernel)
        self.kernel_initializer = initializer
        self.bias = None if shapes.bias is None else add_weight_named(self, "bias", shapes.bias)
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def kernel(self):
        """W, including the low-rank update if LoRA is on."""
        return self._effective_weight()

    def call(self, inputs, training=None):
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape):
        return EinsumShapes(self.equation, self.bias_axes, input_shape, self.partial_output_shape).output

    def get_config(self):
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            **serialize_weight_arguments(self, "kernel", "bias"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "quantization_config": None,
            **self._lora_config(),
        }


def _with_axes(initializer, input_axes, output_axes):
    """A variance scaling initializer that counts fan-in and fan-out over these axes of the kernel."""
    if not isinstance(initializer, initializers.VarianceScaling) or not hasattr(initializer, "input_axes"):
        return initializer
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return initializer
    config = {**initializer.get_config(), "seed": initializer.seed, "input_axes": input_axes, "output_axes": output_axes}
    return type(initializer).from_config(config)


class EinsumShapes:
    """Shapes that an equation implies: `kernel`, `bias` (or None), `output`, and which kernel axes are `input_axes`,
    `output_axes`."""

    def __init__(self, equation, bias_axes, input_shape, output_shape):
        match = re.fullmatch(
            r"(0?)([a-zA-Z]+)(0?),([a-zA-Z]+)->(0?)([a-zA-Z]+)(0?)", equation.replace("...", "0").replace(" ", "")
        )
        left, right = (bool(match[1]), bool(match[3])) if match else (False, False)
        if not match or (left and right) or (left, right) != (bool(match[5]), bool(match[7])):
            raise ValueError(
                f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
                "[X]...,[Y]->[Z]...."
            )
        self.inputs, self.weights, self.outputs = match[2], match[4], match[6]
        input_shape = tuple(input_shape)
        elided = len(input_shape) - len(self.inputs)
        n_left = elided if left else 0
        output = [input_shape[0], *output_shape]
        if left:
            output[1:1] = input_shape[1:elided]
        elif elided > 0:
            output += input_shape[len(input_shape) - elided :]
        # Under a leading "..." the named axes are the last ones.
        in_size = {c: input_shape[i + elided - len(input_shape) if left else i] for i, c in enumerate(self.inputs)}
        if len(output) < n_left + len(self.outputs):
            raise ValueError(
                f"EinsumDense equation '{equation}' has {len(self.outputs)} output axes, but "
                f"output_shape={tuple(output_shape)} with inputs "
                f"of shape {input_shape} gives {tuple(output)}; output_shape lists all output axes but the batch axis"
            )
        out_size = {c: output[i + n_left] for i, c in enumerate(self.outputs)}
        self._check(in_size, out_size)
        for i, c in enumerate(self.outputs):
            if out_size[c] is None:
                out_size[c] = output[i + n_left] = in_size.get(c)
        self.input_axes, self.output_axes, kernel = [], [], []
        for i, c in enumerate(self.weights):
            if c in out_size:
                kernel.append(out_size[c])
                self.output_axes.append(i)
            elif c in in_size:
                kernel.append(in_size[c])
                self.input_axes.append(i)
            else:
                raise ValueError(
                    f"Weight dimension '{c}' did not have a match in either the input spec '{self.inputs}' or the output spec "
                    f"'{self.outputs}'. For this layer, the weight must be fully specified."
                )
        self.kernel, self.output = tuple(kernel), tuple(output)
        self.bias = self._bias_shape(bias_axes, out_size, 0 if left else max(elided, 0))

    def _check(self, in_size, out_size):
        for c, size in in_size.items():
            if out_size.get(c) is not None and out_size[c] != size:
                raise ValueError(
                    f"Input shape and output shape do not match at shared dimension '{c}'. Input shape is {size}, and "
                    f"output shape is {out_size[c]}."
                )
        for c in self.outputs:
            if c not in self.inputs and c not in self.weights:
                raise ValueError(
                    f"Dimension '{c}' was specified in the output '{self.outputs}' but has no corresponding dim in the "
                    f"input spec '{self.inputs}' or weight spec '{self.outputs}'"
                )

    def _bias_shape(self, bias_axes, out_size, trailing):
        if bias_axes is None:
            return None
        for c in bias_axes:
            if c not in self.outputs:
                raise ValueError(f"Bias dimension '{c}' was requested, but is not part of the output spec '{self.outputs}'")
        first = min(self.outputs.find(c) for c in bias_axes)
        return (*(out_size[c] if c in bias_axes else 1 for c in self.outputs[first:]), *(1,) * trailing)
