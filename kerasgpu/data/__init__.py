"""Data pipelines: `Dataset` and what belongs to it, in the manner of tf.data."""

from __future__ import annotations

from kerasgpu.data.dataset import Dataset
from kerasgpu.data.elements import TensorSpec
from kerasgpu.data.stage import AUTOTUNE, INFINITE, UNKNOWN

INFINITE_CARDINALITY = INFINITE
UNKNOWN_CARDINALITY = UNKNOWN

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "TensorSpec"]
