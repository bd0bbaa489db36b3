"""Images read between their pixels, on every instruction set, against the differentiable composition and bad input."""

import numpy as np
import pytest

from kerasgpu import _core, ops
from kerasgpu.kernels import sampling
from kerasgpu.kernels.launch import launch
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.ops.image.sampling import sample

LEVELS = list(range(_core.machine_level() + 1))
RNG = np.random.default_rng(0)


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def turned(count, height, width, seed=0):
    """Random affine maps, some of which lead far outside."""
    r = np.random.default_rng(seed)
    maps = r.uniform(-1.5, 1.5, (count, 8)).astype("float32")
    maps[:, 2], maps[:, 5] = r.uniform(-width, 2 * width, count), r.uniform(-height, 2 * height, count)
    maps[:, 6:] = r.uniform(0, 0.01, (count, 2))
    return maps


def places(maps, height, width, projective):
    c, r = np.arange(width, dtype="float32"), np.arange(height, dtype="float32")[:, None]
    a0, a1, a2, b0, b1, b2, c0, c1 = (maps[:, k, None, None] for k in range(8))
    depth = c0 * c + c1 * r + 1 if projective else 1
    return (b0 * c + b1 * r + b2) / depth, (a0 * c + a1 * r + a2) / depth


def expected(x, rows, columns, order, mode, fill):
    """The composition of takes that has gradients."""
    n, p, h, w, inner = x.shape
    out = []
    for image in range(n):
        for plane in range(p):
            table = ops.reshape(ops.convert_to_tensor(x[image, plane]), (h * w, inner))
            at = [ops.convert_to_tensor(q[image if len(q) > 1 else 0]) for q in (rows, columns)]
            out.append(np.asarray(sample(table, (h, w), at, order, mode, fill)))
    return np.stack(out).reshape(n, p, *rows.shape[1:], inner)


@pytest.mark.parametrize("mode", sampling.MODES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", [(2, 1, 9, 131, 3), (3, 2, 7, 5, 1), (1, 1, 1, 1, 4), (2, 1, 6, 70, 5)])
def test_maps_and_grids(shape, order, mode, level):
    x = RNG.random(shape).astype("float32")
    for projective in (False, True):
        maps = turned(shape[0], *shape[2:4])
        rows, columns = places(maps, *shape[2:4], projective)
        wanted = expected(x, rows, columns, order, mode, 7.0)
        found = sampling.sample_map(x, maps, order, mode, 7.0, projective)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
        found = sampling.sample_grid(x, rows, columns, order, mode, 7.0)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    one = sampling.sample_map(x, maps[:1], order, mode, 7.0, True)
    np.testing.assert_array_equal(one[0], sampling.sample_map(x[:1], maps[:1], order, mode, 7.0, True)[0])


@pytest.mark.parametrize("mode", sampling.MODES)
def test_places_that_are_no_numbers(mode, level):
    x = RNG.random((1, 1, 5, 6, 3)).astype("float32")
    bad = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e10, -1e10, 5.0, -1.0], "float32").reshape(1, 3, 3)
    for order in (0, 1):
        assert sampling.sample_grid(x, bad, np.zeros_like(bad), order, mode).shape == (1, 1, 3, 3, 3)
        sampling.sample_map(x, np.full((1, 8), np.nan, "float32"), order, mode)
        sampling.sample_map(x, np.full((1, 8), 1e38, "float32"), order, mode, projective=True)


def test_a_part_of_an_image(level):
    x = RNG.random((2, 1, 9, 8, 3)).astype("float32")
    maps = np.array([[1, 0, 2, 0, 1, 3, 0, 0]], "float32")
    np.testing.assert_array_equal(sampling.sample_map(x, maps, 0, size=(4, 5)), x[:, :, 3:7, 2:7])


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("inner", [1, 3, 4])
def test_resample(dtype, inner, level):
    x = (RNG.random((2, 9, 20, inner)) * 255).astype(dtype)
    sy, sx = np.array([0, 3, 5, 6], "int32"), np.array([17, 0, 4], "int32")
    for taps in (1, 2, 3):
        wy, wx = RNG.random((4, taps)).astype("float32"), RNG.random((3, taps)).astype("float32")
        dense_y, dense_x = np.zeros((4, 9)), np.zeros((3, 20))
        for dense, start, weights in ((dense_y, sy, wy), (dense_x, sx, wx)):
            for k, s in enumerate(start):
                dense[k, s : s + taps] = weights[k]
        wanted = np.einsum("rh,nhwc,kw->nrkc", dense_y, x.astype("float64"), dense_x)
        found = sampling.resample(x, (sy, wy), (sx, wx))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_results_do_not_depend_on_threads():
    x, maps = RNG.random((3, 1, 40, 50, 3)).astype("float32"), turned(3, 40, 50)
    before, found = _core.num_threads(), []
    for n in (1, 2, 3):
        _core.set_num_threads(n)
        found.append(sampling.sample_map(x, maps, 1, "reflect").tobytes())
    _core.set_num_threads(before)
    assert len(set(found)) == 1


def test_bad_input(level):
    x = np.zeros((2, 1, 4, 5, 3), "float32")
    maps = np.zeros((2, 8), "float32")
    for arguments, message in [
        ((x[0], maps), "must be \\(images"),
        ((x.astype("float64"), maps), "float32"),
        ((x, maps, 2), "order"),
        ((x, maps, 1, "edge"), "mode"),
        ((x, np.zeros((3, 8), "float32")), "maps must be"),
        ((x, np.zeros((2, 6), "float32")), "maps must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            sampling.sample_map(*arguments)
    with pytest.raises(ValueError, match="rows and columns"):
        sampling.sample_grid(x, np.zeros((3, 2, 2), "float32"), np.zeros((3, 2, 2), "float32"))
    with pytest.raises(ValueError, match="needs starts"):
        sampling.resample(x[0], (np.zeros(2, "int32"), np.ones((3, 1), "float32")), (np.zeros(1, "int32"), maps))
    # Sizes that do not fit the buffers, and starts that lead outside, never touch other memory.
    y = np.zeros_like(x)
    for ints in [(2, 1, 4, 5, 4, 2, 1, 0, 4, 5, 0), (2, 1, 4, 5, 3, 3, 1, 0, 4, 5, 0), (2, 1, 4, -5, 3, 2, 1, 0, 4, 5, 0)]:
        with pytest.raises(ValueError):
            launch("sample_map", (x, maps), (y,), spec_of("sample_map", ints, (0.0,)))
    far = np.array([-7, 2**31 - 1, 3], "int32")
    one = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(
        sampling.resample(np.arange(4.0, dtype="float32").reshape(1, 4, 1, 1), (far, one), (far[:1], one[:1, :1])).ravel(),
        [1.0, 5.0, 5.0],
    )
    with pytest.raises(ValueError, match="taps"):
        sampling.resample(x[0], (far, np.ones((3, 5), "float32")), (far, one))


def test_empty():
    x = np.zeros((0, 1, 4, 5, 3), "float32")
    assert sampling.sample_map(x, np.zeros((1, 8), "float32")).shape == x.shape
    with pytest.raises(ValueError):
        sampling.sample_grid(x[:, :, :0].reshape(0, 1, 0, 5, 3).repeat(1, 0)[:0], *np.zeros((2, 2, 2, 2), "float32"))
