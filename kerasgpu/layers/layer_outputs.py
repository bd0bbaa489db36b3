"""The part of Layer that deals with masks and with the shapes of outputs."""

from __future__ import annotations

import warnings

from kerasgpu.engine import dtypes, nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.call_spec import CallSpec, is_tensor, shapes_for
from kerasgpu.layers.notes import add_note
from kerasgpu.layers.shapes import get_mask, infer_with_fill, is_shape, map_shapes


class LayerOutputs:
    """Mixin: see Layer."""

    # -- masks --------------------------------------------------------------------------------------------------
    def compute_mask(self, inputs, previous_mask):
        """The mask of the outputs; the default passes the mask of the inputs on."""
        return previous_mask

    def _pass_on_mask(self, first_arg, outputs, previous_mask):
        if self.supports_masking:
            self._set_masks(first_arg, outputs, previous_mask)
        elif any(m is not None for m in nest.flatten(previous_mask)):
            warnings.warn(
                f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with a mask attached to it. "
                "However, this layer does not support masking and will therefore destroy the mask information. Downstream "
                "layers will not see the mask.",
                stacklevel=3,
            )

    def _set_masks(self, inputs, outputs, previous_mask):
        flat = nest.flatten(outputs)
        if all(get_mask(x) is not None for x in flat):
            return
        masks = self.compute_mask(inputs, previous_mask)
        if masks is None:
            return
        for x, mask in zip(flat, nest.flatten(masks)):
            if mask is not None and is_tensor(x) and get_mask(x) is None:
                x._keras_mask = mask

    # -- shapes -------------------------------------------------------------------------------------------------
    def call(self, *args, **kwargs):
        raise self._not_implemented_error(self.call)

    def compute_output_spec(self, *args, **kwargs):
        """KerasTensors with the shapes and dtypes of the outputs: from compute_output_shape() if there is one, else by running
        call() on shapes alone."""
        if type(self).compute_output_shape is LayerOutputs.compute_output_shape:
            try:
                return infer_with_fill(self.call, args, kwargs)
            except Exception as error:
                add_note(
                    error,
                    f"The output shape of layer '{self.name}' ({type(self).__name__}) was being inferred by running its "
                    "call() on shapes. If call() is right, give the layer a compute_output_shape() method",
                )
                raise
        spec = CallSpec(self._signature, self._call_context_args, args, dict(kwargs))
        found = shapes_for(self.compute_output_shape, spec.shapes(), spec, type(self).__name__)
        return self._specs_of(self.compute_output_shape(**found))

    def _specs_of(self, shape):
        if is_shape(shape):
            return KerasTensor(tuple(d if d is None else int(d) for d in shape), dtype=self.compute_dtype)
        if isinstance(shape, dict):
            return {k: self._specs_of(v) for k, v in shape.items()}
        if isinstance(shape, (list, tuple)):
            return nest.rebuild(shape, [self._specs_of(v) for v in shape])
        raise ValueError(
            f"Method `compute_output_shape()` of layer {type(self).__name__} is returning a type that cannot be interpreted "
            f"as a shape. It should return a shape tuple. Received: {shape}"
        )

    def compute_output_shape(self, *args, **kwargs):
        """The shape of the outputs for these input shapes (with None for unknown dims), found by running call() on shapes
        alone."""
        try:
            inputs = [
                map_shapes(lambda s: KerasTensor(s, dtype=self._input_kind()), shape) for shape in (*args, *kwargs.values())
            ]
            with self._open_name_scope():
                outputs = infer_with_fill(self.call, inputs, {})
        except NotImplementedError:
            raise self._not_implemented_error(
                self.compute_output_shape, "Should implement `def compute_output_shape(self, input_shape)`."
            ) from None
        return nest.map_structure(lambda x: x.shape, outputs)

    def _input_kind(self):
        return self.compute_dtype if dtypes.is_float(self.compute_dtype) else dtypes.floatx()
