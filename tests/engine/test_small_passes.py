"""Sums of single elements and labels that were floats in between: which calls are left, and that no bit changes."""

import numpy as np
import pytest
from replays import replayed_kernels as replayed

import kerasgpu as keras
from kerasgpu.engine.program import Program
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels import launch
from kerasgpu.kernels.spec import read as spec_of


def same(found, want):
    for a, b in zip(found, want):
        np.testing.assert_array_equal(np.asarray(a, "float64"), np.asarray(b, "float64"))
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def reduced(x, op, outer, n, inner):
    y = launch.empty((outer * inner,), x.dtype, like=x)
    launch.launch("reduce", (x,), (y,), spec_of("reduce", (op, outer, n, inner)))
    return y


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("op, shape", [(0, (1, 1, 1)), (1, (1, 1, 1)), (0, (6, 1, 1)), (1, (2, 1, 3))])
def test_sum_of_one(op, shape, dtype):
    x = np.array([-0.0, 0.0, np.nan, np.inf, -3.5, 1e-7][: shape[0] * shape[2]], dtype)
    kernels, found, want = replayed(lambda: [reduced(x, op, *shape)])
    assert kernels == ["elementwise"]
    same(found, want)


def test_it_joins_what_follows():
    x, total = np.array([-0.0], "float32"), np.array([2.5], "float32")
    kernels, found, want = replayed(lambda: [ew.add(reduced(x, 0, 1, 1, 1), total)])
    assert kernels == ["elementwise"]
    same(found, want)


def test_other_reductions_stay():
    x = np.array([4.0], "float32")
    assert replayed(lambda: [reduced(x, 2, 1, 1, 1)])[0] == ["reduce"]
    assert replayed(lambda: [reduced(np.ones(2, "float32"), 0, 1, 2, 1)])[0] == ["reduce"]


def cross_entropy(logits, labels, between, ignored=None):
    rows, cols = logits.shape
    back = ew.cast(ew.cast(labels, between), "int32")
    loss, p = np.empty(rows, "float32"), np.empty_like(logits)
    loss, p = launch.empty((rows,), loss.dtype, like=logits), launch.empty(p.shape, p.dtype, like=logits)
    ints = (rows, cols, int(ignored is not None), ignored or 0)
    launch.launch("sparse_softmax_cross_entropy", (logits, back), (loss, p), spec_of("sparse_softmax_cross_entropy", ints))
    gx = launch.empty(p.shape, p.dtype, like=logits)
    launch.launch(
        "sparse_softmax_cross_entropy_grad",
        (p, back, np.full(rows, 0.5, "float32")),
        (gx,),
        spec_of("sparse_softmax_cross_entropy_grad", ints),
    )
    return [loss, p, gx]


BAD = [0, 1, 4, 5, -1, 2, 2**24 + 1, 2**31 - 1, -(2**31), -(2**24) - 3]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32"])
@pytest.mark.parametrize("ignored", [None, -1, 2])
def test_labels_stay_integers(dtype, ignored):
    labels = np.array(BAD if dtype == "int32" else [0, 1, 4, 5, 3, 2, 100, 6, 0, 2], "int64").astype(dtype)
    logits = np.random.default_rng(0).normal(size=(10, 5)).astype("float32")
    kernels, found, want = replayed(lambda: cross_entropy(logits, labels, "float32", ignored))
    assert kernels == ["sparse_softmax_cross_entropy", "sparse_softmax_cross_entropy_grad"]
    same(found, want)


@pytest.mark.parametrize("dtype, between, ignored", [("int64", "float32", None), ("uint32", "float32", None),
                                                     ("int32", "float16", None), ("int32", "float32", 1 << 24)])  # fmt: skip
def test_labels_that_floats_may_change_are_cast(dtype, between, ignored):
    labels = np.array([0, 1, 4, 2], dtype)
    logits = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    kernels, found, want = replayed(lambda: cross_entropy(logits, labels, between, ignored))
    assert kernels[:2] == ["cast", "cast"]
    same(found, want)


def test_a_training_step_casts_no_labels():
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(32, 6)).astype("float32"), np.arange(32, dtype="int32") % 3
    model.fit(x, y, batch_size=8, verbose=0)
    programs = [p for s in model._programs.values() for p in s.by_size.values() if isinstance(p, Program)]
    assert programs and all("cast" not in [c.kernel for c in p.calls] for p in programs)
