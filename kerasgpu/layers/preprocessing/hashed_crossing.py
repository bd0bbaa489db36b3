"""HashedCrossing: combinations of features as the number of a bin."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing import hashes, host
from kerasgpu.layers.preprocessing.encoding import refuse_sparse


class HashedCrossing(Layer):
    """The combination of two or more features (strings or integers) in one of num_bins bins, by a hash.

    Args:
        num_bins: number of bins.
        output_mode: "int" or "one_hot".
        sparse: only False.

    The inputs are a tuple of arrays of one shape: (), (batch,) or (batch, 1).

    >>> import numpy as np, kerasgpu as keras
    >>> layer = keras.layers.HashedCrossing(num_bins=5)
    >>> layer((np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102]))).tolist()
    [1, 4, 1, 1, 3]
    """

    def __init__(self, num_bins, output_mode="int", sparse=False, name=None, dtype=None, **kwargs):
        if output_mode == "int" and dtype is None:
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse("HashedCrossing", sparse)
        if output_mode not in ("int", "one_hot"):
            raise ValueError(
                f"Unknown value for argument `output_mode` of layer HashedCrossing: {output_mode}. It must be 'int' or 'one_hot'."
            )
        self.num_bins = num_bins
        self.output_mode = output_mode
        self.sparse = sparse
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"`HashedCrossing` should be called on a list or tuple of inputs. Received: inputs={inputs}")
        if len(inputs) < 2:
            raise ValueError(f"`HashedCrossing` should be called on at least two inputs. Received: inputs={inputs}")
        features = [host.as_array(x) for x in inputs]
        shape = features[0].shape
        if len(shape) > 2 or (len(shape) == 2 and shape[-1] != 1):
            raise ValueError(
                "All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, 1)`. Received: "
                f"inputs={inputs}"
            )
        if any(x.shape != shape for x in features):
            raise ValueError(f"All `HashedCrossing` inputs should have equal shape. Received: inputs={inputs}")
        if any(x.dtype.kind not in "Oiub" for x in features):
            raise ValueError(f"All `HashedCrossing` inputs should have an integer or string dtype. Received: inputs={inputs}")
        found = np.array([self._bin(row) for row in zip(*(x.ravel().tolist() for x in features))], "int64").reshape(shape)
        if self.output_mode == "one_hot":
            found = host.encode(found, "one_hot", self.num_bins).reshape(self.compute_output_shape((shape, shape)))
        return ops.convert_to_tensor(found, self.compute_dtype)

    def _bin(self, values):
        number = hashes.CROSS_KEY
        for x in values:
            number = hashes.combined(number, x if isinstance(x, (int, np.integer)) else hashes.fingerprint(hashes.as_bytes(x)))
        return number % self.num_bins

    def compute_output_shape(self, input_shape):
        if len(input_shape) < 2 or not all(isinstance(s, (tuple, list)) for s in input_shape):
            raise ValueError(f"Expected as input a list/tuple of 2 tensors. Received input_shape={input_shape}")
        if any(tuple(s)[-1:] != tuple(input_shape[0])[-1:] for s in input_shape):
            raise ValueError(f"Expected the two input tensors to have identical shapes. Received input_shape={input_shape}")
        shape = tuple(input_shape[0])
        if self.output_mode == "int":
            return shape
        return (*(shape[:-1] if shape[-1:] == (1,) else shape), self.num_bins)

    def get_config(self):
        return {
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }
