"""MelSpectrogram: the power of sound in bands that are evenly spaced to the ear."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.layer import Layer


def _mel(hertz):
    """The mel scale of HTK (Young et al.)."""
    return 1127.0 * np.log(1.0 + hertz / 700.0)


class MelSpectrogram(Layer):
    """Mel spectrograms (batch, bands, frames) of signals (batch, time), or (bands, frames) of one (time,).

    Args:
        fft_length: length of the Fourier transform.
        sequence_stride: samples between windows.
        sequence_length: samples in a window, at most fft_length; None for fft_length.
        window: "hann", "hamming", an array of weights, or None.
        sampling_rate: samples per second.
        num_mel_bins: number of bands.
        min_freq, max_freq: in Hz; None for half of the sampling rate.
        power_to_db: whether the result is in decibels.
        top_db: range below the maximum to which these are clipped.
        mag_exp: exponent of the magnitude; 2 for power.
        min_power: smallest power for the logarithm.
        ref_power: power of 0 dB.

    >>> import kerasgpu as keras
    >>> keras.layers.MelSpectrogram(num_mel_bins=80, sampling_rate=8000, sequence_stride=128)(keras.ops.ones((2, 16000))).shape
    (2, 80, 126)
    """

    def __init__(
        self,
        fft_length=2048,
        sequence_stride=512,
        sequence_length=None,
        window="hann",
        sampling_rate=16000,
        num_mel_bins=128,
        min_freq=20.0,
        max_freq=None,
        power_to_db=True,
        top_db=80.0,
        mag_exp=2.0,
        min_power=1e-10,
        ref_power=1.0,
        **kwargs,
    ):
        sequence_length = sequence_length or fft_length
        if fft_length < sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"`sequence_length`={sequence_length}, `fft_length`={fft_length}."
            )
        super().__init__(**kwargs)
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = num_mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self._allow_non_tensor_positional_args = True

    def call(self, inputs):
        dtype = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        real, imag = ops.stft(
            ops.cast(inputs, dtype),
            sequence_length=self.sequence_length,
            sequence_stride=self.sequence_stride,
            fft_length=self.fft_length,
            window=self.window,
            center=True,
        )
        power = ops.power(ops.hypot(real, imag), self.mag_exp)
        bands = self.linear_to_mel_weight_matrix(
            self.num_mel_bins, power.shape[-1], self.sampling_rate, self.min_freq, self.max_freq
        )
        out = ops.matmul(power, ops.cast(bands, dtype))
        if self.power_to_db:
            out = self._decibels(out)
        return ops.cast(ops.swapaxes(out, -1, -2), self.compute_dtype)

    def _decibels(self, power):
        reference = 10.0 * np.log10(max(abs(self.ref_power), self.min_power))
        out = 10.0 * ops.log10(ops.maximum(power, self.min_power)) - reference
        return ops.maximum(out, ops.max(out) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins=20,
        num_spectrogram_bins=129,
        sampling_rate=8000,
        lower_edge_hertz=125.0,
        upper_edge_hertz=3800.0,
        dtype="float32",
    ):
        """How much of each frequency is in each band, (num_spectrogram_bins, num_mel_bins): triangles on the mel scale."""
        frequencies = _mel(np.linspace(0.0, sampling_rate / 2.0, num_spectrogram_bins)[1:, None])
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        low, center, high = edges[:-2], edges[1:-1], edges[2:]
        weights = np.minimum((frequencies - low) / (center - low), (high - frequencies) / (high - center))
        weights = np.pad(np.maximum(weights, 0.0), ((1, 0), (0, 0)))  # nothing of frequency 0
        return ops.convert_to_tensor(weights, dtype)

    def compute_output_shape(self, input_shape):
        *batch, time = input_shape
        frames = None if time is None else (time + self.sequence_stride + 1) // self.sequence_stride
        return (*batch, self.num_mel_bins, frames)

    def get_config(self):
        names = ("fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins", "min_freq")
        names += ("max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
