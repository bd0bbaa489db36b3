"""SpectralNormalization: a layer whose kernel has spectral norm 1."""

from __future__ import annotations

from kerasgpu import initializers, ops
from kerasgpu.layers.core.wrapper import Wrapper
from kerasgpu.layers.input_spec import InputSpec


class SpectralNormalization(Wrapper):
    """In training, each call first divides the wrapped layer's kernel by an estimate of its largest singular value.

    The estimate is from power iteration (Miyato et al. 2018, https://arxiv.org/abs/1802.05957, algorithm 1) on the kernel
    as a matrix (everything, last axis), started from the vector that the call before left in `vector_u`.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: iterations for each call, > 0.

    >>> import kerasgpu as keras
    >>> layer = keras.layers.SpectralNormalization(keras.layers.Conv2D(2, 2))
    >>> layer(keras.ops.ones((1, 10, 10, 1)), training=True).shape
    (1, 9, 9, 2)
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(f"`power_iterations` should be greater than zero. Received: `power_iterations={power_iterations}`")
        self.power_iterations = power_iterations

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        name = next((n for n in ("kernel", "embeddings") if hasattr(self.layer, n)), None)
        if name is None:
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'")
        self.kernel = getattr(self.layer, name)
        self.kernel_shape = self.kernel.shape
        self.vector_u = self.add_weight(
            shape=(1, self.kernel_shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=self.kernel.dtype,
        )

    def call(self, inputs, training=False):
        if training:
            kernel = ops.stop_gradient(self.kernel.value)
            before = self.vector_u.value
            vector_u, normalized = self.normalized_weights()
            empty = ops.all(ops.equal(kernel, 0))  # nothing to divide by; a host `if` would stop a recorded step
            self.vector_u.assign(ops.where(empty, before, vector_u))
            self.kernel.assign(ops.where(empty, kernel, normalized))
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self):
        """(the next `vector_u`, kernel / its estimated spectral norm)."""
        kernel = ops.stop_gradient(self.kernel.value)
        matrix = ops.reshape(kernel, (-1, self.kernel_shape[-1]))
        vector_u = self.vector_u.value
        for _ in range(self.power_iterations):
            vector_v = _unit(ops.matmul(vector_u, ops.transpose(matrix)))
            vector_u = _unit(ops.matmul(vector_v, matrix))
        sigma = ops.matmul(ops.matmul(vector_v, matrix), ops.transpose(vector_u))
        normalized = ops.reshape(ops.divide_no_nan(kernel, sigma), self.kernel_shape)
        return ops.cast(vector_u, self.vector_u.dtype), ops.cast(normalized, self.kernel.dtype)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(row):
    """A vector, as a matrix of one row, scaled to length 1."""
    return ops.normalize(row, axis=-1, order=2)
