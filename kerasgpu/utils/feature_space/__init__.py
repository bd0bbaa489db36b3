"""FeatureSpace: tables of numbers, categories and strings as one tensor."""

from kerasgpu.utils.feature_space.space import FeatureSpace

__all__ = ["FeatureSpace"]
