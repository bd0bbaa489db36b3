"""The shim catches what it is for: missing barriers, divergence, copies not waited for, accesses outside arrays."""

import shutil

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cuda, gemm, reduce
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import sources
from kerasgpu.kernels.gpu.driver.launch import Launch, Params

SCHEDULES = {"forward": shim.FORWARD, "reverse": shim.REVERSE, "random": shim.RANDOM, "turns": shim.TURNS}


def put(x):
    return cuda.put(x, ("gpu", 0))


def write(folder, name, text):
    shutil.copytree(sources.root(), folder, dirs_exist_ok=True)
    (folder / "cuda" / name).write_text(text)


def launch_source(tmp_path, text, n=64, threads=64):
    """Runs entry `test` of a source on an array of n floats; returns them."""
    write(tmp_path / "csrc", "gemm.cu", text)  # any name that exists: the closure of includes is found by name
    driver = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    x = driver.put(np.arange(n, dtype="float32"), 0)
    one = Launch("gemm.cu", "test", {}, 1, threads, Params().input(0))
    driver.run(driver.function(one, 0), one, one.fill([driver.address(x)], [], 0), 0)
    return x.get()


HEAD = '#include "numeric.cuh"\nnamespace kg {\nstruct Params { float* x; };\nKG_KERNEL(test, Params, 64) {\n'


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_neighbours_through_shared_memory(tmp_path, gpu, schedule):
    body = "KG_SHARED(float, s, [64]); const int t = thread_index(); s[t] = p.x[t]; sync_block(); p.x[t] = s[63 - t]; }}"
    np.testing.assert_array_equal(launch_source(tmp_path, HEAD + body), np.arange(64)[::-1])


def test_some_threads_at_a_barrier(tmp_path, gpu):
    with pytest.raises(shim.BarrierError, match="divergence"):
        launch_source(tmp_path, HEAD + "if (thread_index() < 32) sync_block(); }}")


def test_two_barriers_at_once(tmp_path, gpu):
    body = "if (thread_index() < 32) {\nsync_block();\n} else {\nsync_block();\n} }}"
    with pytest.raises(shim.BarrierError, match="different block barriers"):
        launch_source(tmp_path, HEAD + body)


def test_part_of_a_warp_shuffles(tmp_path, gpu):
    with pytest.raises(shim.BarrierError, match="warp"):
        launch_source(tmp_path, HEAD + "if (lane_index() < 7) p.x[0] = shuffle_xor(p.x[0], 1); }}")


def test_asynchronous_copies_arrive_when_waited_for(tmp_path, gpu):
    body = """
    KG_SHARED(float, s, [64]); const int t = thread_index();
    copy_async<4>(&s[t], &p.x[63 - t], 4); commit_async(); %s p.x[t] = s[t]; }}"""
    got = launch_source(tmp_path / "a", HEAD + body % "wait_async<0>(); sync_block();")
    np.testing.assert_array_equal(got, np.arange(64)[::-1])
    with pytest.raises(shim.BarrierError, match="never waited"):
        launch_source(tmp_path / "b", HEAD + body % "")


def test_shared_memory_starts_as_nan(tmp_path, gpu):
    got = launch_source(tmp_path, HEAD + "KG_SHARED(float, s, [64]); p.x[thread_index()] = s[thread_index()]; }}")
    assert np.isnan(got).all()


def test_wrong_size_of_parameters(tmp_path, gpu):
    text = HEAD.replace("float* x;", "float* x; int64_t n;") + "}}"
    with pytest.raises(shim.BarrierError, match="another size"):
        launch_source(tmp_path, text)


