"""keras.models: model classes, copying, and reading models from files and JSON."""

from kerasgpu.config.installed import saving
from kerasgpu.models.cloning import clone_model
from kerasgpu.models.function import Function
from kerasgpu.models.functional import Functional
from kerasgpu.models.model import Model
from kerasgpu.models.sequential import Sequential

__all__ = ["Function", "Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def __getattr__(name):
    if name in ("load_model", "model_from_json", "save_model"):
        return saving.api.model_from_json if name == "model_from_json" else getattr(saving, name)
    raise AttributeError(f"module 'kerasgpu.models' has no attribute {name!r}")
