"""Data pipelines: `Dataset` and what belongs to it, in the manner of tf.data."""

from __future__ import annotations

from kerasgpu.data.dataset import AUTOTUNE, INFINITE, UNKNOWN, Dataset
from kerasgpu.data.elements import TensorSpec

INFINITE_CARDINALITY = INFINITE
UNKNOWN_CARDINALITY = UNKNOWN

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "TensorSpec"]
