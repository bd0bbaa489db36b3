"""Every tile of gemm_table compiles under NVRTC for every chip, and those on the path of a training step without spills."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from kerasgpu.kernels.gpu.driver import nvrtc
from kerasgpu.kernels.gpu.plans import gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.gemm_table import Choice
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Operand

CHIPS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"]
DTYPE = {"tf32": "float32", "simt": "float32", "half": "bfloat16", "turing": "float16", "double": "float64"}
WAYS = [(True, False), (True, True), (False, False)]  # products, by a transposed right side, by a transposed left side


@pytest.fixture(scope="module")
def compiler():
    try:
        return nvrtc.load()
    except RuntimeError as error:
        pytest.skip(str(error))


def modules(kinds, ways, tiles=None):
    """(source, defines, hot): hot where nothing may spill: 16 bytes are copied at once, and this is no double."""
    for kind in kinds:
        of = Operand(DTYPE[kind], DTYPES[DTYPE[kind]][0])
        full = gemm_tiles.vector(kind, of.item)
        for tile in gemm_table.TILES[kind]:
            if tiles is not None and tile.name not in tiles:
                continue
            for deep_a, deep_b in ways:
                for vec in (full, 1):
                    defines = gemm_tiles.defines(kind, Choice(tile, 1, tile.k), of, vec, vec, deep_a, deep_b, INDEX="int32_t")
                    hot = vec > 1 and kind != "double"
                    yield "gemm_tiled.cu", defines, hot
                    part = {(True, False): 0, (True, True): 1, (False, False): 2}[deep_a, deep_b]
                    yield "conv.cu", {**defines, "PART": part, "DIMS": 2}, hot


def compile_all(compiler, arch, wanted):
    if int(re.sub(r"\D", "", arch)) not in compiler.archs:
        pytest.skip(f"NVRTC {compiler.version} does not know {arch}")

    def one(module):
        source, defines, hot = module
        macros = tuple(sorted((f"KG_{k}", str(v)) for k, v in defines.items()))
        log = compiler.compile(source, macros, None, (), arch).log
        spilled = max([int(n) for n in re.findall(r"(\d+) bytes spill stores", log)], default=0)
        return f"{source} {macros} for {arch} spills {spilled} bytes" if hot and spilled else None

    with ThreadPoolExecutor(4) as pool:
        problems = [p for p in pool.map(one, wanted) if p]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("arch", ["sm_80", "sm_90a"])
def test_the_tiles_of_large_products(compiler, arch):
    tiles = {"128x128x32s3", "128x128x32s4", "128x128x64s3", "128x128x8"}
    compile_all(compiler, arch, list(modules(("tf32", "half", "simt"), WAYS[:1], tiles)))


@pytest.mark.sweep
@pytest.mark.parametrize("arch", CHIPS)
def test_every_tile(compiler, arch):
    kinds = ("turing", "simt", "double") if arch == "sm_75" else ("tf32", "half", "simt", "double")
    compile_all(compiler, arch, list(modules(kinds, WAYS)))
