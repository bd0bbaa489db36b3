"""istft gives back the signal of stft at both ends, with every window, centre and length."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops

SIGNAL = np.random.default_rng(0).normal(size=(2, 300)).astype("float32")
SIZES = [(34, 23, 67), (64, 16, 64), (50, 13, 64), (33, 11, 33), (8, 8, 8)]


@pytest.mark.parametrize("length, stride, fft", SIZES)
@pytest.mark.parametrize("window", ["hamming", "hann", None])
def test_centered_round_trip(length, stride, fft, window):
    if window == "hann" and length == stride:
        pytest.skip("windows that start with 0 and do not overlap lose a sample")
    pair = ops.stft(SIGNAL, length, stride, fft, window=window)
    got = ops.istft(pair, length, stride, fft, length=300, window=window)
    np.testing.assert_allclose(got, SIGNAL, atol=2e-4)


@pytest.mark.parametrize("length, stride, fft", SIZES)
@pytest.mark.parametrize("window", ["hamming", None])
def test_round_trip_without_centering(length, stride, fft, window):
    pair = ops.stft(SIGNAL, length, stride, fft, window=window, center=False)
    got = ops.istft(pair, length, stride, fft, window=window, center=False).numpy()
    before = (fft - length) // 2 if window else 0
    after = fft - length - before if window else 0
    n = got.shape[-1]
    np.testing.assert_allclose(got[:, before : n - after], SIGNAL[:, before : n - after], atol=2e-4)
    assert not got[:, :before].any()  # no window reaches these


def test_hann_window_without_centering_loses_the_first_sample_only():
    pair = ops.stft(SIGNAL, 64, 16, 64, center=False)
    got = ops.istft(pair, 64, 16, 64, center=False).numpy()
    np.testing.assert_allclose(got[:, 1:], SIGNAL[:, 1 : got.shape[-1]], atol=2e-2)
    assert not got[:, 0].any()


def test_a_window_of_ones_own():
    window = np.linspace(0.5, 1.0, 64).astype("float32")
    pair = ops.stft(SIGNAL, 64, 16, 64, window=window)
    np.testing.assert_allclose(ops.istft(pair, 64, 16, 64, length=300, window=window), SIGNAL, atol=2e-4)


def test_length_cuts_and_fills_up():
    pair = ops.stft(SIGNAL, 64, 16, 64)
    assert ops.istft(pair, 64, 16, 64, length=100).shape == (2, 100)
    long = ops.istft(pair, 64, 16, 64, length=500).numpy()
    assert long.shape == (2, 500)
    assert not long[:, 400:].any()


@pytest.mark.parametrize("length, stride, fft", SIZES)
@pytest.mark.parametrize("center", [False, True])
def test_symbolic_shape(length, stride, fft, center):
    pair = ops.stft(SIGNAL, length, stride, fft, center=center)
    symbolic = ops.istft(tuple(keras.KerasTensor(p.shape) for p in pair), length, stride, fft, center=center)
    assert symbolic.shape == ops.istft(pair, length, stride, fft, center=center).shape
