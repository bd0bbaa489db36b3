"""FeatureSpace: how each column of a table is processed, encoded and joined with the others."""

from __future__ import annotations

import numpy as np

from kerasgpu import layers, ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import naming
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import host
from kerasgpu.saving.api import save_model
from kerasgpu.utils.feature_space.features import Cross, Feature, FeatureIdentity

_SIZES = {
    layers.IntegerLookup: lambda layer: layer.vocabulary_size(),
    layers.StringLookup: lambda layer: layer.vocabulary_size(),
    layers.CategoryEncoding: lambda layer: layer.num_tokens,
    layers.Discretization: lambda layer: layer.num_bins or len(layer.bin_boundaries) + 1,
    layers.HashedCrossing: lambda layer: layer.num_bins,
    layers.Hashing: lambda layer: layer.num_bins,
}


class FeatureSpace(Layer):
    """Columns of a table (numbers, integers, strings) processed, encoded and joined.

    Args:
        features: dict of the name of each column and what it is: a string ("float", "float_normalized", "float_rescaled",
            "float_discretized", "integer_categorical", "string_categorical", "integer_hashed", "string_hashed") or what the
            methods of these names, or `feature`, give.
        output_mode: "concat" for one tensor (batch, width), "dict" for one tensor for each column.
        crosses: list of tuples of names, or of `cross(...)`, whose combinations become features.
        crossing_dim, hashing_dim, num_discretization_bins: number of bins of features given as strings.

    `adapt` learns vocabularies and statistics. It and calls take a dict of lists or arrays.

    >>> import kerasgpu as keras
    >>> space = keras.utils.FeatureSpace({"size": "float", "color": "string_categorical"})
    >>> space.adapt({"size": [1.0, 2.0, 3.0], "color": ["red", "green", "red"]})
    >>> space({"size": [4.0], "color": ["green"]}).tolist()
    [[0.0, 0.0, 1.0, 4.0]]
    """

    # -- kinds of features --------------------------------------------------------------------------------------
    @classmethod
    def cross(cls, feature_names, crossing_dim, output_mode="one_hot"):
        """A cross with its own number of bins and encoding."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype, preprocessor, output_mode):
        """A column processed by a layer of your own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name=None):
        """Numbers as they are."""
        return Feature("float32", FeatureIdentity(dtype="float32", name=_named("float", name)), "float")

    @classmethod
    def float_rescaled(cls, scale=1.0, offset=0.0, name=None):
        """Numbers times scale, plus offset."""
        return Feature("float32", layers.Rescaling(scale, offset, name=_named("float_rescaled", name)), "float")

    @classmethod
    def float_normalized(cls, name=None):
        """Numbers with mean 0 and variance 1."""
        return Feature("float32", layers.Normalization(axis=-1, name=_named("float_normalized", name)), "float")

    @classmethod
    def float_discretized(cls, num_bins, bin_boundaries=None, output_mode="one_hot", name=None):
        """Numbers as the index of the range that they lie in."""
        given = {"num_bins": num_bins} if bin_boundaries is None else {"bin_boundaries": bin_boundaries}
        return Feature("float32", layers.Discretization(**given, name=_named("float_discretized", name)), output_mode)

    @classmethod
    def integer_categorical(cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None):
        """Integers as numbers of a vocabulary."""
        layer = layers.IntegerLookup(max_tokens, num_oov_indices, name=_named("integer_categorical", name))
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None):
        """Strings as numbers of a vocabulary."""
        layer = layers.StringLookup(max_tokens, num_oov_indices, name=_named("string_categorical", name))
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Strings in bins."""
        return Feature("string", layers.Hashing(num_bins, name=_named("string_hashed", name)), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Integers in bins."""
        return Feature("int32", layers.Hashing(num_bins, name=_named("integer_hashed", name)), output_mode)

    # -- construction -------------------------------------------------------------------------------------------
    def __init__(
        self,
        features,
        output_mode="concat",
        crosses=None,
        crossing_dim=32,
        hashing_dim=32,
        num_discretization_bins=32,
        name=None,
    ):
        super().__init__(name=name)
        if not features:
            raise ValueError("The `features` argument cannot be None or empty.")
        if output_mode not in ("dict", "concat"):
            raise ValueError(
                f"Invalid value for argument `output_mode`. Expected one of {{'dict', 'concat'}}. Received: "
                f"output_mode={output_mode}"
            )
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.output_mode = output_mode
        found = {name: self._standardized(name, value) for name, value in features.items()}
        crossed = [self._standardized_cross(cross, found) for cross in crosses or ()]
        self.__dict__["features"], self.__dict__["crosses"] = found, crossed
        self.__dict__["inputs"] = {
            name: layers.Input(shape=(1,), dtype=feature.dtype, name=name) for name, feature in found.items()
        }
        self.preprocessors = {name: feature.preprocessor for name, feature in found.items()}
        self.crossers = {cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name) for cross in crossed}
        self.__dict__["encoded_features"] = None
        self._is_adapted = False

    def _standardized(self, name, feature):
        if isinstance(feature, Feature):
            return feature
        if isinstance(feature, dict):
            return deserialize_keras_object(feature)
        simple = ("float", "float_normalized", "float_rescaled", "integer_categorical", "string_categorical")
        if feature in simple:
            return getattr(self, feature)(name=name)
        if feature == "float_discretized":
            return self.float_discretized(self.num_discretization_bins, name=name)
        if feature in ("integer_hashed", "string_hashed"):
            return getattr(self, feature)(self.hashing_dim, name=name)
        raise ValueError(f"Invalid feature type: {feature}")

    def _standardized_cross(self, cross, features):
        if isinstance(cross, dict):
            cross = deserialize_keras_object(cross)
        if isinstance(cross, Cross):
            return cross
        if not self.crossing_dim:
            raise ValueError(
                "When specifying `crosses`, the argument `crossing_dim` (dimensionality of the crossing space) should be "
                "specified as well."
            )
        if any(key not in features for key in cross):
            raise ValueError(
                "All features referenced in the `crosses` argument should be present in the `features` dict. Received unknown "
                f"features: {cross}"
            )
        return Cross(cross, crossing_dim=self.crossing_dim)

    # -- learning -----------------------------------------------------------------------------------------------
    def _to_adapt(self):
        """Names of the features that learn from data and have not been given what they would learn."""
        return [
            name
            for name, layer in self.preprocessors.items()
            if hasattr(layer, "adapt")
            and getattr(layer, "input_mean", None) is None
            and not getattr(layer, "_has_input_vocabulary", False)
            and not (isinstance(layer, layers.Discretization) and layer.num_bins is None)
        ]

    def adapt(self, dataset):
        """Learn vocabularies and statistics of a dict of lists or arrays, or of a dataset of such dicts (rows or batches)."""
        if not isinstance(dataset, dict) and (not hasattr(dataset, "__iter__") or isinstance(dataset, (list, tuple))):
            raise ValueError(
                "`adapt()` can only be called on a Dataset or a dict of arrays/lists. Received instead: "
                f"{dataset} (of type {type(dataset)})"
            )
        wanted = self._to_adapt()
        rows = [dataset] if isinstance(dataset, dict) else dataset
        parts: dict[str, list] = {name: [] for name in wanted}
        for row in rows:
            for name in wanted:
                parts[name].append(np.atleast_1d(host.as_array(row[name])))
        for name in wanted:
            column = np.concatenate(parts[name])
            self.preprocessors[name].adapt(column[:, None] if column.ndim == 1 else column)
        self._is_adapted = True
        self.__dict__["encoded_features"] = None
        self.get_encoded_features()
        self.built = True

    def get_inputs(self):
        """The symbolic inputs, by name."""
        self._check_adapted()
        return self.inputs

    def get_encoded_features(self):
        """The symbolic outputs, from which a model goes on."""
        self._check_adapted()
        if self.encoded_features is None:
            self.__dict__["encoded_features"] = self._processed(self.inputs)
        return self.encoded_features

    def _check_adapted(self):
        if self._is_adapted:
            return
        if self._to_adapt():
            raise ValueError("You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it.")
        self._is_adapted = True

    # -- calls --------------------------------------------------------------------------------------------------
    def _processed(self, data):
        found = {name: self.preprocessors[name](x) for name, x in data.items()}
        crossed = {c.name: self.crossers[c.name]([found[name] for name in c.feature_names]) for c in self.crosses}
        modes = {**{n: f.output_mode for n, f in self.features.items()}, **{c.name: c.output_mode for c in self.crosses}}
        out = {}
        for name in [*sorted(found), *sorted(crossed)]:
            x = found[name] if name in found else crossed[name]
            out[name] = self._one_hot(name, x) if modes[name] == "one_hot" else x
        if self.output_mode == "dict":
            return out
        for name, x in out.items():
            if "float" not in x.dtype:
                raise ValueError(
                    f"Cannot concatenate features because feature '{name}' has not been encoded (it has dtype {x.dtype}). "
                    "Consider using `output_mode='dict'`."
                )
        return ops.concatenate(list(out.values()), axis=-1)

    def _one_hot(self, name, x):
        if not x.dtype.startswith("int"):
            raise ValueError(
                f"Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should return an integer dtype. Instead "
                f"it returns a {x.dtype} dtype."
            )
        layer = self.preprocessors[name] if name in self.preprocessors else self.crossers[name]
        size = next((read(layer) for kind, read in _SIZES.items() if isinstance(layer, kind)), None)
        if size is None:
            raise ValueError(
                f"Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature and the dimensionality of "
                "its output space is not known, thus it cannot be one-hot encoded. Try using `output_mode='int'`."
            )
        return ops.multi_hot(x, size, axis=-1)

    def __call__(self, data):
        self._check_adapted()
        if not isinstance(data, dict):
            raise ValueError(f"A FeatureSpace can only be called with a dict. Received: data={data} (of type {type(data)})")
        single = False
        columns = {}
        for name, x in data.items():
            if not isinstance(x, (KerasTensor, Tensor)):
                x = host.as_array(x)
            single = single or len(x.shape) == 0
            columns[name] = x.reshape(1, 1) if len(x.shape) == 0 else x[:, None] if len(x.shape) == 1 else x
        out = self._processed({name: x if isinstance(x, KerasTensor) else _as_input(x) for name, x in columns.items()})
        if not single:
            return out
        return {k: ops.squeeze(x, 0) for k, x in out.items()} if isinstance(out, dict) else ops.squeeze(out, 0)

    # -- saving -------------------------------------------------------------------------------------------------
    def get_config(self):
        return {
            "features": serialize_keras_object(self.features),
            "output_mode": self.output_mode,
            "crosses": serialize_keras_object(self.crosses),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_build_config(self):
        return {name: feature.preprocessor.get_build_config() for name, feature in self.features.items()}

    def build_from_config(self, config):
        for name, given in config.items():
            layer = self.features[name].preprocessor
            if not layer.built and given is not None:
                layer.build_from_config(given)
        self._is_adapted = True

    def save(self, filepath):
        """Write a `.keras` file, which `keras.models.load_model` reads."""
        save_model(self, filepath)


def _named(kind, name):
    return f"{name or naming.auto_name(kind)}_preprocessor"


def _as_input(x):
    """Numbers as a tensor; strings stay an array."""
    return x if not isinstance(x, Tensor) and x.dtype == object else ops.convert_to_tensor(x)
