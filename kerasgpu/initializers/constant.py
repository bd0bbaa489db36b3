"""Initializers without randomness: Constant, Zeros, Ones, Identity, STFT."""

from __future__ import annotations

import math

from kerasgpu import ops
from kerasgpu.configs import serialization
from kerasgpu.engine.dtypes import standardize_dtype
from kerasgpu.initializers.initializer import Initializer

__all__ = ["STFT", "Constant", "Identity", "Ones", "Zeros"]


class Constant(Initializer):
    """Every element is `value` (a number, or an array that broadcasts to the shape)."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return ops.full(shape, self.value, dtype=standardize_dtype(dtype))

    def get_config(self):
        return {"value": serialization.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        return cls(serialization.deserialize_keras_object(config["value"]))


class Zeros(Initializer):
    """Every element is 0."""

    def __call__(self, shape, dtype=None):
        return ops.zeros(shape, dtype=standardize_dtype(dtype))


class Ones(Initializer):
    """Every element is 1."""

    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype=standardize_dtype(dtype))


class Identity(Initializer):
    """A matrix with `gain` on its diagonal and 0 elsewhere. Only for two-dimensional shapes."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank {len(shape)}."
            )
        return ops.multiply(self.gain, ops.eye(*shape, dtype=standardize_dtype(dtype)))

    def get_config(self):
        return {"gain": self.gain}


class STFT(Initializer):
    """The kernel of a convolution that computes a short-time Fourier transform.

    Element (t, 0, k) is the real or imaginary part of w(t) exp(-2 pi i t k / n), n = 2 (bins - 1), for shape
    (frame length, channels, bins).

    Args:
        side: "real" or "imag".
        window: name of a window of scipy.signal ("hann", "hamming", ...), an array of the frame length, or None.
        scaling: "density" divides by the root of the window's energy, "spectrum" by its sum, None by nothing.
        periodic: whether a named window is periodic instead of symmetric.
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise ValueError(f"side should be 'real' or 'imag', not {side}")
        if isinstance(window, str):
            _named_window(window, 1, periodic)  # an unknown name is an error here, not later
        if scaling is not None and scaling not in ("density", "spectrum"):
            raise ValueError(f"Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received scaling={scaling}")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape, dtype=None):
        dtype = standardize_dtype(dtype)
        frame_length, _, bins = shape
        window, scale = None, 1.0
        if self.window is not None:
            window = self.window
            if isinstance(window, str):
                window = _named_window(window, frame_length, self.periodic)
            window = ops.convert_to_tensor(window, dtype=dtype)
            if window.shape != (frame_length,):
                raise ValueError(
                    f"The shape of `window` must be equal to [frame_length]. Received: window shape={window.shape}"
                )
            window = ops.reshape(window, (frame_length, 1, 1))
            if self.scaling == "density":
                scale = ops.sqrt(ops.sum(ops.square(window)))
            elif self.scaling == "spectrum":
                scale = ops.sum(ops.absolute(window))
        frequency = ops.reshape(ops.arange(bins, dtype=dtype), (1, 1, bins)) / ((bins - 1) * 2)
        time = ops.reshape(ops.arange(frame_length, dtype=dtype), (frame_length, 1, 1))
        angle = time * frequency * (-2.0 * math.pi)
        kernel = ops.cos(angle) if self.side == "real" else ops.sin(angle)
        return kernel if window is None else ops.divide(ops.multiply(kernel, window), scale)

    def get_config(self):
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


def _named_window(name, length, periodic):
    """A window of scipy.signal; "hann" and "hamming" need no SciPy."""
    if name in ("hann", "hamming"):
        a = 0.5 if name == "hann" else 0.54
        n = length if periodic else length - 1
        return [1.0 if length == 1 else a - (1 - a) * math.cos(2 * math.pi * k / n) for k in range(length)]
    try:
        from scipy.signal import get_window
    except ImportError:
        raise ImportError(
            f"STFT: the window {name!r} needs SciPy (pip install scipy); 'hann', 'hamming' and arrays do not"
        ) from None
    return get_window(name, length, periodic)
