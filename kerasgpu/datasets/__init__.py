"""keras.datasets: small data sets, downloaded once into KERAS_HOME/datasets."""

from __future__ import annotations

import importlib

_NAMES = ("boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters")


def __getattr__(name):
    if name in _NAMES:
        return importlib.import_module(f"kerasgpu.datasets.{name}")
    raise AttributeError(f"module 'kerasgpu.datasets' has no attribute {name!r}; there are {', '.join(_NAMES)}")


def __dir__():
    return sorted(_NAMES)
