"""The part of Layer that owns state: weights, sublayers, seed generators, metrics, and attribute tracking."""

from __future__ import annotations

import collections

import numpy as np

from kerasgpu import constraints, initializers, regularizers
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, naming, nest, state
from kerasgpu.engine.tensor import Tensor
from kerasgpu.engine.variable import Variable
from kerasgpu.layers.tracking import PLAIN_TYPES, Tracker

# Attributes on which the decision for the fast call path depends.
_CALL_SETTINGS = frozenset(
    {"built", "input_spec", "_input_spec", "activity_regularizer", "autocast", "_dtype_policy", "call", "supports_masking"}
    | {"_supports_masking", "_convert_input_args", "_allow_non_tensor_positional_args"}
)

# Methods of Keras 2 and what to use now.
_SINCE_KERAS_2 = {
    "fit_generator": "fit() takes generators, too: model.fit(generator, ...)",
    "evaluate_generator": "evaluate() takes generators, too: model.evaluate(generator, ...)",
    "predict_generator": "predict() takes generators, too: model.predict(generator, ...)",
    "predict_classes": "a class is where the largest prediction is: model.predict(x).argmax(-1), or > 0.5 for one sigmoid output",
    "predict_proba": "predict() gives the probabilities of a softmax or sigmoid output: model.predict(x)",
}


class real_values:
    """Context manager: variables made inside get values, also while shapes are being inferred around it."""

    def __enter__(self):
        self._before = state.thread.shape_only
        state.thread.shape_only = 0

    def __exit__(self, *exc):
        state.thread.shape_only = self._before


def _unique(items):
    seen = set()
    return [x for x in items if not (id(x) in seen or seen.add(id(x)))]


