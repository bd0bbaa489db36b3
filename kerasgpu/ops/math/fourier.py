"""Fourier transforms on pairs (real, imaginary): fft, fft2, ifft2, rfft, irfft, and short-time transforms of signals."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu.engine.symbolic import needs_known, symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.numpy import arithmetic, creation, selection, shaping, tiling
from kerasgpu.ops.primitives import fourier, indexing
from kerasgpu.ops.primitives.operands import as_float

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]


def _pair(x, least_rank=1):
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x}")
    real, imaginary = convert_to_tensor(x[0]), convert_to_tensor(x[1])
    if real.shape != imaginary.shape:
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both the real and imaginary parts should have "
            "the "
            f"same shape. Received: x[0].shape = {real.shape}, x[1].shape = {imaginary.shape}"
        )
    if "float" not in real.dtype or "float" not in imaginary.dtype:
        raise ValueError(
            f"At least one tensor in input `x` is not of type float. Received: {real.dtype} and {imaginary.dtype}."
        )
    if real.ndim < least_rank:
        raise ValueError(f"Input should have rank >= {least_rank}. Received: input.shape = {real.shape}")
    return _real(real), _real(imaginary)


def _real(x):
    return x if x.dtype in ("float32", "float64") else casting.cast(x, "float32")


@needs_known(-1)
@symbolic
def fft(x):
    """The discrete Fourier transform along the last axis of a pair (real, imaginary); returns such a pair.

    >>> import kerasgpu as keras
    >>> real, imaginary = keras.ops.fft((keras.ops.ones(2), keras.ops.zeros(2)))
    >>> real.tolist(), imaginary.tolist()
    ([2.0, 0.0], [0.0, 0.0])
    """
    return fourier.dft(*_pair(x), (-1,), False)


@needs_known(-2, -1)
@symbolic
def fft2(x):
    """`fft` along the last two axes."""
    return fourier.dft(*_pair(x, 2), (-2, -1), False)


@needs_known(-2, -1)
@symbolic
def ifft2(x):
    """The inverse of `fft2`."""
    real, imaginary = _pair(x, 2)
    factor = 1.0 / (real.shape[-2] * real.shape[-1])
    real, imaginary = fourier.dft(real, imaginary, (-2, -1), True)
    return real * factor, imaginary * factor


def _fit(x, length):
    """x cut or filled up with zeros to `length` along the last axis."""
    n = x.shape[-1]
    if n > length:
        return x[..., :length]
    return x if n == length else tiling.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, length - n)])


@symbolic
def rfft(x, fft_length=None):
    """The first n // 2 + 1 terms of the transform of a real x along the last axis; the others are their conjugates.

    Args:
        x: tensor.
        fft_length: n; x is cut or filled up with zeros. None for the length of x.

    Returns a pair (real, imaginary).
    """
    x = _real(as_float(x))
    if x.ndim < 1:
        raise ValueError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    return fourier.real_dft(x if fft_length is None else _fit(x, int(fft_length)))


@symbolic
def irfft(x, fft_length=None):
    """The real tensor whose `rfft` is the pair x; its last axis has fft_length elements, by default 2 (terms - 1)."""
    real, imaginary = _pair(x)
    n = 2 * (real.shape[-1] - 1) if fft_length is None else int(fft_length)
    terms = n // 2 + 1
    # Every term but the first, and the last of an even n, stands for two conjugate ones.
    weights = [1.0 if k == 0 or 2 * k == n else 2.0 for k in range(terms)]
    scale = conversion.convert_to_tensor([w / n for w in weights], dtype=real.dtype)
    full = [_fit(_fit(part, terms) * scale, n) for part in (real, imaginary)]
    return fourier.dft(*full, (-1,), True)[0]


@symbolic
def extract_sequences(x, sequence_length, sequence_stride):
    """The windows of x along the last axis: (..., n) -> (..., windows, sequence_length).

    >>> import kerasgpu as keras
    >>> keras.ops.extract_sequences(keras.ops.arange(4), 2, 1).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    x = convert_to_tensor(x)
    if x.ndim < 1:
        raise ValueError(f"Input should have rank >= 1. Received: input.shape = {x.shape}")
    count = max((x.shape[-1] - sequence_length) // sequence_stride + 1, 0)
    return indexing.take(x, _window_indices(count, sequence_length, sequence_stride), x.ndim - 1)


def _window_indices(count, length, stride):
    return shaping.reshape(creation.arange(count, dtype="int32") * stride, (count, 1)) + creation.arange(length, dtype="int32")


def _window(window, sequence_length, fft_length, dtype):
    """The window as a tensor of fft_length, zeros around it."""
    before = (fft_length - sequence_length) // 2
    after = fft_length - sequence_length - before
    if window is None:
        return creation.ones((fft_length,), dtype=dtype)
    if isinstance(window, str):
        a = {"hann": 0.5, "hamming": 0.54}[window]
        values = [a - (1 - a) * math.cos(2 * math.pi * k / sequence_length) for k in range(sequence_length)]
        window = values if sequence_length > 1 else [1.0]
    window = conversion.convert_to_tensor(window, dtype=dtype)
    if window.shape != (sequence_length,):
        raise ValueError(f"The shape of `window` must be equal to [sequence_length]. Received: window shape={window.shape}")
    return tiling.pad(window, [(before, after)])


def _check_windows(sequence_length, sequence_stride, fft_length, window):
    if not isinstance(sequence_stride, (int, np.integer)) or sequence_stride <= 0:
        raise ValueError(f"`sequence_stride` must be a positive integer. Received: sequence_stride={sequence_stride}")
    if fft_length < sequence_length:
        raise ValueError(
            "`fft_length` must equal or larger than `sequence_length`. Received: "
            f"sequence_length={sequence_length}, fft_length={fft_length}"
        )
    if isinstance(window, str) and window not in ("hann", "hamming"):
        raise ValueError(
            f'If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. Received: window={window}'
        )


@symbolic
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The Fourier transforms of overlapping windows of a signal.

    Args:
        x: float32 or float64 tensor of shape (..., n).
        sequence_length: length of a window.
        sequence_stride: step from one window to the next.
        fft_length: length of the transforms, at least sequence_length.
        window: "hann", "hamming", a tensor of shape (sequence_length,), or None.
        center: whether to reflect half a window at both ends first, so that window t is centered at t * sequence_stride.

    Returns a pair (real, imaginary) of shape (..., windows, fft_length // 2 + 1).
    """
    _check_windows(sequence_length, sequence_stride, fft_length, window)
    x = convert_to_tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype}")
    if center:
        x = tiling.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return fourier.real_dft(frames * _window(window, sequence_length, fft_length, x.dtype))


def _overlap_add(frames, stride):
    """(..., windows, length) -> (..., n): each window added at its place."""
    *lead, count, length = frames.shape
    total = length + stride * (count - 1)
    places = shaping.reshape(_window_indices(count, length, stride), (count * length,))
    rows = shaping.transpose(shaping.reshape(frames, (math.prod(lead), count * length)))
    out = indexing.scatter_add(places, rows, (total, math.prod(lead)))
    return shaping.reshape(shaping.transpose(out), (*lead, total))


@symbolic
def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """The signal whose `stft` is the pair x: sum of w y over sum of w^2, at each place (Griffin and Lim 1984).

    y are the inverse transforms of the windows that cover the place and w what they were weighted with there. Where no window
    weighs anything (the first and the last sample of a Hann window without `center`) the signal cannot be known, and is 0.

    Args:
        x: pair (real, imaginary) of shape (..., windows, fft_length // 2 + 1).
        length: length of the signal, cut or filled up with zeros; None for all that the windows cover.
        sequence_length, sequence_stride, fft_length, window, center: as for `stft`.
    """
    _check_windows(sequence_length, sequence_stride, fft_length, window)
    real, imaginary = _pair(x, 2)
    frames = irfft((real, imaginary), fft_length)
    window = _window(window, sequence_length, fft_length, real.dtype)
    signal = _overlap_add(frames * window, sequence_stride)
    weights = shaping.broadcast_to(arithmetic.square(window), (frames.shape[-2], fft_length))
    total = _overlap_add(weights, sequence_stride)
    signal = selection.where(total > 1e-10, signal / selection.where(total > 1e-10, total, 1.0), 0.0)
    start = fft_length // 2 if center else 0
    signal = signal[..., start : signal.shape[-1] - start] if length is None else signal[..., start:]
    return signal if length is None else _fit(signal, length)
