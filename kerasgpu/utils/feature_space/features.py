"""What one column of a table is, and what is crossed with what."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.layers.layer import Layer


class Cross:
    """The combinations of several features, in crossing_dim bins.

    Args:
        feature_names: names of the features.
        crossing_dim: number of bins.
        output_mode: "one_hot" or "int".
    """

    def __init__(self, feature_names, crossing_dim, output_mode="one_hot"):
        if output_mode not in ("int", "one_hot"):
            raise ValueError(
                f"Invalid value for argument `output_mode`. Expected one of {{'int', 'one_hot'}}. Received: "
                f"output_mode={output_mode}"
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self):
        return "_X_".join(self.feature_names)

    def get_config(self):
        names = list(self.feature_names)
        return {"feature_names": names, "crossing_dim": self.crossing_dim, "output_mode": self.output_mode}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Feature:
    """A column: the dtype of its values, the layer that processes them, and how the result is encoded.

    Args:
        dtype: "float32", "int32" or "string".
        preprocessor: a layer, or its config.
        output_mode: "float", "int" or "one_hot".
    """

    def __init__(self, dtype, preprocessor, output_mode):
        if output_mode not in ("int", "one_hot", "float"):
            raise ValueError(
                f"Invalid value for argument `output_mode`. Expected one of {{'int', 'one_hot', 'float'}}. Received: "
                f"output_mode={output_mode}"
            )
        if isinstance(preprocessor, dict):
            preprocessor = deserialize_keras_object(preprocessor)
        self.dtype = dtype
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self):
        return {
            "dtype": self.dtype,
            "preprocessor": serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class FeatureIdentity(Layer):
    """Numbers as they are, as floats."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._allow_non_tensor_positional_args = True

    def call(self, x):
        return ops.cast(x, self.compute_dtype)
