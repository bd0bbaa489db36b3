"""Calls that run beside each other: every order that a graph's edges allow gives the same bits, and only large calls leave the chain."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import results

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.graph import branches
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.gpu.graph.branches import Work, arrange
from kerasgpu.kernels.gpu.graph.dependencies import Access, data_dependencies
from kerasgpu.kernels.gpu.plans.estimate import Estimate, estimate
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

POLICIES = ("0", "auto", "all")


def conflict(a: Work, b: Work) -> bool:
    return any(
        x.begin < y.end and y.begin < x.end and x.begin < x.end and y.begin < y.end and (x.write or y.write)
        for x in a.accesses
        for y in b.accesses
    )


def closure(after):
    """Of each call the set of all that run before it."""
    found = []
    for before in after:
        found.append(set(before).union(*(found[b] for b in before)))
    return found


accesses = st.lists(st.builds(lambda at, n, w: Access(at, at + n, w), st.integers(0, 40), st.integers(0, 12), st.booleans()))
works = st.lists(
    st.builds(Work, accesses, st.builds(Estimate, st.floats(0, 30), st.floats(0, 1)), st.sampled_from([0, 0, 100, 5000])),
    max_size=14,
)


@settings(max_examples=300, deadline=None)
@given(works, st.sampled_from(POLICIES))
def test_conflicts_are_ordered(work, policy):
    scratch = branches.Scratch()
    found = arrange(work, policy, scratch)
    before = closure(found.after)
    for k, b in enumerate(work):
        for j, a in enumerate(work[:k]):
            same_place = a.scratch and b.scratch and found.slots[j] == found.slots[k]
            if conflict(a, b) or same_place:
                assert j in before[k], (j, k)
        if b.scratch:
            assert b.scratch <= scratch.sizes[found.slots[k]] and scratch.offset(found.slots[k]) % 256 == 0
    assert len(scratch.sizes) <= branches.SLOTS
    if policy == "0":
        assert found.is_chain and len(scratch.sizes) <= 1


@settings(max_examples=200, deadline=None)
@given(works)
def test_no_more_than_the_conflicts(work):
    """Each direct dependency is a conflict, so "all" orders nothing else but users of the same scratch memory."""
    for k, needed in enumerate(data_dependencies([w.accesses for w in work])):
        for j in range(k):
            if needed >> j & 1:
                assert conflict(work[j], work[k])


# -- the policy -----------------------------------------------------------------------------------------------------
def work(reads, writes, microseconds, share=0.4, scratch=0):
    spans = [Access(100 * r, 100 * r + 100, False) for r in reads] + [Access(100 * w, 100 * w + 100, True) for w in writes]
    return Work(spans, Estimate(microseconds, share), scratch)


def after(*calls):
    return arrange(calls, "auto", branches.Scratch()).after


def test_large_independent_calls_run_side_by_side():
    # g -> dX and dW; the next layer's g from dX
    calls = work([], [1], 8), work([1], [2], 8), work([1], [3], 8), work([2], [4], 8), work([4], [5], 8)
    assert after(*calls) == [(), (0,), (0,), (1,), (3,)]


def test_small_calls_stay_on_the_chain():
    calls = work([], [1], 2), work([1], [2], 2), work([1], [3], 2), work([2], [4], 2)
    assert after(*calls) == [(), (0,), (1,), (2,)]


def test_calls_that_fill_the_chip_stay_on_the_chain():
    calls = work([], [1], 80, 1.0), work([1], [2], 80, 1.0), work([1], [3], 80, 1.0)
    assert after(*calls) == [(), (0,), (1,)]


def test_side_branches_use_scratch_memory_of_their_own():
    calls = work([], [1], 8), work([1], [2], 8, scratch=1000), work([1], [3], 8, scratch=3000), work([2], [4], 8, scratch=10)
    scratch = branches.Scratch()
    found = arrange(calls, "auto", scratch)
    assert found.after == [(), (0,), (0,), (1,)] and found.slots[1:] == [0, 1, 0]
    assert scratch.sizes == [1024, 3072]


def test_without_room_for_scratch_memory_calls_follow_each_other():
    calls = [work([], [k], 8, scratch=200 << 20) for k in range(3)]
    found = arrange(calls, "all", branches.Scratch())
    assert found.after == [(), (0,), (1,)]


def test_estimates_tell_large_from_small():
    def of(m, n, k):
        ins, outs = (("float32", 4 * m * k), ("float32", 4 * k * n)), (("float32", 4 * m * n),)
        ints = (1, m, n, k, 0, 0, 0, 0, 0, 0, 0)
        spec = spec_of("gemm", ints, (1.0,))
        return estimate("gemm", ins, outs, spec, make_plan("gemm", ins, outs, spec))

    assert of(128, 10, 128).microseconds < 5 < 100 < of(4096, 4096, 4096).microseconds
    assert of(128, 10, 128).share < 0.5 and of(4096, 4096, 4096).share == 1.0
    copy = (("float32", 1 << 28),)
    assert 100 < estimate("copy", copy, copy, (), make_plan("copy", copy, copy, spec_of("copy", ()))).microseconds < 400


# -- programs on the shim -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("policy", ["all", "auto"])
def test_any_order_gives_the_same_bits(on_gpu, monkeypatch, seed, policy):
    """Random programs, run in program order as a chain, then as branches in random orders."""
    if policy == "auto":  # so that small calls fork, too
        monkeypatch.setattr(branches, "FORK", 0.1)
        monkeypatch.setattr(branches, "JOIN", 0.0)
    monkeypatch.setenv("KERASGPU_BRANCHES", "0")
    want = results(seed)
    monkeypatch.setenv("KERASGPU_BRANCHES", policy)
    for k in range(2):
        monkeypatch.setattr(on_gpu, "order", random.Random(k))
        for a, b in zip(want, results(seed)):
            np.testing.assert_array_equal(a, b)


def test_programs_do_branch(on_gpu, monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    monkeypatch.setenv("KERASGPU_BRANCHES", "all")
    program = programs.Program(0)
    x, y, z = (program.add_buffer(cuda.put(np.full(8, v, "float32"), ("gpu", 0))) for v in (1, 2, 3))
    program.add_call("copy", [x], [y])
    program.add_call("copy", [x], [z])
    program.run(programs.UNROLL)
    (segment,) = program._graphs()
    assert segment.graph.after == [(), ()]
    assert program._unrolled.graph.after[:4] == [(), (), (0,), (1,)]  # the next step's calls, as memory demands


def test_arrays_that_come_to_overlap_change_the_order(on_gpu, monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    monkeypatch.setenv("KERASGPU_BRANCHES", "all")
    monkeypatch.setattr(on_gpu, "order", random.Random(0))
    put = lambda v: cuda.put(np.full(8, v, "float32"), ("gpu", 0))
    arrays = [put(v) for v in (1, 2, 3, 4)]
    program = programs.Program(0)
    a, b, c, d = map(program.add_buffer, arrays)
    program.add_call("copy", [a], [b])
    program.add_call("copy", [c], [d])
    program.run()
    (segment,) = program._graphs()
    program.rebind(c, put(5))
    program.run()
    assert program._graphs() == [segment] and (arrays[3].get() == 5).all()
    program.rebind(c, arrays[1])  # what the first call writes
    program.run()
    (other,) = program._graphs()
    assert other is not segment and other.graph.after == [(), (0,)] and (arrays[3].get() == 1).all()


def test_fit_is_the_same_bits_in_any_order(gpu, monkeypatch):
    def train(policy, order):
        monkeypatch.setenv("KERASGPU_BRANCHES", policy)
        monkeypatch.setattr(gpu, "order", order)
        with devices.device("gpu:0"):
            keras.utils.set_random_seed(1)
            model = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(3)])
            model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
            rng = np.random.default_rng(0)
            x, y = rng.normal(size=(96, 6)).astype("float32"), rng.integers(0, 3, 96)
            history = model.fit(x, y, batch_size=16, epochs=2, verbose=0).history
            monkeypatch.setattr(gpu, "order", None)
            return history["loss"], history["accuracy"], *model.get_weights()

    for want, got in zip(train("0", None), train("all", random.Random(0))):
        np.testing.assert_array_equal(want, got)


def test_a_value_that_is_not_known(monkeypatch):
    monkeypatch.setenv("KERASGPU_BRANCHES", "yes")
    with pytest.raises(ValueError, match="KERASGPU_BRANCHES"):
        keras.config.branches()
