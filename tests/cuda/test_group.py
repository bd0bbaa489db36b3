"""Small calls that one kernel does together: the same bits as apart, in every order and under every schedule of warps."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from cuda_plans import merged, small_calls
from cuda_shim import device as shim
from hypothesis import given, settings
from hypothesis import strategies as st

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda
from kerasgpu.kernels.elementwise_chain import Chain, compute_type
from kerasgpu.kernels.gpu.driver import nvrtc, sources
from kerasgpu.kernels.gpu.driver.launch import FREE, IDLE, OPTIONS, Launch, Params
from kerasgpu.kernels.gpu.graph import branches, group, group_source, segment
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.gpu.graph.dependencies import Access
from kerasgpu.kernels.gpu.plans.estimate import Estimate
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Plan
from kerasgpu.kernels.launch import numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM]
SIDE, CALLS = 20, 24


# -- which calls, in which order ------------------------------------------------------------------------------------
def plan(blocks, member=FREE):
    return Plan(
        [Launch("elementwise_cast.cu", "cast", {}, blocks, 256, Params().input(0).output(0), options=OPTIONS, member=member)]
    )


def work(reads, writes, microseconds=2.0, share=0.01):
    spans = [Access(8 * r, 8 * r + 8, False) for r in reads] + [Access(8 * w, 8 * w + 8, True) for w in writes]
    return branches.Work(spans, Estimate(microseconds, share), 0)


SMALL, LARGE = plan(1), plan(1000)


def lists(calls, policy="0"):
    return group.schedule([work(*c[1:]) for c in calls], [c[0] for c in calls], policy)


def test_small_calls_wait_for_a_large_one_that_needs_them():
    calls = [(LARGE, [], [0]), (SMALL, [0], [1]), (SMALL, [0], [2]), (LARGE, [0], [3]), (SMALL, [3], [4]), (LARGE, [1, 4], [5])]
    assert lists(calls) == [[0], [3], [1, 2, 4], [5]]


def test_a_group_takes_along_what_nobody_waits_for():
    calls = [(LARGE, [], [0]), (SMALL, [0], [1]), (LARGE, [1], [2]), (SMALL, [0], [3]), (SMALL, [3], [4]), (SMALL, [2], [5])]
    assert lists(calls) == [[0], [1, 3, 4], [2], [5]]


def test_calls_that_need_nothing_of_the_group_come_first():
    calls = [(SMALL, [0], [1]), (SMALL, [1], [2]), (SMALL, [0], [3]), (SMALL, [3], [4])]
    assert lists(calls) == [[0, 2, 1, 3]]


def test_metrics_leave_the_path_of_the_gradients_where_graphs_may_branch():
    metrics = [(SMALL, [0 if k == 20 else k - 1], [k]) for k in range(20, 40)]
    calls = [(LARGE, [], [0], 10.0), (SMALL, [0], [1]), *metrics, (LARGE, [1], [2], 30.0)]
    assert lists(calls) == [[0], list(range(1, 22)), [22]]
    assert lists(calls, "auto") == [[0], [1], list(range(2, 22)), [22]]


def test_what_a_block_would_be_slow_at_is_large():
    widest = group.MOST_ROUNDS * group.MOST_THREADS // 256
    assert group.is_small(plan(widest)) and not group.is_small(plan(widest + 1))
    assert group.is_small(plan(1, IDLE)) and not group.is_small(plan(2, IDLE)) and not group.is_small(plan(1, ""))
    assert [group.threads_for(plan(n).launches) for n in (1, 2, 3, 9)] == [256, 512, 1024, 1024]
    assert not group.is_small(Plan(SMALL.launches, scratch=256))


def test_parameters_have_a_limit():
    calls = [(SMALL, [k], [k + 500]) for k in range(group.MOST_MEMBERS + 3)] + [(LARGE, [], [999])]
    assert list(map(len, lists(calls))) == [1, group.MOST_MEMBERS, 3]
    big = Params().i64(*range(300))
    many = Plan([Launch("elementwise_cast.cu", "cast", {}, 1, 256, big, options=OPTIONS, member=FREE)])
    assert list(map(len, lists([(many, [], [k]) for k in range(3)]))) == [1, 1, 1]


accesses = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3), st.booleans()), max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(accesses, st.booleans()), max_size=14), st.sampled_from(["0", "auto", "all"]))
def test_calls_that_conflict_keep_their_order(drawn, policy):
    works = [branches.Work([Access(b, b + n, w) for b, n, w in spans], Estimate(5.0, 0.1), 0) for spans, _ in drawn]
    found = group.schedule(works, [SMALL if small else LARGE for _, small in drawn], policy)
    place = {k: (at, j) for at, one in enumerate(found) for j, k in enumerate(one)}
    assert sorted(place) == list(range(len(drawn)))
    for k in range(len(drawn)):
        for j in range(k):
            if any(
                a.begin < b.end and b.begin < a.end and (a.write or b.write)
                for a in works[j].accesses
                for b in works[k].accesses
            ):
                assert place[j] < place[k]


# -- programs on the shim -------------------------------------------------------------------------------------------
def chain(rng, size):
    one = Chain(2)
    one_value = one.op(rng.choice(["add", "mul", "max"]), one.input(0), one.op("tanh", one.input(1)))
    return one.build([one_value], (size,), [(1,), (1,)], compute_type(np.dtype("float32")))


def add_small_calls(rng, program, numbers, begins, sizes, labels):
    n = SIDE * SIDE
    apart = lambda a, b: begins[a] + n <= begins[b] or begins[b] + n <= begins[a]
    for _ in range(CALLS):
        a, b, c = (rng.randrange(len(numbers)) for _ in range(3))
        kind = rng.randrange(9)
        disjoint = apart(a, c) and apart(b, c)
        if kind == 0 and disjoint:
            ints = (1, SIDE, SIDE, SIDE, rng.randrange(2), rng.randrange(2), 0, 0, 0, 0, 0)
            program.add_call("gemm", [numbers[a], numbers[b]], [numbers[c]], spec_of("gemm", ints, (1 / 32,)))
        elif kind == 1 and disjoint:
            program.add_call("transpose", [numbers[a]], [numbers[c]], spec_of("transpose", (2, SIDE, SIDE, 1, 0)))
        elif kind == 2 and disjoint:
            program.add_call("copy", [numbers[a]], [numbers[c]])
        elif kind == 3 and disjoint:
            program.add_call("reduce", [numbers[a]], [numbers[c]], spec_of("reduce", (rng.randrange(4), SIDE, SIDE, 1)))
        elif kind == 4 and disjoint:
            program.add_call("reduce", [numbers[a]], [numbers[c]], spec_of("reduce", (rng.randrange(4), 1, SIDE, SIDE)))
        elif kind == 5 and disjoint:
            program.add_call("elementwise", [numbers[a], numbers[b]], [numbers[c]], chain(rng, n))
        elif kind == 6 and disjoint:
            program.add_call("reduce", [numbers[a]], [labels], spec_of("reduce", (8, SIDE, SIDE, 1)))
        elif kind == 7 and disjoint and apart(a, b):
            program.add_call(
                "sparse_softmax_cross_entropy",
                [numbers[a], labels],
                [numbers[b], numbers[c]],
                spec_of("sparse_softmax_cross_entropy", (SIDE, SIDE, 0, 0)),
            )
        else:
            program.add_call("softmax", [numbers[c]], [numbers[c]], spec_of("softmax", (SIDE, SIDE, 1)))


def results(seed, replays=(1, programs.UNROLL)):
    """What a random program of small calls over overlapping places leaves in memory, and the program."""
    rng = random.Random(seed)
    first = np.random.default_rng(seed).normal(size=12 * SIDE * SIDE).astype("float32")
    slab, classes = cuda.put(first, ("gpu", 0)), cuda.put(np.arange(SIDE, dtype="int32"), ("gpu", 0))
    half = SIDE * SIDE // 2
    begins = [rng.randrange(0, 22) * half for _ in range(7)]
    arrays = [slab[s : s + SIDE * SIDE].reshape(SIDE, SIDE) for s in begins]
    program = programs.Program(0)
    numbers, labels = [program.add_buffer(b) for b in arrays], program.add_buffer(classes)
    add_small_calls(rng, program, numbers, begins, None, labels)
    for n in replays:
        program.run(n)
    return slab.get().view("uint32"), classes.get(), program


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("policy", ["0", "all"])
def test_groups_give_the_bits_of_separate_launches(on_gpu, monkeypatch, seed, policy):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    *want, apart = results(seed)
    assert all(unit.merged is None for s in apart._graphs() for unit in s.units)
    monkeypatch.setenv("KERASGPU_GROUP", "1")
    monkeypatch.setenv("KERASGPU_BRANCHES", policy)
    for schedule in SCHEDULES:
        monkeypatch.setattr(on_gpu, "schedule", schedule)
        monkeypatch.setattr(on_gpu, "order", random.Random(schedule) if policy == "all" else None)
        *got, program = results(seed)
        for a, b in zip(want, got):
            np.testing.assert_array_equal(a, b)
    (one,) = program._graphs()
    assert any(unit.merged is not None for unit in one.units) and one.launches < sum(len(u.calls) for u in one.units)


def test_a_missing_barrier_is_seen(on_gpu, monkeypatch):
    """The programs above do tell: without barriers between members some schedule gives other bits."""
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    *want, _ = results(0, (1,))
    monkeypatch.setenv("KERASGPU_GROUP", "1")
    monkeypatch.setattr(group_source, "BARRIER", "")
    different = []
    for schedule in SCHEDULES:
        monkeypatch.setattr(on_gpu, "schedule", schedule)
        *got, _ = results(0, (1,))
        different.append(any((a != b).any() for a, b in zip(want, got)))
    assert any(different)


def put(*values, dtype="float32"):
    return cuda.put(np.array(values, dtype), ("gpu", 0))


def test_a_rebound_array_changes_the_parameters_of_a_group(on_gpu):
    x, y, z = put(1, 2), put(0, 0), put(0, 0)
    program = programs.Program(0)
    a, b, c = map(program.add_buffer, (x, y, z))
    program.add_call("copy", [a], [b])
    program.add_call("copy", [b], [c])
    program.run()
    graphs = program._graphs()
    assert graphs[0].launches == 1
    program.rebind(a, put(5, 6))
    program.run()
    assert program._graphs() == graphs and z.get().tolist() == [5, 6]
    program.rebind(c, x)
    program.run(20)
    assert program._graphs() == graphs and x.get().tolist() == [5, 6]
    program.rebind(b, x)  # the calls overlap otherwise now: a new order
    program.run()
    assert program._graphs() != graphs and x.get().tolist() == [5, 6]
    assert len(program.profile()) == 2


def test_a_group_that_does_not_compile_is_done_by_separate_launches(on_gpu, monkeypatch, capfd):
    monkeypatch.setattr(segment, "_unusable", set())
    monkeypatch.setenv("KERASGPU_DEBUG", "1")
    inner, tried = on_gpu.function, []

    def function(launch, index):
        if launch.source == group_source.SOURCE:
            tried.append(launch)
            raise nvrtc.CompileError("no such thing\nand more")
        return inner(launch, index)

    monkeypatch.setattr(on_gpu, "function", function)
    x, y, z = put(3, 4), put(0, 0), put(0, 0)
    program = programs.Program(0)
    a, b, c = map(program.add_buffer, (x, y, z))
    program.add_call("copy", [a], [b])
    program.add_call("copy", [b], [c])
    program.run(3)
    assert z.get().tolist() == [3, 4] and program._graphs()[0].launches == 2 and len(tried) == 1
    assert (
        capfd.readouterr().err.count("a group of small kernels does not compile, they are started one by one: no such thing\n")
        == 1
    )


def test_other_sizes_share_the_compiled_group(on_gpu):
    def merged(n):
        program = programs.Program(0)
        x, y, total = (cuda.put(np.ones(size, "float32"), ("gpu", 0)) for size in (n, n, 1))
        a, b, c = map(program.add_buffer, (x, y, total))
        program.add_call("copy", [a], [b])
        program.add_call("reduce", [b], [c], spec_of("reduce", (0, 1, n, 1)))
        program.run()
        assert total.get()[0] == n
        (unit,) = program._graphs()[0].units
        return unit.merged

    assert merged(10).module == merged(77).module and merged(10).params != merged(77).params


def test_training_gives_the_same_bits(gpu, monkeypatch):
    def train(grouping, schedule, together):
        monkeypatch.setenv("KERASGPU_GROUP", grouping)
        monkeypatch.setattr(gpu, "schedule", schedule)
        with devices.device("gpu:0"):
            keras.utils.set_random_seed(1)
            model = keras.Sequential(
                [layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(3, activation="softmax")]
            )
            model.compile(
                "adam",
                "sparse_categorical_crossentropy",
                metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
                steps_per_execution=together,
            )
            rng = np.random.default_rng(0)
            x, y = rng.normal(size=(96, 6)).astype("float32"), rng.integers(0, 3, 96)
            history = model.fit(x, y, batch_size=16, epochs=2, verbose=0).history
            return *history.values(), *model.get_weights()

    want = train("0", shim.FORWARD, 1)
    for schedule, together in zip(SCHEDULES, (1, 3, 1)):
        for a, b in zip(want, train("1", schedule, together)):
            np.testing.assert_array_equal(a, b)


# -- every kernel that may be a member ------------------------------------------------------------------------------
def operands(described, rng):
    made = []
    for dtype, nbytes in described:
        count = nbytes // DTYPES[dtype][0]
        array = rng.normal(size=count) if "float" in dtype else rng.integers(0, 2 if dtype == "bool" else 9, count)
        made.append(cuda.put(array.astype(numpy_dtype(dtype)), ("gpu", 0)))
    return made


@pytest.mark.parametrize("some", range(len(small_calls())))
def test_one_block_gives_the_bits_of_many(on_gpu, some):
    """Each kernel that planners marked, as the member of a block of 1024 threads."""
    chosen = small_calls()[some]
    runs = []
    for _ in range(2):
        rng = np.random.default_rng(some)
        runs.append([(operands(call[1], rng), operands(call[2], rng)) for call, _ in chosen])
    for (_, plan), (ins, outs) in zip(chosen, runs[0]):
        cuda.run_plan(on_gpu, plan, [on_gpu.address(a) for a in ins], [on_gpu.address(a) for a in outs], 0)
    params = []
    for (_, plan), (ins, outs) in zip(chosen, runs[1]):
        ats = [on_gpu.address(a) for a in ins], [on_gpu.address(a) for a in outs]
        params += [one.fill(*ats, 0) for one in plan.launches]
    one = merged(chosen)
    on_gpu.run(on_gpu.function(one, 0), one, group_source.join(params), 0)
    for (call, _), (_, want), (_, got) in zip(chosen, *runs):
        for a, b in zip(want, got):
            np.testing.assert_array_equal(a.get().view("uint8"), b.get().view("uint8"), err_msg=str(call))


# -- sources --------------------------------------------------------------------------------------------------------
def test_nothing_reads_global_memory_as_if_it_were_constant():
    """What one member of a group wrote, the next one must see after a barrier."""
    for file in (Path(sources.root()) / "cuda").iterdir():
        assert not re.search(r"__restrict|__ldg|ld\.global\.nc|\.nc\.", file.read_text()), file.name


@pytest.mark.parametrize("arch", ["sm_75", "sm_90a", "sm_120"])
def test_groups_of_a_step_compile_without_spills(on_gpu, arch):
    """As one block of 1024 threads, which leaves 64 registers to each."""
    try:
        compiler = nvrtc.load()
    except RuntimeError as error:
        pytest.skip(str(error))
    *_, program = results(3, (1,))
    launches = [one for unit in program._graphs()[0].units for call in unit.calls for one in call.plan.launches if one.member]
    one = group_source.combined([group_source.Member(one, True) for one in launches], group.MOST_THREADS)
    made = compiler.compile(*one.module, arch)
    assert "Compiling entry function 'group'" in made.log
    assert not any(map(int, re.findall(r"(\d+) bytes spill", made.log))), made.log


def test_a_value_that_is_not_known(monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "yes")
    with pytest.raises(ValueError, match="KERASGPU_GROUP"):
        keras.config.grouping()
