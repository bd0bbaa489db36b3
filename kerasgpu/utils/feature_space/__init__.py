"""FeatureSpace: tables of numbers, categories and strings as one tensor."""

from kerasgpu.utils.feature_space.features import Cross, Feature, FeatureIdentity
from kerasgpu.utils.feature_space.space import FeatureSpace

__all__ = ["FeatureSpace"]

_KERAS_SOURCE = "keras.src.layers.preprocessing.feature_space"
# What configs may name, by module: the parts stand under the path of Keras's own source, which is what real files hold.
CONFIG_OBJECTS = {
    "keras.utils": {"FeatureSpace": FeatureSpace},
    _KERAS_SOURCE: {"Cross": Cross, "Feature": Feature, "TFDIdentity": FeatureIdentity},
}
