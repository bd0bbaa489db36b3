"""Dtype policies: which dtype a layer computes in and which its weights have."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from kerasgpu import missing, ops
from kerasgpu.config import installed
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import dtypes, state
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor, convert_to_tensor

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")
_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}


class DTypePolicy:
    """Compute dtype and variable dtype of a layer.

    Args:
        name: a dtype name ("float32": both dtypes are that), "mixed_float16" or "mixed_bfloat16" (computation in 16 bits,
            weights
            in float32), or None for the global policy.

    >>> from kerasgpu.dtype_policies import DTypePolicy
    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name=None):
        if name is None:
            name = dtype_policy().name
        self._name = name
        self._compute_dtype, self._variable_dtype = self._parse_name(name)
        self._quantization_mode = None

    @staticmethod
    def _parse_name(name):
        if not isinstance(name, str):
            raise TypeError(f"'name' must be a string, such as 'mixed_float16'. Received: name={name} (of type {type(name)})")
        if name in _MIXED:
            return _MIXED[name]
        try:
            dtype = dtypes.standardize_dtype(name)
        except ValueError:
            raise ValueError(
                f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include 'mixed_float16', "
                "'mixed_bfloat16', and the name of any float dtype such as 'float32'."
            ) from None
        return dtype, dtype

    @property
    def name(self):
        return self._name

    @property
    def compute_dtype(self):
        """Dtype of computations; float inputs are cast to it."""
        return self._compute_dtype

    @property
    def variable_dtype(self):
        """Dtype of weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self):
        return self._quantization_mode

    def _should_cast(self, x, autocast, dtype):
        return bool(autocast) and dtypes.is_float(str(x.dtype)) and str(x.dtype) != dtype

    def convert_input(self, x, autocast, dtype):
        """x as a tensor; float tensors are cast to dtype if autocast. Integers, None and Python objects stay as they are."""
        dtype = dtypes.standardize_dtype(dtype)
        if not isinstance(x, (Tensor, KerasTensor)):
            if not hasattr(x, "__array__"):
                return x
            x = convert_to_tensor(x)
        return ops.cast(x, dtype) if self._should_cast(x, autocast, dtype) else x

    def get_config(self):
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        name = type(self).__name__
        return f'<{"DTypePolicy" if name == "FloatDTypePolicy" else name} "{self._name}">'

    def __eq__(self, other):
        plain = (DTypePolicy, FloatDTypePolicy)
        same_kind = type(other) in plain if type(self) in plain else type(other) is type(self)
        return same_kind and self._name == other._name

    __hash__ = object.__hash__


class FloatDTypePolicy(DTypePolicy):
    """Another name of DTypePolicy, kept for old configurations."""


class QuantizedDTypePolicy(DTypePolicy):
    """Policy of a quantized layer: `mode` ("int8", ...) and the policy it was made from, `source_name`."""

    def __init__(self, mode, source_name=None):
        if source_name is None:
            source_name = dtype_policy().name
        self._compute_dtype, self._variable_dtype = self._parse_name(source_name)
        if mode not in QUANTIZATION_MODES:
            raise ValueError(f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: mode={mode}")
        if self._compute_dtype == "float16" and mode == "int8":
            raise ValueError(f"Quantization mode='{mode}' doesn't work well with compute_dtype='float16'.")
        self._name = f"{mode}_from_{source_name}"
        self._source_name = source_name
        self._quantization_mode = mode

    def get_config(self):
        return {"mode": self._quantization_mode, "source_name": self._source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """float8 policy with the length of the history of largest absolute values."""

    default_amax_history_length = 1024

    def __init__(self, mode, source_name=None, amax_history_length=1024):
        super().__init__(mode=mode, source_name=source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError(f"`amax_history_length` must be an integer. Received: amax_history_length={amax_history_length}")
        self._amax_history_length = amax_history_length

    @property
    def amax_history_length(self):
        return self._amax_history_length

    def __eq__(self, other):
        return super().__eq__(other) and self._amax_history_length == other._amax_history_length

    __hash__ = object.__hash__

    def get_config(self):
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Policies by layer path: an exact path or a regular expression for the whole path; `default_policy` for the others."""

    def __init__(self, default_policy=None, policy_map=None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("`default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(
                f"If specified, `policy_map` must be a dict. Received: policy_map={policy_map} (of type {type(policy_map)})"
            )
        self._default_policy_arg = default_policy
        self._default_policy = get(default_policy)
        self._policy_map = dict(policy_map or {})

    @property
    def name(self):
        return f"map_{self.default_policy._name}"

    @property
    def default_policy(self):
        return self._default_policy

    @property
    def variable_dtype(self):
        return self.default_policy.variable_dtype

    @property
    def compute_dtype(self):
        return self.default_policy.compute_dtype

    @property
    def quantization_mode(self):
        return self.default_policy.quantization_mode

    def __getitem__(self, key):
        if key in self._policy_map:
            return self._policy_map[key]
        matching = [pattern for pattern in self._policy_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f"Path '{key}' matches multiple dtype policy specification keys: {matching}. Please make sure each path "
                "only matches at most one dtype policy specification key in the DTypePolicyMap."
            )
        return self._policy_map[matching[0]] if matching else self.default_policy

    def __setitem__(self, key, policy):
        if key in self._policy_map:
            raise ValueError(
                f"{key} already exist in the DTypePolicyMap with value {self._policy_map[key]}. Please make sure to "
                "not use duplicated keys."
            )
        try:
            self._policy_map[key] = get(policy)
        except Exception:
            raise ValueError(
                f"Cannot interpret the assigned value by `keras.dtype_policies.get`. Received: {policy} of type {type(policy)}"
            ) from None

    def __delitem__(self, key):
        del self._policy_map[key]

    def __contains__(self, key):
        return key in self._policy_map

    def __len__(self):
        return len(self._policy_map)

    def __iter__(self):
        return iter(self._policy_map)

    def __eq__(self, other):
        return (
            type(other) is DTypePolicyMap
            and self._default_policy == other._default_policy
            and self._policy_map == other._policy_map
        )

    __hash__ = object.__hash__

    def get_config(self):
        policy_map = {key: serialize_keras_object(policy) for key, policy in self._policy_map.items()}
        if self._default_policy_arg is None:
            # Without a default of its own the map follows the global policy of whoever loads it.
            for entry in policy_map.values():
                entry["config"].update({k: None for k in ("name", "source_name") if k in entry["config"]})
        default = self._default_policy_arg
        return {
            "default_policy": serialize_keras_object(default) if isinstance(default, DTypePolicy) else default,
            "policy_map": policy_map,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        found = config["policy_map"]
        policies = {
            k: v if isinstance(v, DTypePolicy) else deserialize_keras_object(v, custom_objects) for k, v in found.items()
        }
        return cls(default_policy=config["default_policy"], policy_map=policies)

    def __repr__(self):
        mapping = [(k, v.name) for k, v in self._policy_map.items()]
        return f"<DTypePolicyMap at {hex(id(self))} default_policy={self.default_policy.name}, mapping={mapping}>"


ALL_OBJECTS_DICT = {
    c.__name__: c for c in (DTypePolicy, FloatDTypePolicy, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy, DTypePolicyMap)
}
_PLAIN: dict[str, DTypePolicy] = {}


def dtype_policy() -> DTypePolicy:
    """The global policy that layers without a `dtype` argument get; float32 unless set."""
    found = state.get_global_attribute("dtype_policy")
    if found is not None:
        return found
    name = dtypes.floatx()
    if name not in _PLAIN:
        _PLAIN[name] = DTypePolicy(name)
    return _PLAIN[name]


def set_dtype_policy(policy) -> None:
    """Set the global policy: a name such as "mixed_bfloat16", or a DTypePolicy. Affects layers made afterwards."""
    if not isinstance(policy, DTypePolicy):
        if not isinstance(policy, (str, dict)):
            raise ValueError(
                f"Invalid `policy` argument. Expected the string name of a policy (such as 'mixed_float16') or a `DTypePolicy` "
                f"instance. Received: policy={policy} (of type {type(policy)})"
            )
        policy = get(policy)
    state.set_global_attribute("dtype_policy", policy)


def serialize(dtype_policy):
    """Configuration of a policy, as `get` takes it."""
    return serialize_keras_object(dtype_policy)


def deserialize(config, custom_objects=None):
    """The policy of a configuration."""
    return deserialize_keras_object(config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects)


def _quantized_by_name(name):
    mode, separator, source = name.partition("_from_")
    if not separator or not source:
        raise ValueError(f"Cannot convert '{name}' to a QuantizedDTypePolicy: expected a name such as 'int8_from_float32'")
    if mode == "float8":
        return QuantizedFloat8DTypePolicy(mode, source)
    if mode == "int8" or mode == "int4":
        return QuantizedDTypePolicy(mode, source)
    raise NotImplementedError(
        f"quantization {mode!r} is not supported; available policies: 'float32', 'mixed_float16', 'mixed_bfloat16'"
    )


def get(identifier) -> DTypePolicy:
    """A policy from None (the global one), a name, a dtype, a configuration, or a policy."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        if identifier in _PLAIN:
            return _PLAIN[identifier]
        if identifier.startswith(QUANTIZATION_MODES) and identifier not in dtypes.ALLOWED_DTYPES:
            return _quantized_by_name(identifier)
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(dtypes.standardize_dtype(identifier))
    except Exception:
        raise ValueError(
            f"Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. Received: dtype={identifier}"
        ) from None


_PLAIN_ONLY = "layers cannot be quantized with it yet; use 'float32', 'mixed_bfloat16' or 'mixed_float16'"

__getattr__ = missing.names(
    __name__, {"AWQDTypePolicy": _PLAIN_ONLY, "GPTQDTypePolicy": _PLAIN_ONLY, "Int4DTypePolicy": _PLAIN_ONLY}
)

installed.dtype_policies.install(globals())
