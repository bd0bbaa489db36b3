"""Kernels that move elements, against NumPy: every item size, empty and odd shapes, negative steps, hostile arguments."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import movement as mv
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

numpy_dtype("bfloat16")
DTYPES = ["bool", "uint8", "float16", ml_dtypes.bfloat16, "float32", "int32", "float64", "int64"]
SHAPES = [(), (1,), (0,), (7,), (3, 5), (2, 0, 3), (1, 17, 1), (4, 3, 33), (2, 3, 4, 5), (65, 130)]


def values(shape, dtype="float32"):
    n = int(np.prod(shape))
    return (np.arange(n) % 251).reshape(shape).astype(dtype)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = _core.num_threads()
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(before)


@pytest.fixture(params=range(_core.machine_level() + 1))
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def same(y, expected):
    assert y.dtype == expected.dtype and y.shape == expected.shape
    assert y.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_transpose(shape, dtype):
    x = values(shape, dtype)
    for perm in itertools.permutations(range(len(shape))):
        same(mv.transpose(x, perm), x.transpose(perm))


def test_transpose_large(threads, level):
    for shape, perm in [
        ((300, 257), (1, 0)),
        ((5, 64, 96), (0, 2, 1)),
        ((6, 40, 3, 32), (0, 2, 3, 1)),
        ((70, 2, 90), (2, 1, 0)),
    ]:
        x = values(shape)
        same(mv.transpose(x, perm), x.transpose(perm))


def test_transpose_default_and_errors():
    same(mv.transpose(values((2, 3, 4))), values((2, 3, 4)).T)
    same(mv.transpose(values((2, 3, 4)), (-1, 0, 1)), values((2, 3, 4)).transpose(2, 0, 1))
    with pytest.raises(ValueError, match="not a permutation"):
        mv.transpose(values((2, 3)), (0, 0))
    y = np.empty((2, 3), "float32")
    for ints in [(2, 2, 3, 0, 2), (2, 2, 3, -1, 0), (2, 2, 4, 1, 0), (2, -2, 3, 1, 0), (99,), (2, 1 << 62, 8, 1, 0)]:
        with pytest.raises(ValueError, match="transpose"):
            launch("transpose", (values((2, 3)),), (y,), spec_of("transpose", ints))


@pytest.mark.parametrize("dtype", DTYPES)
def test_copy_and_fill(dtype):
    for shape in [(0,), (1,), (1000, 70)]:
        x = values(shape, dtype)
        same(mv.copy(x), x)
        same(mv.full(shape, 1, dtype), np.ones(shape, dtype))
        same(mv.full(shape, 0, dtype), np.zeros(shape, dtype))
    out = np.empty(3, "int64")
    same(mv.fill(out, 2**62 + 1), np.full(3, 2**62 + 1))
    same(mv.full((2,), 2**64 - 1, "uint64"), np.full(2, 2**64 - 1, "uint64"))
    same(mv.full((2,), -2.5, "float32"), np.full(2, -2.5, "float32"))
    with pytest.raises(OverflowError):
        mv.full((1,), 256, "uint8")
    with pytest.raises(ValueError, match="match"):
        mv.copy(values((3,)), np.empty(4, "float32"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_slice(dtype, threads):
    x = values((6, 5, 70), dtype)
    cases = [
        (np.s_[1:4, :, :], (1, 0, 0), (3, 5, 70), None),
        (np.s_[::2, ::-1, 3:60:7], (0, 4, 3), (3, 5, 9), (2, -1, 7)),
        (np.s_[5::-3, 2:2, :], (5, 2, 0), (2, 0, 70), (-3, 1, 1)),
        (np.s_[:, :, ::-1], (0, 0, 69), (6, 5, 70), (1, 1, -1)),
        (np.s_[5:6, 4:5, 69:], (5, 4, 69), (1, 1, 1), (1, 1, -1)),
    ]
    for key, starts, sizes, steps in cases:
        expected = x[key]
        y = mv.slice(x, starts, sizes, steps)
        same(y, expected)
        target = np.ones_like(x)
        target[key] = expected
        same(mv.slice_update(np.ones_like(x), y, starts, steps), target)
        target = np.zeros_like(x)
        target[key] = expected
        same(mv.slice_grad(y, x.shape, starts, steps), target)


def test_slice_errors():
    x = values((4, 5))
    for starts, sizes, steps in [
        ((0, 0), (5, 1), None),
        ((-1, 0), (1, 1), None),
        ((3, 0), (3, 1), (-2, 1)),
        ((0, 0), (1, 1), (0, 1)),
    ]:
        with pytest.raises(ValueError, match="slice"):
            mv.slice(x, starts, sizes, steps)
    y = np.empty((2, 2), "float32")
    for ints in [
        (2, 4, 5, 3, 0, 1, 1, 2, 2),
        (2, 4, 5, 0, 0, 1 << 62, 1, 2, 2),
        (2, 4, 5, 0, 0, 0, 1, 2, 2),
        (2, 4, 5, 1 << 62, 0, 1, 1, 2, 2),
        (2, 4, 5, 0, 0, 1, 1, -2, 2),
        (2, 4, 5),
    ]:
        with pytest.raises(ValueError, match="slice"):
            launch("slice", (x,), (y,), spec_of("slice", ints))
        with pytest.raises(ValueError, match="slice_assign"):
            launch("slice_assign", (y,), (x,), spec_of("slice_assign", ints))
    with pytest.raises(ValueError, match="dtype"):
        launch("slice", (x,), (y.astype("int32"),), spec_of("slice", (2, 4, 5, 0, 0, 1, 1, 2, 2)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_joining(dtype, threads):
    for shapes, axis in [([(2, 3), (0, 3), (5, 3)], 0), ([(4, 1, 9), (4, 6, 9)], 1), ([(300, 70), (300, 1)], -1), ([(3,)], 0)]:
        xs = [values(s, dtype) for s in shapes]
        joined = np.concatenate(xs, axis)
        same(mv.concatenate(xs, axis), joined)
        for part, x in zip(mv.split(joined, [s[axis] for s in shapes], axis), xs):
            same(part, x)
    xs = [values((2, 3), dtype) + np.ones((), dtype) for _ in range(3)] if dtype != "bool" else [values((2, 3), dtype)] * 3
    for axis in (0, 1, 2, -1):
        same(mv.stack(xs, axis), np.stack(xs, axis))


def test_joining_many_and_errors():
    xs = [np.full((1, 2), k, "int32") for k in range(1200)]
    same(mv.concatenate(xs), np.concatenate(xs))
    parts = mv.split(np.arange(1100), [1] * 1100)
    assert len(parts) == 1100 and int(parts[1099][0]) == 1099
    with pytest.raises(ValueError, match="differ other than along axis 0"):
        mv.concatenate([values((2, 3)), values((2, 4))])
    with pytest.raises(ValueError, match="at least one"):
        mv.concatenate([])
    with pytest.raises(ValueError, match="out of range"):
        mv.concatenate([values((2,))], 1)
    with pytest.raises(ValueError, match="do not sum"):
        mv.split(values((4,)), [1, 2])
    with pytest.raises(ValueError, match="stack"):
        mv.stack([values((2,)), values((3,))])
    y = np.empty(6, "float32")
    for ints in [(2, 3, -1), (1 << 62, 4, 4), (2, 1 << 62, 1 << 62), (2,), (2, 3, 3)]:
        with pytest.raises(ValueError, match="concatenate"):
            launch("concatenate", (values((3,)), values((3,))), (y,), spec_of("concatenate", ints))


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge"])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64"])
def test_pad(mode, dtype, threads):
    for shape, widths in [
        ((3,), [(2, 1)]),
        ((1,), [(3, 4)]),
        ((2, 3), [(5, 0), (0, 7)]),
        ((2, 5, 4, 3), [(0, 0), (1, 2), (2, 0), (0, 0)]),
        ((40, 30, 20), [(1, 1), (0, 0), (3, 3)]),
        ((4, 2), [(0, 0), (0, 0)]),
    ]:
        x = values(shape, dtype)
        arguments = {"constant_values": 3} if mode == "constant" else {}
        same(mv.pad(x, widths, mode, 3), np.pad(x, widths, mode, **arguments))


def test_pad_empty_and_errors():
    same(mv.pad(values((0, 2)), [(1, 1), (0, 1)], value=7), np.full((2, 3), 7, "float32"))
    with pytest.raises(ValueError, match="nothing to repeat"):
        mv.pad(values((0,)), [(1, 0)], "edge")
    with pytest.raises(ValueError, match="not negative"):
        mv.pad(values((3,)), [(-1, 0)])
    with pytest.raises(ValueError, match="not known"):
        mv.pad(values((3,)), [(1, 0)], "mirror")
    for ints in [(0, 1, 3, -1, 0), (9, 1, 3, 1, 0), (0, 1, 3, 1 << 62, 1 << 62), (0, 1, 4, 1, 0), (0, 1, 3, 2, 0)]:
        with pytest.raises(ValueError, match="pad"):
            launch("pad", (values((3,)),), (np.empty(4, "float32"),), spec_of("pad", ints, (0.0,)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_repeating(dtype, threads):
    x = values((3, 1, 5), dtype)
    same(mv.broadcast_to(x, (2, 3, 4, 5)), np.broadcast_to(x, (2, 3, 4, 5)))
    same(mv.broadcast_to(values((1,), dtype), (300, 300)), np.broadcast_to(values((1,), dtype), (300, 300)))
    same(mv.broadcast_to(x, (3, 0, 5)), np.broadcast_to(x, (3, 0, 5)))
    for repeats in [(2,), (1, 3, 2), (2, 1, 1, 1), (0, 1, 1), ()]:
        same(mv.tile(x, repeats), np.tile(x, repeats))
    for axis in (0, 1, -1):
        for count in (0, 1, 3):
            same(mv.repeat(x, count, axis), np.repeat(x, count, axis))
    for axis in (0, 1, 2):
        for shift in (0, 1, -2, 7):
            same(mv.roll(x, shift, axis), np.roll(x, shift, axis))
    same(mv.flip(x, (0, -1)), np.flip(x, (0, -1)))
    same(mv.flip(values((0, 2), dtype), (0,)), values((0, 2), dtype))
    with pytest.raises(ValueError, match="does not broadcast"):
        mv.broadcast_to(x, (3, 2, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_triangles(dtype):
    for shape in [(5, 5), (2, 3, 7), (6, 2), (0, 3), (1, 1)]:
        x = np.ones(shape, dtype)
        for k in (-9, -1, 0, 2, 9, 1 << 60, -(1 << 60)):
            near = max(-99, min(99, k))
            same(mv.tril(x, k), np.tril(x, near).astype(dtype))
            same(mv.triu(x, k), np.triu(x, near).astype(dtype))


def test_advance():
    for dtype in ("int32", "uint32", "int64"):
        counter = np.array([5], dtype)
        assert int(mv.advance(counter, 3)[0]) == 8
    counter = np.array([2**32 - 1], "uint32")
    assert int(mv.advance(counter, 1)[0]) == 0
    with pytest.raises(ValueError, match="advance"):
        mv.advance(np.zeros(1, "float32"), 1)


def test_not_contiguous_is_refused():
    with pytest.raises(ValueError, match="not contiguous"):
        mv.copy(values((4, 4)).T, np.empty((4, 4), "float32"))
