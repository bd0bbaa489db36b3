"""keras.wrappers: Keras models as scikit-learn estimators. Using one needs scikit-learn."""

from __future__ import annotations

import importlib

_NAMES = ("SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer")

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'kerasgpu.wrappers' has no attribute {name!r}")
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{name} requires `scikit-learn` to be installed. Run `pip install scikit-learn` to install it."
        ) from error
    return getattr(importlib.import_module("kerasgpu.wrappers.sklearn_wrapper"), name)  # where scikit-learn is


def __dir__():
    return sorted({*globals(), *_NAMES})
