"""Every kernel compiles under NVRTC for every chip, without a GPU. Skipped where NVRTC is not installed."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cuda_plans import modules
from ptx import entries_that_do_not_wait

from kerasgpu.kernels.gpu.driver import nvrtc, sources
from kerasgpu.kernels.gpu.plans import plan

CHIPS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"]
QUICK = ["sm_80", "sm_90a"]
# Kernels on the path of every training step: no register may go to memory.
HOT = {"chain_kernel", "reduce_short", "reduce_rows", "reduce_columns", "softmax_rows", "sparse_forward", "sparse_backward",
       "dropout", "update", "gather_rows", "gemm", "gemm_tiled", "gemm_join", "conv", "copy", "transpose_tiles", "chunk_sums", "apply", "grad_sums", "grad_apply",
       "maximum_arg", "maximum_grad", "depthwise", "depthwise_filter_grad", "split_sums", "resample", "sample_map",
       "conv_direct", "conv_direct_filter_grad", "group"}  # fmt: skip
# Outside the tiles of products a few bytes are let through: what ptxas saves around its subroutine for 64-bit divisions.
TILES, AROUND_DIVISION, MANY_DIVISIONS = {"gemm", "gemm_tiled", "conv"}, 32, 256
# Rules of optimizers that are rare and may spill.
RARE = {"RmsPropBoth", "Ftrl", "FtrlPower", "Nadam"}


@pytest.fixture(scope="module")
def compiler():
    try:
        return nvrtc.load()
    except RuntimeError as error:
        pytest.skip(str(error))


def check(compiler, module, arch):
    made = compiler.compile(*module, arch)
    assert made.image and "C7510" not in made.log, made.log
    entries = re.findall(r"Compiling entry function '(\w+)'", made.log)
    if not entries:
        return f"{module[0]} {dict(module[1])} for {arch} holds no kernel"
    if int(re.sub(r"\D", "", arch)) >= 90 and entries_that_do_not_wait(made.ptx):
        return f"{module[0]} {dict(module[1])} for {arch}: {entries_that_do_not_wait(made.ptx)} do not wait first"
    for entry, report in re.findall(r"Compiling entry function '(\w+)'.*?\n((?:.*\n){0,4})", made.log + "\n" * 4):
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report)
        allowed = 0 if entry in TILES else MANY_DIVISIONS if entry == "group" else AROUND_DIVISION
        if (
            entry in HOT
            and dict(module[1]).get("KG_RULE") not in RARE
            and spilled
            and max(map(int, spilled.groups())) > allowed
        ):
            return f"{module[0]} {dict(module[1])} {entry} for {arch} spills: {spilled[0]}"
    return None


def compile_all(compiler, arch):
    if int(re.sub(r"\D", "", arch)) not in compiler.archs:
        pytest.skip(f"NVRTC {compiler.version} does not know {arch}")
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda m: check(compiler, m, arch), modules())
        problems = [p for p in found if p]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("arch", CHIPS)
def test_every_chip(compiler, arch):
    compile_all(compiler, arch)


@pytest.mark.parametrize("arch", QUICK)
def test_hot_kernels(compiler, arch):
    """A quick look in every run of the tests: what a training step of a small model launches."""
    hot = [m for m, entries in modules().items() if entries & HOT and "float" in dict(m[1]).get("KG_T", "float")]
    problems = [p for p in (check(compiler, m, arch) for m in hot[:12]) if p]
    assert not problems, "\n".join(problems)


def test_the_list_reaches_every_source_and_entry():
    sources_used = {m[0] for m in modules()}
    files = {f.name for f in (Path(sources.root()) / "cuda").glob("*.cu")}
    assert files == sources_used
    entries = {e for found in modules().values() for e in found}
    written = set()
    for f in files:
        written |= set(re.findall(r"^KG_KERNEL(?:_MANY)?\((\w+)", sources.read(f"cuda/{f}"), re.M))
    assert written == entries, sorted(written ^ entries)


def test_every_kernel_of_the_cpu_has_a_plan():
    from kerasgpu import _core

    missing = [n for n in _core.kernel_names() if n not in plan.ON_HOST and not plan.has_planner(n)]
    assert not missing, f"kernels without a CUDA version that are not in ON_HOST of kernels/gpu/plans/plan.py: {missing}"
    stale = [n for n in plan.ON_HOST if plan.has_planner(n)]
    assert not stale, f"in ON_HOST although they have a CUDA version: {stale}"


def test_broken_source_says_what_is_wrong(compiler):
    module = ("elementwise_chain.cu", (), "typedef float T; this is no code", ())
    with pytest.raises(nvrtc.CompileError, match=r"elementwise_chain.cu does not compile for sm_80(.|\n)*error"):
        compiler.compile(*module, "sm_80")


def test_targets(compiler):
    assert compiler.target((9, 0)) == "sm_90a" and compiler.target((8, 0)) == "sm_80"
    assert compiler.target((99, 0)).startswith("compute_")
    image = compiler.compile("copy.cu", (("KG_PART", "0"),), None, (), compiler.target((99, 0))).image
    assert b".version" in image
