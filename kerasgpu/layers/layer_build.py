"""The part of Layer that creates state: build() and what surrounds it, and the automatic build at the first call."""

from __future__ import annotations

import functools
import inspect
import warnings

from kerasgpu.engine import naming, state
from kerasgpu.layers.call_context import active
from kerasgpu.layers.call_spec import shapes_for
from kerasgpu.layers.input_spec import assert_input_compatibility
from kerasgpu.layers.layer_outputs import LayerOutputs
from kerasgpu.layers.layer_state import real_values
from kerasgpu.layers.shapes import infer_with_fill

_LOCKED = (
    "You cannot add new elements of state (variables or sub-layers) to a layer that is already built. All state must be "
    "created in the `__init__()` method or in the `build()` method."
)


def wrap_build(method):
    """build() with what surrounds it: the name scope, the record of shapes, and the lock against later new state."""

    @functools.wraps(method)
    def build(self, *args, **kwargs):
        if self.__dict__.get("_building"):  # a call of super().build()
            return method(self, *args, **kwargs)
        self.__dict__["_building"] = True
        try:
            with self._open_name_scope(), real_values():
                self._path = naming.current_path()
                method(self, *args, **kwargs)
                _build_activation(self, *args, **kwargs)
        finally:
            self.__dict__["_building"] = False
        self.__dict__["_build_shapes_dict"] = dict(inspect.signature(method).bind(self, *args, **kwargs).arguments)
        self.__dict__["_build_shapes_dict"].pop(next(iter(self.__dict__["_build_shapes_dict"])))
        self.built = True
        self._post_build()
        self._lock_state()

    build._wraps_build = True
    return build


def _build_activation(layer, *shapes, **named_shapes):
    """A layer in the place of an activation function (a PReLU, say) sees what its owner puts out, and is built with it."""
    activation = layer.__dict__.get("activation")
    if isinstance(activation, LayerBuild) and not activation.built:
        activation.build(layer.compute_output_shape(*shapes, **named_shapes))


class LayerBuild:
    """Mixin: see Layer."""

    def _take_input_shape(self, kwargs):
        """Old spellings of the shape of the first layer of a Sequential model."""
        shape = None
        batch_size = kwargs.pop("batch_size", None)
        if "input_dim" in kwargs:
            dim, length = kwargs.pop("input_dim"), kwargs.pop("input_length", None)
            shape = None if dim is None else (dim,) if length is None else (length, dim)
        elif kwargs.get("input_shape") is not None:
            shape = kwargs["input_shape"]
            shape = (shape,) if isinstance(shape, int) else tuple(shape)
        kwargs.pop("input_shape", None)
        batch_shape = kwargs.pop("batch_input_shape", None)
        if batch_shape is None and shape is None:
            if batch_size is not None:
                kwargs["batch_size"] = batch_size  # means something only beside a shape
            return
        self.__dict__["_batch_input_shape_arg"] = tuple(batch_shape) if batch_shape is not None else (batch_size, *shape)
        self.__dict__["_input_shape_arg"] = self._batch_input_shape_arg[1:]
        if batch_shape is None:
            warnings.warn(
                "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential models, prefer using an "
                "`Input(shape)` object as the first layer in the model instead.",
                stacklevel=4,
            )

    # -- building -----------------------------------------------------------------------------------------------
    @property
    def path(self):
        """Names of the enclosing layers and this one, joined by "/"; None before the layer is built."""
        return self._path

    @property
    def input_spec(self):
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value):
        self._input_spec = value

    @property
    def supports_masking(self):
        """Whether masks of the inputs are passed on to the outputs (through `compute_mask`)."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value):
        self._supports_masking = value

    def build(self, input_shape):
        """Create weights for inputs of this shape. The default creates none."""
        self._check_super_called()
        if type(self).build is LayerBuild.build and any(not layer.built for layer in self._layers):
            warnings.warn(
                f"`build()` was called on layer '{self.name}', however the layer does not have a `build()` method "
                "implemented and it looks like it has unbuilt state. This will cause the layer to be marked as built, "
                "despite not being actually built, which may cause failures down the line. Make sure to implement a proper "
                "`build()` method.",
                stacklevel=3,
            )
        self.built = True

    build = wrap_build(build)

    def _post_build(self):
        """Called at the end of build()."""

    def _build_at_init(self):
        """For layers without weights: mark as built in the constructor, unless a subclass has a build() of its own."""
        if type(self).build is LayerBuild.build:
            self.built = True
            self._post_build()
            self._lock_state()

    def _lock_state(self):
        if not self._tracker.locked:
            self._tracker.lock(msg=_LOCKED)

    def _open_name_scope(self):
        return naming.name_scope(self.name, caller=self)

    def _maybe_build(self, spec):
        if self.built:
            return
        shapes = spec.shapes(active.fill if state.thread.shape_only else None)
        if not self._is_built_by_call(spec):
            self.build(**shapes_for(self.build, shapes, spec, type(self).__name__))
            assert_input_compatibility(self.input_spec, spec.first_arg, self.name)  # build() may have set the spec
            return
        if any(not layer.built for layer in self._layers):
            if spec.eager:
                return  # the call itself builds the sublayers; it is marked as built afterwards
            if type(self).compute_output_shape is not LayerOutputs.compute_output_shape:
                self._trace_to_build(spec)
            else:
                return  # shape inference runs call(), which builds them
        self.build(next(iter(shapes.values()), None))

    def _is_built_by_call(self, spec):
        """Whether calling the layer makes its state: it has no build(), or one that only runs call() on shapes."""
        build = type(self).build
        return build is LayerBuild.build or (spec.eager and getattr(build, "_runs_call", False))

    def _trace_to_build(self, spec):
        try:
            infer_with_fill(self.call, (), spec.arguments_dict)
        except Exception as error:
            warnings.warn(
                f"Layer '{self.name}' looks like it has unbuilt state, but Keras is not able to trace the layer `call()` in "
                "order to build it automatically. Possible causes:\n1. The `call()` method of your layer may be crashing. "
                "Try to `__call__()` the layer eagerly on some test input first to see if it works. E.g. `x = "
                "np.random.random((3, 4)); y = layer(x)`\n2. If the `call()` method is correct, then you may need to "
                "implement the `def build(self, input_shape)` method on your layer. It should create all variables used by "
                "the layer (e.g. by calling `layer.build()` on all its children layers).\nException encountered: "
                f"''{error}''",
                stacklevel=4,
            )

    def _finish_build(self, spec):
        """After the first call of a layer that has no build(): its call made the state."""
        if self._is_built_by_call(spec) and self._build_shapes_dict is None and not any(not s.built for s in self._layers):
            self._path = self._path or naming.current_path()
            shapes = spec.shapes(active.fill if state.thread.shape_only else None)
            self.__dict__["_build_shapes_dict"] = {"input_shape": next(iter(shapes.values()), None)}
            self._post_build()
            self._lock_state()
        self.built = True
