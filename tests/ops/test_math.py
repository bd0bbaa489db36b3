"""keras.ops.math: Fourier transforms, segments, ranking, special functions."""

import numpy as np
import pytest
from gradient_check import check_gradients

from kerasgpu import ops


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def close(found, wanted, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


def as_complex(pair):
    return np.asarray(pair[0]) + 1j * np.asarray(pair[1])


def test_fourier_transforms():
    re, im = normal(3, 4, 6), normal(3, 4, 6, seed=1)
    x = re + 1j * im
    close(as_complex(ops.fft((re, im))), np.fft.fft(x))
    close(as_complex(ops.fft2((re, im))), np.fft.fft2(x))
    close(as_complex(ops.ifft2((re, im))), np.fft.ifft2(x))
    for n in (None, 4, 5, 9):
        close(as_complex(ops.rfft(re, n)), np.fft.rfft(re, n))
        close(ops.irfft((re, im), n), np.fft.irfft(x, n))
    assert ops.rfft(ops.ones((4,), dtype="bfloat16"))[0].dtype == "float32"


def test_fourier_gradients():
    re, im = normal(2, 5), normal(2, 5, seed=1)
    check_gradients(lambda a, b: ops.fft((a, b)), re, im)
    check_gradients(lambda a, b: ops.ifft2((a, b)), re, im)
    for n in (None, 4, 7):
        check_gradients(lambda a: ops.rfft(a, n), re)  # noqa: B023
        check_gradients(lambda a, b: ops.irfft((a, b), n), re, im)  # noqa: B023
    check_gradients(lambda a: ops.stft(a, 6, 2, 8), normal(2, 20))
    check_gradients(lambda a, b: ops.istft((a, b), 6, 2, 8), normal(2, 5, 5), normal(2, 5, 5, seed=1))


@pytest.mark.parametrize("window", ["hann", "hamming", None])
@pytest.mark.parametrize("center", [True, False])
def test_short_time_transforms(window, center):
    x = normal(2, 40)
    real, imaginary = ops.stft(x, 8, 2, 8, window=window, center=center)
    padded = np.pad(x, ((0, 0), (4, 4)), mode="reflect") if center else x
    t = np.arange(8)
    shape = {
        "hann": 0.5 - 0.5 * np.cos(2 * np.pi * t / 8),
        "hamming": 0.54 - 0.46 * np.cos(2 * np.pi * t / 8),
        None: np.ones(8),
    }
    frames = np.stack([padded[:, s : s + 8] for s in range(0, padded.shape[1] - 7, 2)], axis=1)
    close(real + 0.0, np.fft.rfft(frames * shape[window]).real)
    if window is not None and center:
        back = ops.istft((real, imaginary), 8, 2, 8, length=40, window=window)
        close(np.asarray(back)[:, 8:32], x[:, 8:32])


def test_extract_sequences():
    x = np.arange(10)
    assert ops.extract_sequences(x, 4, 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    check_gradients(lambda x: ops.extract_sequences(x, 4, 2), normal(2, 10))


def test_segments():
    data, ids = normal(6, 2), np.array([0, 2, 2, -1, 7, 0])
    expected = np.zeros((4, 2))
    np.add.at(expected, [0, 2, 2, 0], data[[0, 1, 2, 5]])
    close(ops.segment_sum(data, ids, 4), expected)
    assert ops.segment_max(data, ids, 4)[1].tolist() == [-np.inf, -np.inf]
    assert ops.segment_max(np.array([3, 1]), [0, 0], 2).tolist() == [3, np.iinfo("int64").min]
    close(ops.segment_min(data, ids, 4)[2], data[1:3].min(0))
    close(ops.segment_prod(data, ids, 4)[0], data[0] * data[5])
    assert ops.segment_sum(data, [0, 1, 1, 0, 2, 2]).shape == (3, 2)
    for op in (ops.segment_sum, ops.segment_max, ops.segment_min, ops.segment_prod):
        check_gradients(lambda x: op(x, [0, 2, 2, 1, 1, 0], 3), data)  # noqa: B023
    with pytest.raises(ValueError, match="same leading dimension"):
        ops.segment_sum(data, [0, 1], 2)


def test_ranking():
    x = np.array([[3.0, 1.0, 2.0, 3.0]])
    values, indices = ops.top_k(x, 3)
    assert values.tolist() == [[3.0, 3.0, 2.0]] and indices.tolist() == [[0, 3, 2]]
    assert ops.in_top_k([1, 0, 9], [[0.1, 0.5, 0.3]] * 3, 1).tolist() == [True, False, False]
    a, b = normal(3, 2), normal(4, 2, seed=1)
    close(ops.cdist(a, b), np.linalg.norm(a[:, None] - b, axis=-1))
    check_gradients(ops.cdist, a, b)
    check_gradients(lambda x: ops.top_k(x, 2)[0], normal(3, 5))
    with pytest.raises(ValueError, match="top_k"):
        ops.top_k(x, 5)


def test_special_functions():
    import math

    x = np.linspace(-2.5, 2.5, 7)
    close(ops.erf(x), [math.erf(v) for v in x])
    close(ops.erfc(x), [math.erfc(v) for v in x])
    close(ops.erf(ops.erfinv(x / 3)), x / 3)
    close(ops.rsqrt(np.array([4.0, 0.25])), [0.5, 2.0])
    y = normal(2, 3, 4) * 50
    close(ops.logsumexp(y, axis=(0, 2)), np.log(np.exp(y - y.max()).sum((0, 2))) + y.max())
    assert float(ops.logsumexp(np.full(3, -np.inf))) == -np.inf
    for op in (ops.erf, ops.erfc, lambda x: ops.erfinv(ops.tanh(x)), lambda x: ops.rsqrt(ops.exp(x)), ops.logsumexp):
        check_gradients(op, normal(3, 4))
    check_gradients(lambda x: ops.logsumexp(x, axis=1, keepdims=True), normal(3, 4))


def test_complex_views():
    pairs = normal(3, 2).astype("float32")
    z = ops.view_as_complex(pairs)
    assert z.dtype == "complex64"
    close(z, pairs[:, 0] + 1j * pairs[:, 1])
    close(ops.view_as_real(z), pairs)
    close(ops.polar([2.0], [0.5]), 2 * np.exp(0.5j), 1e-6)
    with pytest.raises(ValueError, match="size 2"):
        ops.view_as_complex(np.ones(3))
