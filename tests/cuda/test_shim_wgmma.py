"""The shim's wgmma is the documented one, and what a kernel may not leave out shows: fences, waits, barriers, strides, swizzles."""

import re

import ml_dtypes
import numpy as np
import pytest
from cuda_shim import device as shim
from test_shim import SCHEDULES, put, write

from kerasgpu import config
from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import sources
from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.plans import gemm_table

LAYOUT = """#include "wgmma.cuh"
namespace kg { struct Params { int32_t* to; uint64_t descriptor; int32_t wide, item, n, k; };
KG_KERNEL(test, Params, 32) {
  for (int e = thread_index(); e < p.n * p.k; e += 32)
    p.to[e] = (int)kg_shim::element_address(p.descriptor, p.wide, p.item, e / p.k, e % p.k);
} }"""
# The examples of the PTX ISA, "canonical layouts" of wgmma: (wide, bytes of an element, swizzle bits, mode of a descriptor, leading and
# stride in elements, layout). A layout is ((shape of i), (shape of k)), ((strides of i), (strides of k)), the first one varying fastest.
EXAMPLES = {
    "deep, none": (0, 4, 0, 0, 64, 32, ((8, 2), (4, 4)), ((4, 32), (1, 64))),
    "deep, 32 bytes": (0, 4, 1, 3, 4, 64, ((8, 2), (4, 2)), ((8, 64), (1, 4))),
    "deep, 128 bytes": (0, 2, 3, 1, 8, 512, ((8, 8), (8, 2)), ((64, 512), (1, 8))),
    "wide, none": (1, 2, 0, 0, 128, 64, ((8, 1, 2), (8, 2)), ((1, 8, 64), (8, 128))),
    "wide, 32 bytes": (1, 2, 1, 3, 128, 256, ((8, 2, 2), (8, 2)), ((1, 8, 128), (16, 256))),
    "wide, 64 bytes": (1, 2, 2, 2, 256, 512, ((8, 4, 2), (8, 2)), ((1, 8, 256), (32, 512))),
    "wide, 128 bytes": (1, 2, 3, 1, 4096, 512, ((8, 8, 2), (8, 2)), ((1, 8, 4096), (64, 512))),
}


def offset(i, shape, strides):
    total = 0
    for size, stride in zip(shape, strides):
        total += i % size * stride
        i //= size
    return total


@pytest.mark.parametrize("name", EXAMPLES)
def test_layouts_of_the_documentation(tmp_path, gpu, name):
    wide, item, bits, mode, leading, stride, (shape_i, shape_k), (strides_i, strides_k) = EXAMPLES[name]
    n, k, start = int(np.prod(shape_i)), int(np.prod(shape_k)), 4096
    write(tmp_path / "csrc", "gemm.cu", LAYOUT)
    driver = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    to = driver.put(np.zeros((n, k), "int32"), 0)
    word = start >> 4 | leading * item >> 4 << 16 | stride * item >> 4 << 32 | mode << 62
    params = Params().output(0)
    params.number("Q", word)
    for number in (wide, item, n, k):
        params.number("i", number)
    one = Launch("gemm.cu", "test", {"MMA": 2}, 1, 32, params)
    driver.run(driver.function(one, 0), one, one.fill([], [driver.address(to)], 0), 0)
    want = np.zeros((n, k), int)
    for i in range(n):
        for kk in range(k):
            at = start + (offset(i, shape_i, strides_i) + offset(kk, shape_k, strides_k)) * item
            want[i, kk] = at ^ (at >> 7 & (1 << bits) - 1) << 4
    np.testing.assert_array_equal(to.get(), want)


FENCED = "fence_async();\n      sync_block();"
# What is changed in gemm_wgmma.cuh, and what must be said unless results are just wrong.
FAULTS = {
    "no proxy fence": (r"\bfence_async\(\);", "", None),
    "a proxy fence of the reader": (re.escape(FENCED), "sync_block();\n      fence_async();", None),
    "no barrier": (re.escape(FENCED), "fence_async();", None),
    "a copy is not waited for": (r"wait_async<ahead_by - 1>", "wait_async<ahead_by>", None),
    "sums are not fenced": (r"wgmma_fence\(\);", "", "needs wgmma_fence"),
    "products are not waited for": (r"wgmma_wait<0>\(\);", "", "never waited for"),
    "products run too long": (r"wgmma_wait<1>\(\);", "wgmma_wait<3>();", "overwritten"),
    "a panel is filled too early": (r"ahead_by = stages - 2", "ahead_by = stages - 1", "overwritten"),
    "wrong stride": (r"kStride = 1024", "kStride = 512", None),
    "wrong leading offset": (r"kWide \? kLength \* 128 : 16", "kWide ? kLength * 64 : 16", None),
    "no swizzle": (r"\(column / kEach\) \^ \(row & 7\)", "(column / kEach)", None),
    "not aligned": (r"shared \+= -shared_address\(shared\) & 1023u;", "", "within a pattern"),
    "wrong step along k": (r": 32;  ", ": 64;  ", None),
    "another warp's operand": (r"shuffle\(warp_index\(\) / 4, 0\)", "warp_index() / 2 % 2", "warpgroup"),
    "sums are touched": (r"wgmma_commit\(\);", "wgmma_commit(); sum[0][0][0] = 0;", "sums were changed"),
}


@pytest.fixture
def tile(gpu):
    config.enable_tf32()
    before = gemm_table.forced
    gemm_table.forced = ("w128x128x64s3", 1)
    cuda.forget()
    yield
    gemm_table.forced = before
    cuda.forget()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_faults_show(tmp_path, gpu, tile, name):
    """At least one schedule gives a wrong result or an error."""
    what, by, message = FAULTS[name]
    rng = np.random.default_rng(0)
    a, b = (
        rng.integers(-8, 8, (128, 320)).astype(ml_dtypes.bfloat16),
        rng.integers(-8, 8, (320, 128)).astype(ml_dtypes.bfloat16),
    )
    want = np.float32(a) @ np.float32(b)
    text = (shim.Path(sources.root()) / "cuda" / "gemm_wgmma.cuh").read_text()
    changed, count = re.subn(what, by, text)
    assert count == 1, f"gemm_wgmma.cuh has {count} places like {what}"
    write(tmp_path / "csrc", "gemm_wgmma.cuh", changed)
    broken = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    before = drivers.install(broken)
    found = []
    try:
        for schedule in SCHEDULES.values():
            broken.schedule = schedule
            try:
                got = gemm.gemm(put(a), put(b)).get().astype("float32")
            except shim.BarrierError as error:
                found.append(str(error))
            else:
                if not np.allclose(got, want, rtol=1e-2, atol=1e-2):
                    found.append("wrong result")
    finally:
        drivers.install(before)
    assert found, f"nothing shows: {name}"
    assert message is None or any(message in f for f in found), found


def test_a_product_of_less_than_a_warpgroup(tmp_path, gpu):
    text = """#include "wgmma.cuh"
    namespace kg { struct Params { float* x; };
    KG_KERNEL(test, Params, 64) {
      float d[8][4] = {};
      wgmma_fence();
      wgmma<bf16, false, false>(d, 0, 0);
    } }"""
    write(tmp_path / "csrc", "gemm.cu", text)
    driver = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    x = driver.put(np.zeros(64, "float32"), 0)
    one = Launch("gemm.cu", "test", {"MMA": 2}, 1, 64, Params().input(0))
    with pytest.raises(shim.BarrierError, match="four warps"):
        driver.run(driver.function(one, 0), one, one.fill([driver.address(x)], [], 0), 0)
