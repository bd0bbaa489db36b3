"""STFTSpectrogram: the short-time Fourier transform as a convolution."""

from __future__ import annotations

import math
import warnings

from kerasgpu import config, initializers, ops
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """Spectrograms of signals (batch, time, channels), by convolutions whose kernels are weights and can be trained.

    Args:
        mode: "log", "magnitude", "psd" (power), "real", "imag", "angle" or "stft" (real and imaginary parts).
        frame_length: samples in a window.
        frame_step: samples between windows; None for half of a window.
        fft_length: at least frame_length; None for the next power of two.
        window: name of a window, an array of weights, or None.
        periodic: whether the window is made for periodic use.
        scaling: "density", "spectrum" or None.
        padding: "valid" or "same".
        expand_dims: whether channels get an axis of their own; otherwise they are joined with the frequencies.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.STFTSpectrogram(frame_length=64)(keras.ops.ones((2, 256, 1))).shape
    (2, 7, 33)
    """

    def __init__(
        self,
        mode="log",
        frame_length=256,
        frame_step=None,
        fft_length=None,
        window="hann",
        periodic=False,
        scaling="density",
        padding="valid",
        expand_dims=False,
        data_format=None,
        **kwargs,
    ):
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                "`frame_step` should be a positive integer not greater than `frame_length`. Received "
                f"frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                f"`fft_length` should be not less than `frame_length`. Received fft_length={fft_length}, "
                f"frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & -fft_length != fft_length:
            warnings.warn(f"`fft_length` is recommended to be a power of two. Received fft_length={fft_length}", stacklevel=2)
        if mode not in _MODES:
            raise ValueError(f"Output mode is invalid, it must be one of {', '.join(_MODES)}. Received: mode={mode}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received scaling={scaling}")
        if padding not in ("valid", "same"):
            raise ValueError(f"Padding is invalid, it should be 'valid', 'same'. Received: padding={padding}")
        super().__init__(**kwargs)
        self.mode = mode
        self.frame_length = frame_length
        self.frame_step = frame_step
        self._frame_step = frame_step or frame_length // 2
        self.fft_length = fft_length
        self._fft_length = fft_length or 2 ** math.ceil(math.log2(frame_length))
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape):
        shape = (self.frame_length, 1, self._fft_length // 2 + 1)
        for part, other in (("real", "imag"), ("imag", "real")):
            if self.mode != other:
                maker = initializers.STFT(part, self.window, self.scaling, self.periodic)
                setattr(self, f"{part}_kernel", self.add_weight(name=f"{part}_kernel", shape=shape, initializer=maker))

    def _transform(self, inputs, kernel):
        """(batch, channels, frequencies, frames)"""
        x = ops.transpose(inputs, (0, 2, 1)) if self.data_format == "channels_last" else inputs
        batch, channels, time = x.shape
        out = ops.conv(
            ops.reshape(x, (batch * channels, time, 1)),
            ops.cast(kernel, x.dtype),
            strides=self._frame_step,
            padding=self.padding,
            data_format="channels_last",
        )
        _, frames, frequencies = out.shape
        return ops.reshape(ops.transpose(out, (0, 2, 1)), (batch, channels, frequencies, frames))

    def _laid_out(self, x):
        batch, channels, frequencies, frames = x.shape
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return ops.transpose(x, (0, 3, 2, 1) if last else (0, 1, 3, 2))
        x = ops.reshape(x, (batch, channels * frequencies, frames))
        return ops.transpose(x, (0, 2, 1)) if last else x

    def call(self, inputs):
        if inputs.dtype not in ("float16", "float32", "float64"):
            raise TypeError(
                f"Invalid input type. Expected `float16`, `float32` or `float64`. Received: input type={inputs.dtype}"
            )
        parts = {
            name: self._transform(inputs, getattr(self, f"{name}_kernel"))
            for name, other in (("real", "imag"), ("imag", "real"))
            if self.mode != other
        }
        if self.mode in parts:
            return self._laid_out(parts[self.mode])
        real, imag = parts["real"], parts["imag"]
        if self.mode == "angle":
            return self._laid_out(ops.arctan2(imag, real))
        if self.mode == "stft":
            return self._laid_out(ops.concatenate([real, imag], axis=2))
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":  # both halves of the spectrum
            return self._laid_out(power + ops.pad(power[:, :, 1:-1, :], ((0, 0), (0, 0), (1, 1), (0, 0))))
        magnitude = self._laid_out(ops.sqrt(ops.maximum(power, config.epsilon())))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, config.epsilon()))

    def get_config(self):
        names = ("mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding")
        names += ("data_format", "expand_dims")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
