"""Layer: an operation with weights. What happens when one is called, from conversion of inputs to masks of outputs."""

from __future__ import annotations

import inspect

from kerasgpu import dtype_policies, ops, regularizers
from kerasgpu.engine import dtypes, keras_tensor, nest, state
from kerasgpu.engine.operation import GraphNode, Operation
from kerasgpu.engine.remat import get_current_remat_mode
from kerasgpu.engine.stateless import StatelessScope
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.layers.call_context import CallContext, active
from kerasgpu.layers.call_spec import CallSpec, is_tensor, signature_of
from kerasgpu.layers.input_spec import assert_input_compatibility
from kerasgpu.layers.layer_build import LayerBuild, wrap_build
from kerasgpu.layers.layer_config import LayerConfig
from kerasgpu.layers.layer_outputs import LayerOutputs
from kerasgpu.layers.layer_state import LayerState
from kerasgpu.layers.notes import add_call_note, add_note, describe
from kerasgpu.layers.rematerialized import rematerialized
from kerasgpu.layers.shapes import get_mask
from kerasgpu.missing import suggestion


class Layer(LayerBuild, LayerConfig, LayerOutputs, LayerState, Operation):
    """Base class of layers: weights (made in `build`) and a computation (`call`).

    Args:
        activity_regularizer: penalty on the outputs, added to `losses` at each call, divided by the batch size.
        trainable: whether training updates the weights.
        dtype: a dtype name, "mixed_float16", "mixed_bfloat16", or a DTypePolicy; None is the global policy.
        autocast: whether float inputs and weights are cast to the compute dtype.
        name: without "/"; derived from the class name when None.

    Subclasses implement `call(inputs, ...)`, which may take `training` and `mask`; `build(input_shape)` if weights depend
    on shapes;
    `compute_output_shape(input_shape)` only where running `call` on shapes alone does not work; `get_config()` to be saved.

    >>> import kerasgpu as keras
    >>> class Scale(keras.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> layer = Scale()
    >>> layer([[1.0, 2.0]]).shape, [v.path for v in layer.weights]
    ((1, 2), ['scale/factor'])
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        method = cls.__dict__.get("build")
        if inspect.isfunction(method) and not hasattr(method, "_wraps_build"):
            cls.build = wrap_build(method)

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        attributes = self.__dict__
        attributes["_lock"] = False
        self._initialize_tracker()
        Operation.__init__(self, name=name)
        attributes["_dtype_policy"] = dtype_policies.get(dtype)
        if activity_regularizer is not None:
            activity_regularizer = regularizers.get(activity_regularizer)
        attributes["activity_regularizer"] = activity_regularizer
        self._take_input_shape(kwargs)
        if kwargs:
            names = _argument_names(type(self))
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}. Layer '{self.name}' takes: "
                f"{', '.join(names)}{suggestion(next(iter(kwargs)), names)}"
            )
        if not isinstance(trainable, bool):
            raise ValueError(
                f"Expected `trainable` to be a boolean. Received: trainable={trainable} (of type {type(trainable)})"
            )
        signature = signature_of(self)
        attributes.update(
            _path=None,
            built=False,
            autocast=autocast,
            _input_spec=None,
            _called=False,
            supports_jit=True,
            _trainable=trainable,
            _losses=[],
            _loss_ids=set(),
            _losses_override=[],
            _signature=signature,
            call_signature_parameters=signature.names,
            _call_has_training_arg=signature.has_training,
            _call_has_mask_arg=signature.has_mask,
            _call_context_args={"training"},
            _call_has_context_arg={"training": signature.has_training},
            _supports_masking=type(self).compute_mask is not Layer.compute_mask,
            _convert_input_args=True,
            _allow_non_tensor_positional_args=False,
            _build_shapes_dict=None,
            _short_call_dtype=None,  # of inputs that take the short way through __call__
            _short_call_decided=False,
            _remat_mode=get_current_remat_mode(),
        )

    # -- calling ------------------------------------------------------------------------------------------------
    def __call__(self, *args, **kwargs):
        """Run the layer on inputs. What follows is the call of a built layer on one tensor without a mask that needs no cast; it
        stands here, and not in a method, because a step makes it once per layer. All other calls go to `_call_in_full`."""
        attributes = self.__dict__
        x = args[0] if len(args) == 1 else None
        if type(x) is not Tensor or x.dtype != attributes.get("_short_call_dtype") or state.thread.autocast_dtype is not None:
            return self._call_in_full(args, kwargs)
        training = kwargs.get("training")
        if len(kwargs) != (training is not None) or "_keras_mask" in x.__dict__:
            return self._call_in_full(args, kwargs)
        if x.shape not in attributes["_checked_shapes"]:
            self._assert_input_compatibility(x)
            if len(attributes["_checked_shapes"]) < 64:
                attributes["_checked_shapes"].add(x.shape)
        context = active.context
        signature = attributes["_signature"]
        inner = attributes["_layers"]
        if context is None and (inner or attributes["_losses"]):
            self._clear_losses()
        if training is None:
            training = None if context is None else context.values.get("training")
            if training is None:
                training = signature.training_default
        try:
            if inner:
                values = {} if context is None else context.values
                active.context = CallContext(self if context is None else context.entry_layer, {**values, "training": training})
            outputs = self.call(x, training=training) if signature.has_training and training is not None else self.call(x)
        except Exception as error:
            add_note(error, f"While calling layer '{self.name}' ({type(self).__name__}) on {describe(x)}")
            raise
        finally:
            active.context = context
        if attributes["_supports_masking"] and type(self).compute_mask is not Layer.compute_mask:
            self._set_masks(x, outputs, None)
        return outputs

    def _call_in_full(self, args, kwargs):
        """The call of a layer that may not be built yet, on any inputs: symbolic, masked, of several kinds, of another dtype."""
        attributes = self.__dict__
        if attributes.get("_lock", True):
            self._check_super_called()
        attributes["_called"] = True
        symbolic_call = keras_tensor.any_symbolic_tensors(args, kwargs)
        original = (args, dict(kwargs)) if symbolic_call else None
        if self._convert_input_args:
            args = tuple(self._convert_argument(a) for a in args)
            kwargs = {k: self._convert_nested(a) for k, a in kwargs.items()}
        if not self._allow_non_tensor_positional_args:
            _check_positional(args, self)
        spec = CallSpec(self._signature, self._call_context_args, args, kwargs)
        self._assert_input_compatibility(spec.first_arg)
        before = active.context
        active.context = self._enter_context(before, spec, kwargs)
        try:
            with self._open_name_scope():
                self._maybe_build(spec)
                previous_mask = self._fill_in_masks(spec, kwargs)
                outputs = self._call_in_dtype(args, kwargs, symbolic_call)
                if not self.built:
                    self._finish_build(spec)
                if self.activity_regularizer is not None:
                    self._add_activity_loss(outputs)
            self._pass_on_mask(spec.first_arg, outputs, previous_mask)
        except Exception as error:
            add_call_note(error, self, spec)
            raise
        finally:
            active.context = before
        if symbolic_call:
            GraphNode(self, original[0], original[1], outputs)
        elif not attributes["_short_call_decided"]:
            self._decide_short_call()
        return outputs

    def _plain_dtype(self):
        """The dtype of inputs that need no conversion; None where there is none."""
        return self.input_dtype

    def _decide_short_call(self):
        """Say which single plain inputs take the short way through __call__, if any, unless it is too early to tell."""
        simple = (
            self.built
            and self._signature.simple
            and self.activity_regularizer is None
            and self.compute_dtype == self.variable_dtype
            and self.autocast
            and self._call_context_args == {"training"}
            and type(self).__call__ is Layer.__call__
            and "call" not in self.__dict__
            and self.quantization_mode is None
            and self._remat_mode is None
        )
        if simple and any(not layer.built for layer in self._flatten_layers(include_self=False)):
            return  # a layer that the first call did not reach will need the name scope
        dtype = self._plain_dtype() if simple else None
        self.__dict__.update(_checked_shapes=set(), _short_call_dtype=dtype, _short_call_decided=True)

    def _convert_argument(self, x):
        """A positional argument: numbers in lists become a tensor, other structures are converted leaf by leaf."""
        if isinstance(x, (list, tuple)) and x and all(type(v) in (int, float, bool) for v in nest.flatten(x)):
            x = convert_to_tensor(x)
        return self._convert_nested(x)

    def _convert_nested(self, x):
        if x is None or type(x) in (bool, int, float, str):
            return x
        if isinstance(x, (list, tuple, dict)):
            return nest.map_structure(self._convert_leaf, x)
        return self._convert_leaf(x)

    def _convert_leaf(self, x):
        mask = getattr(x, "_keras_mask", None)
        y = self._dtype_policy.convert_input(x, self.autocast, self.input_dtype)
        if mask is not None and y is not x:
            y._keras_mask = mask
        return y

    def _assert_input_compatibility(self, first_arg):
        assert_input_compatibility(self.input_spec, first_arg, self.name)

    def _enter_context(self, before, spec, kwargs):
        """The context for calls inside this one. A context argument comes from the caller, else from outside, else the
        default."""
        if before is None:
            self._clear_losses()
        context = CallContext(
            self if before is None else before.entry_layer, dict(before.values) if before is not None else None
        )
        for name in self._call_context_args:
            if name in spec.user_arguments_dict:
                value = spec.user_arguments_dict[name]
            else:
                value = context.values.get(name)
                if value is None:
                    value = spec.arguments_dict.get(name)
            context.values[name] = value
            if value is not None and self._call_has_context_arg.get(name, False):
                kwargs[name] = value
        return context

    def _fill_in_masks(self, spec, kwargs):
        """Pass the masks attached to inputs to `mask` (or `x_mask`, `y_mask`, ...) arguments; return the mask to hand on."""
        tensors = spec.tensor_arguments_dict
        if len(tensors) == 1:
            if "mask" in spec.arguments_dict and spec.arguments_dict["mask"] is None:
                (value,) = tensors.values()
                kwargs["mask"] = nest.map_structure(get_mask, value)
        else:
            for name, value in tensors.items():
                argument = f"{name}_mask"
                if argument in spec.arguments_dict and spec.arguments_dict[argument] is None:
                    kwargs[argument] = nest.map_structure(get_mask, value)
        if kwargs.get("mask") is not None:
            return kwargs["mask"]
        return nest.map_structure(get_mask, spec.first_arg)

    def _call_in_dtype(self, args, kwargs, symbolic_call):
        """Run call() with float weights read in the compute dtype when that differs from their own."""
        run = self.compute_output_spec if symbolic_call else self.call
        if self._remat_mode is not None and not symbolic_call:
            run = rematerialized(self, run, args, kwargs)
        before = state.thread.autocast_dtype
        compute = self.compute_dtype
        if not self.autocast or not dtypes.is_float(compute):
            target = None
        elif before is not None or compute != self.variable_dtype:
            target = compute
        else:
            target = before
        if target == before:
            return run(*args, **kwargs)
        state.thread.autocast_dtype = target
        try:
            return run(*args, **kwargs)
        finally:
            state.thread.autocast_dtype = before

    def _add_activity_loss(self, outputs):
        for x in nest.flatten(outputs):
            if type(x) is Tensor:
                loss = self.activity_regularizer(x)
                self.add_loss(ops.divide_no_nan(loss, float(x.shape[0])) if x.ndim > 0 else loss)

    # -- functional style ---------------------------------------------------------------------------------------
    def stateless_call(self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs):
        """call() with given values for the variables and no side effects.

        Returns (outputs, new values of non_trainable_variables), and the list of losses third with return_losses=True.
        """
        self._check_super_called()
        if not self.built:
            raise ValueError(
                f"To call stateless_call, {type(self).__name__} must be built (i.e. its variables must have been already "
                "created). You can build it by calling it on some data."
            )
        mapping = []
        given = (("trainable_variables", trainable_variables), ("non_trainable_variables", non_trainable_variables))
        for name, values in given:
            mine = getattr(self, name)
            if len(values) != len(mine):
                raise ValueError(
                    f"Argument `{name}` must be a list of tensors corresponding 1:1 to {type(self).__name__}().{name}. "
                    f"Received list with length {len(values)}, but expected {len(mine)} variables."
                )
            mapping += zip(mine, values)
        losses = None
        with StatelessScope(state_mapping=mapping, collect_losses=return_losses) as scope:
            outputs = self.call(*args, **kwargs)
            if return_losses:
                losses = self.losses
        updated = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    def _register_call_context_args(self, *names):
        """Make arguments with these names travel to sublayers as `training` does."""
        if self._called:
            raise RuntimeError("Cannot add call-context args after the layer has been called.")
        self._call_context_args = set(self._call_context_args) | set(names)
        self._call_has_context_arg.update({name: name in self.call_signature_parameters for name in names})

    def _check_super_called(self):
        if self.__dict__.get("_lock", True):
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the first statement in the "
                "`__init__()` method. Go add it!"
            )

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    __str__ = __repr__


def _check_positional(args, layer):
    for x in nest.flatten(list(args)):
        if x is not None and not is_tensor(x):
            raise ValueError(
                "Only input tensors may be passed as positional arguments. The following argument value should be passed "
                f"as a keyword argument: {x} (of type {type(x)}). Layer: '{layer.name}'"
            )


def _argument_names(cls):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return names + [n for n in ("name", "dtype", "trainable", "activity_regularizer") if n not in names]
