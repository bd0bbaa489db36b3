"""The part of Layer that deals with dtypes, configuration, saving and quantization."""

from __future__ import annotations

import functools
import inspect

from kerasgpu import dtype_policies, regularizers
from kerasgpu.dtype_policies import DTypePolicy, DTypePolicyMap
from kerasgpu.engine import nest


@functools.lru_cache(None)
def _not_saved_of(cls):
    """The attributes that the classes above a layer keep for themselves; a name of one class is free in those without it."""
    return frozenset().union(*(base.__dict__.get("_not_saved", ()) for base in cls.__mro__))


class LayerConfig:
    """Mixin: see Layer."""

    # -- dtypes -------------------------------------------------------------------------------------------------
    @property
    def dtype_policy(self):
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        policy = dtype_policies.get(value)
        if isinstance(self._dtype_policy, DTypePolicyMap) and self.path:
            if self.path in self._dtype_policy:
                del self._dtype_policy[self.path]
            self._dtype_policy[self.path] = policy
            self._forget_short_call()
        else:
            self._dtype_policy = policy
        if policy.quantization_mode is not None and self.built:
            self.quantize(policy.quantization_mode)

    def _policy(self):
        policy = self._dtype_policy
        if isinstance(policy, DTypePolicyMap) and self.path:
            return policy[self.path]
        return policy

    @property
    def dtype(self):
        """Dtype of the weights; the same as `variable_dtype`."""
        return self.variable_dtype

    @property
    def compute_dtype(self):
        """Dtype in which call() computes; float inputs are cast to it."""
        return self._policy().compute_dtype

    @property
    def variable_dtype(self):
        return self._policy().variable_dtype

    @property
    def quantization_mode(self):
        return self._policy().quantization_mode

    @property
    def input_dtype(self):
        """Dtype that float inputs are cast to."""
        return self.compute_dtype

    # -- configuration ------------------------------------------------------------------------------------------
    def get_config(self):
        """Constructor arguments as plain data. Subclasses with arguments of other types than numbers and strings override
        it."""
        self._check_super_called()
        config = {"name": self.name, "trainable": self.trainable, "dtype": dtype_policies.serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return self._with_init_arguments(config) if type(self).get_config is LayerConfig.get_config else config

    def _with_init_arguments(self, config):
        """The config of a class without a get_config() of its own: what its constructor was given, if that is plain data."""
        cls = type(self)
        parameters = inspect.signature(cls.__init__).parameters.values()
        kinds = {p.kind for p in parameters}
        given = self._init_arguments
        plain = given is not None and not any(p.kind is p.POSITIONAL_ONLY for p in list(parameters)[1:])
        if not plain or any(p.kind is p.VAR_POSITIONAL and given.get(p.name) for p in parameters):
            raise NotImplementedError(
                f"Object {cls.__name__} was created by passing positional only or variadic positional arguments (e.g., "
                "`*args`) to `__init__()`, which is not supported by the automatic config generation. Please remove all "
                "positional only and variadic arguments from `__init__()` or override `get_config()` and `from_config()` "
                "to make the object serializatble."
            )
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)][1:]
        arguments = {p.name: p.default for p in parameters if p.name in names and p.default is not p.empty}
        variadic = {p.name for p in parameters if p.kind is p.VAR_POSITIONAL}  # empty, or it was refused above
        arguments.update({k: v for k, v in given.items() if k not in variadic})
        for name in ("name", "trainable", "dtype", "activity_regularizer"):
            arguments.pop(name, None)
        if any(not isinstance(v, (str, int, float, bool, type(None))) for v in nest.flatten(arguments)):
            raise NotImplementedError(
                f"Object {cls.__name__} was created by passing non-serializable argument values in `__init__()`, and "
                "therefore the object must override `get_config()` in order to be serializable. Please implement "
                f"`get_config()`. Example: call config = super().get_config(), add the arguments {names} with "
                f"config.update({{...}}), and return config."
            )
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            config = {k: v for k, v in config.items() if k in names}
        return {**config, **arguments}

    @staticmethod
    def _with_dtype_policy(config):
        """A copy of config with its dtype entry as a name or a policy."""
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            policy = dtype_policies.deserialize(config["dtype"])
            config["dtype"] = policy.name if type(policy) is DTypePolicy else policy
        return config

    @classmethod
    def from_config(cls, config):
        """A layer with this configuration."""
        return super().from_config(cls._with_dtype_policy(config))

    def get_build_config(self):
        """The shapes the layer was built with: {"input_shape": ...}, or {"shapes_dict": {...}} for several arguments of
        build()."""
        shapes = self._build_shapes_dict
        if shapes is None:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config):
        """Build with the shapes of `get_build_config()`."""
        if not config:
            return
        if "input_shape" in config:
            self.build(config["input_shape"])
        elif "shapes_dict" in config:
            self.build(**config["shapes_dict"])

    def _obj_type(self):
        return "Layer"

    # -- saving -------------------------------------------------------------------------------------------------
    # Attributes of this class that hold nothing which a file must have under their names; subclasses of ours add theirs.
    _not_saved = frozenset(
        {"_init_arguments", "_tracker", "_trainable_variables", "_non_trainable_variables", "_losses", "_losses_override"}
        | {"_inbound_nodes", "_outbound_nodes", "_dtype_policy", "activity_regularizer", "_input_spec", "_build_shapes_dict"}
    )

    def _saveable_children(self):
        """{attribute name: value} of what may hold state below this layer: what lies where in a weights file follows from it."""
        left_out = _not_saved_of(type(self))
        found = {name: value for name, value in vars(self).items() if name not in left_out}
        for name in ("layers", "metrics", "seed_generators"):
            # The list that tracking keeps is reached through other attributes; a list that the user put there is not.
            if found.get(f"_{name}") is self._tracker.stores[name]:
                del found[f"_{name}"]
        return found

    def save_own_variables(self, store):
        """Put the variables of this layer (not of sublayers) into `store` under "0", "1", ..."""
        for i, v in enumerate(self._own_variables()):
            store[f"{i}"] = v

    def _check_load_own_variables(self, store):
        mine = self._own_variables()
        found = len(store.keys())
        if found == len(mine):
            return
        if not mine and not self.built:
            raise ValueError(
                f"Layer '{self.name}' was never built and thus it doesn't have any variables. However the weights file "
                f"lists {found} variables for this layer.\nIn most cases, this error indicates that either:\n\n1. The layer "
                "is owned by a parent layer that implements a `build()` method, but calling the parent's `build()` method "
                f"did NOT create the state of the child layer '{self.name}'. A `build()` method must create ALL state for "
                "the layer, including the state of any children layers.\n\n2. You need to implement the `def "
                f"build_from_config(self, config)` method on layer '{self.name}', to specify how to rebuild it during "
                "loading. In this case, you might also want to implement the method that generates the build config at "
                "saving time, `def get_build_config(self)`."
            )
        raise ValueError(
            f"Layer '{self.name}' expected {len(mine)} variables, but received {found} variables during loading. Expected: "
            f"{[v.name for v in mine]}"
        )

    def load_own_variables(self, store):
        """Assign the variables of this layer from what `save_own_variables` wrote."""
        self._check_load_own_variables(store)
        for i, v in enumerate(self._own_variables()):
            v.assign(store[f"{i}"])

    # -- quantization -------------------------------------------------------------------------------------------
    def quantize(self, mode=None, config=None, **kwargs):
        """Not available: kerasgpu trains and runs in float32, float16 and bfloat16."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `quantize` method implemented. Layer '{self.name}' cannot be "
            f"quantized (mode={mode!r}): kerasgpu has no quantized kernels. For 16-bit arithmetic pass "
            "dtype='mixed_bfloat16' or 'mixed_float16' to the layer, or call "
            "keras.config.set_dtype_policy('mixed_bfloat16') before making the model"
        )

    def _not_implemented_error(self, attr, msg=None):
        name, kind = (attr.__name__, "method") if callable(attr) else (str(attr), "attribute")
        return NotImplementedError(
            f"Layer {type(self).__name__} does not have a `{name}` {kind} implemented.{f' {msg}' if msg is not None else ''}"
        )
