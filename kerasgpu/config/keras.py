"""The functions of `keras.config`. Start values come from keras.json in KERAS_HOME, then from the environment."""

from __future__ import annotations

import functools
import json
import os

from kerasgpu.config import environment
from kerasgpu.config.installed import dtype_policies

FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")

_settings: dict = {
    "floatx": environment.floatx(),
    "flash_attention": None,
    "interactive_logging": True,
    "traceback_filtering": True,
    "unsafe_deserialization": False,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


@functools.lru_cache(None)
def _keras_json() -> dict:
    """The user's keras.json; an unreadable or malformed one counts as empty."""
    try:
        with open(os.path.join(environment.keras_home(), "keras.json")) as f:
            found = json.load(f)
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def floatx() -> str:
    """The default float dtype: "float32" unless set."""
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float dtype: "bfloat16", "float16", "float32" or "float64"."""
    if value not in FLOAT_TYPES:
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of {FLOAT_TYPES}")
    _settings["floatx"] = str(value)


def epsilon() -> float:
    """The small constant that keeps logarithms and divisions finite; 1e-7 unless set."""
    if "epsilon" not in _settings:
        _settings["epsilon"] = float(_keras_json().get("epsilon", 1e-7))
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the value of `epsilon()`."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """ "channels_last" (the default) or "channels_first"."""
    if "image_data_format" not in _settings:
        found = _keras_json().get("image_data_format", "channels_last")
        _settings["image_data_format"] = found if found in ("channels_last", "channels_first") else "channels_last"
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the default data format, "channels_last" or "channels_first"."""
    value = str(data_format).lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    _settings["image_data_format"] = value


def backend() -> str:
    """ "kerasgpu": the engine that runs the operations."""
    return "kerasgpu"


def set_backend(name: str) -> None:
    """There is one backend; setting it to another raises ValueError."""
    if name != "kerasgpu":
        raise ValueError(
            f"kerasgpu has one backend, its own kernels; it cannot be set to {name!r}. Use Keras for other backends"
        )


def dtype_policy():
    """The global dtype policy."""
    return dtype_policies.dtype_policy()


def set_dtype_policy(policy) -> None:
    """Set the global dtype policy, by name ("mixed_bfloat16") or object."""
    dtype_policies.set_dtype_policy(policy)


def enable_interactive_logging() -> None:
    """Log to standard output (the default)."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Log through `logging` instead of standard output."""
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    return _settings["interactive_logging"]


def enable_traceback_filtering() -> None:
    """Leave internal frames out of error traces (the default)."""
    _settings["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Show internal frames in error traces."""
    _settings["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    return _settings["traceback_filtering"]


def enable_flash_attention() -> None:
    """Accepted for compatibility: attention has one implementation."""
    _settings["flash_attention"] = True


def disable_flash_attention() -> None:
    """Accepted for compatibility: attention has one implementation."""
    _settings["flash_attention"] = False


def is_flash_attention_enabled():
    return _settings["flash_attention"]


def enable_unsafe_deserialization() -> None:
    """Accepted for compatibility. Nothing in a file is ever executed here, so there is nothing that it could allow."""
    _settings["unsafe_deserialization"] = True


def unsafe_deserialization_enabled() -> bool:
    return _settings["unsafe_deserialization"]


def is_nnx_enabled() -> bool:
    """Always False: flax is not used."""
    return False


def max_epochs():
    """The most epochs that any fit() runs, or None."""
    if _settings["max_epochs"] is None and os.environ.get("KERAS_MAX_EPOCHS"):
        _settings["max_epochs"] = environment._integer("KERAS_MAX_EPOCHS", 0, 2**31, 0)
    return _settings["max_epochs"]


def set_max_epochs(value) -> None:
    """Cap the epochs of every fit(); None removes the cap."""
    _settings["max_epochs"] = value


def max_steps_per_epoch():
    """The most steps of any epoch, or None."""
    if _settings["max_steps_per_epoch"] is None and os.environ.get("KERAS_MAX_STEPS_PER_EPOCH"):
        _settings["max_steps_per_epoch"] = environment._integer("KERAS_MAX_STEPS_PER_EPOCH", 0, 2**31, 0)
    return _settings["max_steps_per_epoch"]


def set_max_steps_per_epoch(value) -> None:
    """Cap the steps of every epoch; None removes the cap."""
    _settings["max_steps_per_epoch"] = value
