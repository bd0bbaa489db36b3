"""Hopper's tiles under NVRTC for sm_90a: real wgmma instructions, nothing spilled, no wait that the compiler added."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from test_gemm_nvrtc import DTYPE, compiler  # noqa: F401  `compiler` is a fixture

from kerasgpu.kernels.gpu.driver import nvrtc, sources
from kerasgpu.kernels.gpu.plans import gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.gemm_table import Choice
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Operand

WAYS = [(True, False), (True, True), (False, False), (False, True)]
PARTS = {(True, False): 0, (True, True): 1, (False, False): 2}  # of conv.cu


def modules(kind, tile, ways=WAYS):
    of = Operand(DTYPE[kind], DTYPES[DTYPE[kind]][0])
    vec = gemm_tiles.vector(kind, of.item)
    for way in ways:
        defines = gemm_tiles.defines(kind, Choice(tile, 1, tile.k), of, vec, vec, *way, INDEX="int32_t")
        yield "gemm_tiled.cu", defines
        if way in PARTS and not tile.boxes:
            yield "conv.cu", {**defines, "PART": PARTS[way], "DIMS": 2}


def compiled(compiler, source, defines):  # noqa: F811
    macros = tuple(sorted((f"KG_{k}", str(v)) for k, v in defines.items()))
    return compiler.compile(source, macros, None, (), "sm_90a")


def problem(compiler, source, defines):  # noqa: F811
    """What is wrong with a module, or None."""
    made = compiled(compiler, source, defines)
    depth, types = ("k8", "tf32.tf32") if defines["T"] == "float" else ("k16", "bf16.bf16")
    instruction = f"m64n{defines['N'] // defines['WN']}{depth}.f32.{types}"
    spilled = max(int(n) for n in re.findall(r"(\d+) bytes spill stores", made.log))
    if f"wgmma.mma_async.sync.aligned.{instruction}" not in made.ptx or "mma.sync.aligned.m16n8" in made.ptx:
        return f"{source} {defines} has no {instruction}"
    if defines["MMA"] == 3 and not all(
        i in made.ptx for i in ("cp.async.bulk.tensor.3d", "mbarrier.try_wait", "setmaxnreg.inc")
    ):
        return f"{source} {defines} copies no boxes"
    if spilled or "(C75" in made.log:
        return f"{source} {defines}: {made.log}"
    return None


@pytest.mark.parametrize("kind", ["half", "tf32"])
def test_a_small_tile(compiler, kind):  # noqa: F811
    tile = min(gemm_table.WGMMA[kind], key=lambda t: t.m * t.n)
    assert not [p for p in (problem(compiler, *m) for m in modules(kind, tile, WAYS[:1])) if p]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind,tile",
    [(k, t) for k in ("half", "tf32") for t in gemm_table.WGMMA[k] + gemm_table.BOXES.get(k, ())],
    ids=lambda v: getattr(v, "name", v),
)
def test_every_tile(compiler, kind, tile):  # noqa: F811
    with ThreadPoolExecutor(2) as pool:
        found = [p for p in pool.map(lambda m: problem(compiler, *m), modules(kind, tile)) if p]
    assert not found, "\n".join(found)


def test_the_gate_sees_what_it_is_for(compiler, monkeypatch):  # noqa: F811
    """Sums that are touched between a product and its wait make ptxas wait at once (C7517), or serialise all (C7510)."""
    tile = min(gemm_table.WGMMA["half"], key=lambda t: t.m * t.n)
    source, defines = next(modules("half", tile))
    whole = dict(sources.closure(source))
    broken = whole["gemm_wgmma.cuh"].replace("wgmma_commit();", "wgmma_commit(); sum[0][0][0] *= 2.f;")
    monkeypatch.setattr(sources, "closure", lambda name: {**whole, "gemm_wgmma.cuh": broken})
    assert "(C75" in compiled(compiler, source, defines).log


def test_only_for_hopper(compiler):  # noqa: F811
    tile = min(gemm_table.WGMMA["half"], key=lambda t: t.m * t.n)
    source, defines = next(modules("half", tile))
    macros = tuple(sorted((f"KG_{k}", str(v)) for k, v in defines.items()))
    with pytest.raises(nvrtc.CompileError, match="wgmma"):
        compiler.compile(source, macros, None, (), "sm_80")
