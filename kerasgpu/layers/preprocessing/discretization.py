"""Discretization: numbers as the index of the range that they lie in."""

from __future__ import annotations

import numpy as np

from kerasgpu import config, ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import quantile_sketch
from kerasgpu.layers.preprocessing.encoding import OUTPUT_MODES, encode, refuse_sparse


class Discretization(Layer):
    """The index of the bin of each number: k for bin_boundaries[k - 1] <= x < bin_boundaries[k].

    Args:
        bin_boundaries: ascending numbers; the first and last bin are open. Or:
        num_bins: number of bins, whose boundaries `adapt` finds as quantiles of data.
        epsilon: how far the ranks of these may be off, as a fraction; smaller is slower.
        output_mode: "int", or how the indices are encoded: "one_hot", "multi_hot" or "count" (see `CategoryEncoding`).
        sparse: only False.

    >>> import kerasgpu as keras
    >>> keras.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])(keras.ops.array([[-1.5, 1.0, 3.4, 0.5]])).tolist()
    [[0, 2, 3, 1]]
    """

    def __init__(
        self, bin_boundaries=None, num_bins=None, epsilon=0.01, output_mode="int", sparse=False, dtype=None, name=None
    ):
        super().__init__(name=name, dtype=dtype)
        refuse_sparse("Discretization", sparse)
        if output_mode not in ("int", *OUTPUT_MODES):
            raise ValueError(
                f"Unknown value for argument `output_mode` of Discretization: {output_mode}. It must be one of "
                f"{('int', *OUTPUT_MODES)}"
            )
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"`num_bins` must be greater than or equal to 0. Received: `num_bins={num_bins}`")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                f"Both `num_bins` and `bin_boundaries` should not be set. Received: `num_bins={num_bins}` and "
                f"`bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        self.bin_boundaries = bin_boundaries
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse
        self.summary = None if bin_boundaries else quantile_sketch.EMPTY

    @property
    def input_dtype(self):
        return config.floatx()

    @property
    def output_dtype(self):
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def adapt(self, data, steps=None):
        """Set the boundaries to quantiles of data: an array, a tensor, or an iterable of batches, of which `steps` are read.

        Raises ValueError for a layer that was made with `bin_boundaries`.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, use `num_bins` instead."
            )
        self.reset_state()
        if isinstance(data, (np.ndarray, Tensor)) or not hasattr(data, "__iter__"):
            self.update_state(data)
        else:
            for k, batch in enumerate(data):
                if steps is not None and k >= steps:
                    break
                self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Take a batch into account; `finalize_state` then sets the boundaries."""
        found = quantile_sketch.summarize(np.asarray(data).astype("float32"), self.epsilon)
        self.summary = quantile_sketch.merge(found, self.summary, self.epsilon)

    def finalize_state(self):
        if self.num_bins is not None:
            self.bin_boundaries = quantile_sketch.boundaries(self.summary, self.num_bins).tolist()

    def reset_state(self):
        if self.num_bins is not None:
            self.summary = quantile_sketch.EMPTY

    def load_own_variables(self, store):
        if len(store.keys()) == 1:  # old files hold the sketch
            self.summary = np.asarray(store["0"])

    def call(self, inputs):
        if self.bin_boundaries is None:
            raise ValueError(
                "You need to either pass the `bin_boundaries` argument at construction time or call `adapt(dataset)` before "
                "you can start using the `Discretization` layer."
            )
        indices = ops.digitize(inputs, ops.convert_to_tensor(list(self.bin_boundaries), self.input_dtype))
        return encode(indices, self.output_mode, len(self.bin_boundaries) + 1, self.output_dtype)

    def compute_output_shape(self, input_shape):
        shape = tuple(input_shape)
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        if self.output_mode == "int":
            return shape
        if self.output_mode == "one_hot":
            return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
        return (*shape[:-1], depth)

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.output_dtype)

    def get_config(self):
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """After `adapt` a config holds both `num_bins` and `bin_boundaries`."""
        config = dict(config)
        adapted = config.pop("bin_boundaries", None) if config.get("num_bins") is not None else None
        layer = cls(**config)
        if adapted is not None:
            layer.bin_boundaries = adapted
        return layer