class LayerState:
    """Mixin: see Layer."""

    def _initialize_tracker(self):
        if "_tracker" in self.__dict__:
            return
        names = ("trainable_variables", "non_trainable_variables", "layers", "metrics", "seed_generators")
        stores = {name: [] for name in names}
        self.__dict__["_tracker"] = Tracker(stores)
        for name in names:
            self.__dict__[f"_{name}"] = stores[name]

    def __setattr__(self, name, value):
        attributes = self.__dict__
        if name in _CALL_SETTINGS:
            self._forget_short_call()
        if type(value) not in PLAIN_TYPES:
            if "_tracker" not in attributes:
                self._initialize_tracker()
            layers_before = len(attributes["_layers"])
            value = attributes["_tracker"].track(value)
            if len(attributes["_layers"]) != layers_before:
                self._forget_short_call()
        super().__setattr__(name, value)

    def _forget_short_call(self):
        """What decided which inputs take the short way through __call__ has changed: the next call decides anew."""
        self.__dict__.update(_short_call_dtype=None, _short_call_decided=False)

    def __delattr__(self, name):
        value = getattr(self, name)
        if isinstance(value, Variable):
            self._untrack_variable(value)
        super().__delattr__(name)

    def __getstate__(self):
        """For copy and pickle: recorded steps hold addresses of this object's memory, so a copy records its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_programs"}

    def __getattr__(self, name):
        # Reached only when the attribute does not exist, or when a property raised AttributeError: let it say why again.
        found = getattr(type(self), name, None)
        if isinstance(found, property):
            return found.fget(self)
        if name.startswith("_") or "_tracker" not in self.__dict__:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        hint = ""
        if name in ("kernel", "bias", "embeddings", "gamma", "beta") and not self.__dict__.get("built", True):
            hint = f". Layer '{self.name}' is not built yet: call it on data, or call build(input_shape), to create its weights"
        elif name in ("shape", "dtype", "ndim"):
            hint = f". Layer '{self.name}' is not a tensor: call it on a tensor first, as in x = {type(self).__name__}(...)(x)"
        elif name in _SINCE_KERAS_2:
            hint = f". Since Keras 3 {_SINCE_KERAS_2[name]}"
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    # -- weights ------------------------------------------------------------------------------------------------
    def add_weight(
        self,
        *args,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
    ):
        """Create a weight and track it.

        Args:
            shape: tuple of ints; () when None. `shape`, `initializer` and `dtype` may be positional.
            initializer: an initializer or its name; "glorot_uniform" for floats and "zeros" for other dtypes when None.
            dtype: defaults to the layer's variable dtype.
            trainable: whether optimizers update it.
            autocast: whether it is read in the compute dtype inside call().
            regularizer: penalty added to `losses`.
            constraint: projection applied after each optimizer update.
            aggregation: how replicas on several devices combine it.
            overwrite_with_gradient: whether optimizers set it to its gradient.
            name: without "/".

        Returns the Variable.
        """
        self._check_super_called()
        shape, initializer, dtype = self._positional_weight_arguments(args, shape, initializer, dtype)
        dtype = dtypes.standardize_dtype(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        with naming.name_scope(self.name, caller=self), real_values():
            variable = Variable(
                initializer=initializers.get(initializer),
                shape=() if shape is None else shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        if regularizer is not None:
            variable.regularizer = regularizers.get(regularizer)
        if constraint is not None:
            variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    @staticmethod
    def _positional_weight_arguments(args, shape, initializer, dtype):
        if len(args) > 3:
            raise TypeError(f"add_weight() takes at most 3 positional arguments but {len(args)} were given.")
        if args and isinstance(args[0], str):
            raise ValueError(
                f"`name` must be passed as a keyword argument. Received: add_weight('{args[0]}', ...). Use: "
                f"add_weight(shape=..., name='{args[0]}')."
            )
        given = [shape, initializer, dtype]
        for k, (name, value) in enumerate(zip(("shape", "initializer", "dtype"), args)):
            if given[k] is not None:
                raise ValueError(f"`{name}` was passed both positionally and as a keyword argument.")
            given[k] = value
        return given

    def add_variable(
        self, shape, initializer, dtype=None, trainable=True, autocast=True, regularizer=None, constraint=None, name=None
    ):
        """Another name of `add_weight`."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def _track_variable(self, variable):
        self._tracker.add_to_store("trainable_variables" if variable.trainable else "non_trainable_variables", variable)
        if not self.trainable:
            variable.trainable = False

    def _untrack_variable(self, variable):
        locked = self._tracker.locked
        self._tracker.unlock()
        self._tracker.untrack(variable)
        if locked:
            self._tracker.lock()

    @property
    def trainable(self):
        """Whether training updates this layer. Setting it sets it for all sublayers; call compile() again afterwards."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        value = bool(value)
        self._trainable = value
        for v in self._trainable_variables:
            v.trainable = value
        for layer in self._layers:
            layer.trainable = value

    def to(self, target):
        """Move the layer to another device: weights, random states, metrics, and constants that it holds.

        Args:
            target: "cpu", "gpu", "gpu:1". RuntimeError where there is no such device.

        Returns the layer. What was recorded on the other device is recorded again when next needed. Of a model, the optimizer's
        state moves along.

        >>> import kerasgpu as keras
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.to("cpu").kernel.device
        'cpu:0'
        """
        name = devices.check(target)
        for layer in self._flatten_layers():
            for key, value in layer.__dict__.items():
                if type(value) is Tensor:
                    layer.__dict__[key] = value.to(name)
        for v in self._variables_to_move():
            v.to(name)
        return self

    def _variables_to_move(self):
        return self.variables

    def _own_variables(self):
        return self._trainable_variables + self._non_trainable_variables

    def _own_state(self):
        return self._own_variables() + [g.state for g in self._seed_generators]

    @property
    def variables(self):
        """All state: weights and seed generator states of this layer and its sublayers (metrics are not included)."""
        found = self._own_state()
        for layer in self._layers:
            found += layer.variables
        return _unique(found)

    def _any_variable(self):
        """One of `variables`, or None: for callers who want no more, on every step of a loop."""
        own = self._own_state()
        return own[0] if own else next((v for v in (layer._any_variable() for layer in self._layers) if v is not None), None)

    @property
    def weights(self):
        """All weights, without seed generator states."""
        found = self._own_variables()
        for layer in self._layers:
            found += layer.weights
        return _unique(found)

    @property
    def trainable_variables(self):
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self):
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable_weights(self):
        """Weights that optimizers update."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self):
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def metrics(self):
        """Metrics assigned as attributes of this layer and its sublayers."""
        found = list(self._metrics)
        for layer in self._layers:
            found.extend(layer.metrics)
        return found

    @property
    def metrics_variables(self):
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self):
        """The values of `weights`, as a list of NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Assign `weights` from a list of arrays in the order of `get_weights()`. Raises ValueError when numbers or shapes
        differ."""
        mine = self.weights
        if len(mine) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length {len(weights)}, but "
                f"the layer was expecting {len(mine)} weights."
            )
        for variable, value in zip(mine, weights):
            value = value if hasattr(value, "shape") else np.asarray(value)
            if tuple(variable.shape) != tuple(value.shape):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{value.shape}."
                )
            variable.assign(value)

    def count_params(self):
        """Number of scalars in `weights`. Raises ValueError before the layer is built."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. You can build it "
                "manually via: `layer.build(input_shape)`."
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def _flatten_layers(self, include_self=True, recursive=True):
        layers = [self] if include_self else []
        seen = set()
        waiting = collections.deque(self._layers)
        while waiting:
            layer = waiting.popleft()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            layers.append(layer)
            if recursive:
                waiting.extendleft(layer._layers)
        return layers

    # -- losses -------------------------------------------------------------------------------------------------
    def add_loss(self, loss):
        """Add a scalar tensor (or several) to `losses`; for use inside call().

        The list is emptied at the start of each outermost call, and fit() adds its sum to the loss.
        """
        losses = nest.flatten(loss)
        for x in losses:
            if not isinstance(x, Tensor):
                raise ValueError(
                    "`add_loss()` can only be called from inside `build()` or `call()`, on a tensor input. Received "
                    f"invalid value: {x}"
                )
        if state.thread.shape_only:
            return
        if state.thread.watcher is not None:
            raise NotImplementedError(
                f"Layer '{self.name}': add_loss() and activity regularizers do not work inside a rematerialized call "
                "(keras.remat, keras.RematScope), which keeps no gradients; return the loss as an output and add it outside"
            )
        scope = state.thread.stateless_scope
        if scope is None:
            self._losses.extend(losses)
        elif scope.collect_losses:
            for x in losses:
                scope.add_loss(x)
                self._loss_ids.add(id(x))

    def _get_own_losses(self):
        scope = state.thread.stateless_scope
        if scope is not None:
            return [x for x in scope.losses if id(x) in self._loss_ids]
        return list(self._losses)

    def _get_regularization_losses(self):
        return [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    @property
    def losses(self):
        """Scalars from add_loss(), activity regularizers and weight regularizers of this layer and its sublayers."""
        if self._losses_override:
            return self._losses_override
        losses = self._get_own_losses()
        for layer in self._flatten_layers(include_self=False):
            losses.extend(layer._get_own_losses())
        return losses + self._get_regularization_losses()

    def _clear_losses(self):
        scope = state.thread.stateless_scope
        if scope is not None and scope.collect_losses:
            scope.losses[:] = [x for x in scope.losses if id(x) not in self._loss_ids]
        self._losses.clear()
        self._loss_ids.clear()
        for layer in self._layers:
            layer._clear_losses()

    def add_metric(self, *args, **kwargs):
        raise NotImplementedError(
            "Layer `add_metric()` method is deprecated. Add your metric in `Model.compile(metrics=[...])`, or create "
            "metric trackers in init() or build() when subclassing the layer or model, then call `metric.update_state()` "
            "whenever necessary."
        )
