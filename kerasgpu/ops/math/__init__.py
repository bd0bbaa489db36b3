"""keras.ops.math: Fourier transforms, segments, sorting-based and special functions."""

from kerasgpu.ops.math.fourier import extract_sequences, fft, fft2, ifft2, irfft, istft, rfft, stft
from kerasgpu.ops.math.ranking import cdist, in_top_k, top_k
from kerasgpu.ops.math.segments import segment_max, segment_min, segment_prod, segment_sum
from kerasgpu.ops.math.special import erf, erfc, erfinv, logdet, logsumexp, rsqrt, view_as_complex, view_as_real

__all__ = [
    "cdist",
    "erf",
    "erfc",
    "erfinv",
    "extract_sequences",
    "fft",
    "fft2",
    "ifft2",
    "in_top_k",
    "irfft",
    "istft",
    "logdet",
    "logsumexp",
    "rfft",
    "rsqrt",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "stft",
    "top_k",
    "view_as_complex",
    "view_as_real",
]