@pytest.mark.parametrize("kind", ["tf32", "f16", "bf16"])
def test_tensor_core_fragments(tmp_path, gpu, kind):
    """A 16 x k times k x 8 product in the fragment layout that PTX documents."""
    depth = 8 if kind == "tf32" else 16
    words = {"tf32": "to_tf32({})", "f16": "half_bits({0}) | uint32_t(half_bits({1})) << 16"}
    words["bf16"] = "to_bf16({0}).bits | uint32_t(to_bf16({1}).bits) << 16"
    a, b = "A({0}, {1})", "B({0}, {1})"
    if kind == "tf32":
        lines = [
            f"a[{r}] = {words[kind].format(a.format(i, k))};"
            for r, (i, k) in enumerate([("g", "t"), ("g + 8", "t"), ("g", "t + 4"), ("g + 8", "t + 4")])
        ]
        lines += [f"b[{r}] = {words[kind].format(b.format(k, 'g'))};" for r, k in enumerate(["t", "t + 4"])]
    else:
        pairs = [("g", "2 * t"), ("g + 8", "2 * t"), ("g", "2 * t + 8"), ("g + 8", "2 * t + 8")]
        lines = [f"a[{r}] = {words[kind].format(a.format(i, k), a.format(i, k + ' + 1'))};" for r, (i, k) in enumerate(pairs)]
        lines += [
            f"b[{r}] = {words[kind].format(b.format(k, 'g'), b.format(k + ' + 1', 'g'))};"
            for r, k in enumerate(["2 * t", "2 * t + 8"])
        ]
    body = f"""
    const int lane = lane_index(), g = lane / 4, t = lane % 4;
    const float *x = p.x, *y = p.x + 16 * {depth};
    float* z = p.x + 24 * {depth};
    #define A(i, k) x[(i) * {depth} + (k)]
    #define B(k, j) y[(k) * 8 + (j)]
    uint32_t a[4], b[2]; float d[4] = {{1, 1, 1, 1}};
    {" ".join(lines)}
    mma_{kind}(d, a, b);
    for (int e = 0; e < 4; ++e) z[(g + e / 2 * 8) * 8 + 2 * t + e % 2] = d[e];
    }}}}"""
    write(tmp_path / "csrc", "gemm.cu", HEAD + body)
    driver = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    rng = np.random.default_rng(0)
    left, right = rng.integers(-8, 8, (16, depth)) / 4, rng.integers(-8, 8, (depth, 8)) / 4
    x = driver.put(np.concatenate([left.ravel(), right.ravel(), np.zeros(128)]).astype("float32"), 0)
    one = Launch("gemm.cu", "test", {}, 1, 32, Params().input(0))
    driver.run(driver.function(one, 0), one, one.fill([driver.address(x)], [], 0), 0)
    np.testing.assert_array_equal(x.get()[24 * depth :].reshape(16, 8), left @ right + 1)


def without_barrier(text, number):
    """A kernel's source without its barrier of that number."""
    parts = text.split("sync_block();")
    return "sync_block();".join(parts[: number + 1]) + "(void)0;" + "sync_block();".join(parts[number + 1 :])


@pytest.mark.parametrize("source, number", [("gemm.cu", 0), ("gemm.cu", 1), ("reduce.cu", 0), ("block.cuh", 1)])
def test_a_deleted_barrier_shows(tmp_path, gpu, source, number):
    """At least one of the schedules gives a wrong result; the intact kernel gives the right one under all."""
    text = (shim.Path(sources.root()) / "cuda" / source).read_text()
    rng = np.random.default_rng(0)
    if source == "gemm.cu":
        a, b = rng.integers(-9, 9, (70, 50), "int32"), rng.integers(-9, 9, (50, 66), "int32")  # floats have tiles of their own
        run, want = lambda: gemm.gemm(put(a), put(b)).get(), a @ b
    elif source == "reduce.cu":
        a = rng.normal(size=(700, 5)).astype("float32")
        run, want = lambda: reduce.sum(put(a), 0).get(), a.sum(0)
    else:
        a = rng.normal(size=(3, 3000)).astype("float32")
        run, want = lambda: reduce.sum(put(a), 1).get(), a.sum(1)
    for schedule in SCHEDULES.values():
        gpu.schedule = schedule
        np.testing.assert_allclose(run(), want, rtol=1e-4, atol=1e-4)
    write(tmp_path / "csrc", source, without_barrier(text, number))
    broken = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    before = drivers.install(broken)
    wrong = 0
    try:
        for schedule in SCHEDULES.values():
            broken.schedule = schedule
            wrong += not np.allclose(run(), want, rtol=1e-4, atol=1e-4)
    finally:
        drivers.install(before)
    assert wrong, f"no schedule notices that barrier {number} of {source} is missing"
