"""The real driver against stand-ins for libcuda, CuPy and NVRTC: order of calls, sentences, the disk cache."""

import os
import types

import pytest
from fake_driver import FakeArray, FakeLib, fake_cupy

from kerasgpu.kernels.gpu.driver import cache, cupy_driver, libcuda, modules, nvrtc
from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.graph import program as programs


def test_launches_become_graph_nodes_in_order(installed, monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    lib = installed.lib
    program = programs.Program(0)
    a, b, c = (program.add_buffer(FakeArray(at)) for at in (0x100, 0x200, 0x300))
    program.add_call("copy", [a], [b])
    program.add_call("copy", [b], [c])
    program.run()
    program.run(2)
    assert lib.calls.count("cuGraphAddKernelNode_v2") == 2
    assert lib.calls.count("cuGraphLaunch") == 3 and "cuLaunchKernel" not in lib.calls
    # The second node runs after the first; each reads from its own array.
    first, second = lib.nodes
    assert [(one, two) for one, two, _ in lib.edges] == [(first, second)]
    assert [node.address for node in lib.nodes.values()] == [0x100, 0x200]
    program.rebind(a, FakeArray(0x500))
    program.run()
    assert lib.updates == [(first, 0x500)]
    assert lib.calls.count("cuGraphCreate") == 1
    del program
    assert lib.calls[-2:] == ["cuGraphExecDestroy", "cuGraphDestroy"]


def test_eager_launches(driver):
    one = Launch("copy.cu", "copy", {"PART": 0}, 7, 256, Params().input(0).output(0).i64(32))
    function = driver.function(one, 0)
    driver.run(function, one, one.fill([0xABC0], [0xDEF0], 0), 0)
    assert driver.lib.launched == [0xABC0]
    assert driver.function(one, 0) == function and driver.lib.calls.count("cuModuleLoadData") == 1


def test_large_shared_memory_is_asked_for(driver):
    one = Launch("copy.cu", "copy", {"PART": 0}, 1, 256, Params().input(0), shared=100 << 10)
    driver.function(one, 0)
    assert "cuFuncSetAttribute" in driver.lib.calls


def test_an_image_that_does_not_load_is_made_again(driver, compiler):
    one = Launch("copy.cu", "copy", {"PART": 0}, 1, 256, Params().input(0))
    loads = []
    inner = driver.cuda.load_module

    def load(image):
        loads.append(image)
        if len(loads) == 1:
            raise libcuda.CudaError("cuModuleLoadData", 200, "invalid image")
        return inner(image)

    driver.cuda.load_module = load
    driver.function(one, 0)
    assert len(loads) == 2 and len(compiler.compiled) == 2


def why(lib, cupy=None, monkeypatch=None):
    def opened():
        if isinstance(lib, Exception):
            raise lib
        return lib

    made = cupy_driver.CupyDriver(opened)
    if cupy is not None:
        made.cupy = cupy
    return made.count()


def test_sentences(compiler, monkeypatch):
    count, text = why(OSError("libcuda.so.1: cannot open"))
    assert count == 0 and "no NVIDIA driver is installed" in text
    assert "does not start" in why(FakeLib(fail={"cuInit": 999}))[1]
    assert "too old: it runs CUDA 11.8" in why(FakeLib(version=11080))[1]
    assert "lists no GPU" in why(FakeLib(devices=0))[1]
    assert "too old" in why(FakeLib(capability=(6, 1)))[1]
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    assert "pip install 'kerasgpu[cuda12]'" in why(FakeLib())[1]
    assert "pip install 'kerasgpu[cuda13]'" in why(FakeLib(version=13000))[1]
    assert "built for CUDA 13" in why(FakeLib(), fake_cupy(runtime=13000))[1]
    assert "CuPy 13.4.1 is too old" in why(FakeLib(), fake_cupy("13.4.1"))[1]
    assert why(FakeLib(), fake_cupy()) == (1, "")
    assert why(FakeLib(version=13000), fake_cupy()) == (1, "")

    def missing(most=99):
        raise RuntimeError("NVRTC, NVIDIA's run-time compiler, was not found; run: pip install nvidia-cuda-nvrtc-cu12")

    monkeypatch.setattr(nvrtc, "load", missing)
    assert "pip install nvidia-cuda-nvrtc" in why(FakeLib(), fake_cupy())[1]


def test_out_of_memory_says_what_was_asked_and_what_is_free(driver):
    class Full(Exception):
        pass

    def malloc(n):
        raise Full

    pool = types.SimpleNamespace(malloc=malloc, used_bytes=lambda: 5, free_all_blocks=lambda: None, total_bytes=lambda: 9)
    driver.cupy.cuda.MemoryPool = lambda: pool
    driver.cupy.cuda.memory = types.SimpleNamespace(OutOfMemoryError=Full)
    driver.cupy.get_default_memory_pool = lambda: pool
    with pytest.raises(
        MemoryError, match=r"shape \(10, 20\), float32, needs 800 bytes; 1073741824 of 85899345920 bytes are free"
    ):
        driver.empty((10, 20), "float32", 0)


class Pool:
    """cupy.cuda.MemoryPool: keeps what is freed; blocks of 512 bytes."""

    def __init__(self):
        self.used, self.free = 0, []

    def malloc(self, n):
        size = -(-n // 512) * 512
        if size in self.free:
            self.free.remove(size)
        self.used += size
        return size

    def give_back(self, size):
        self.used -= size
        self.free.append(size)

    def used_bytes(self):
        return self.used

    def total_bytes(self):
        return self.used + sum(self.free)

    def free_bytes(self):
        return sum(self.free)

    def free_all_blocks(self):
        self.free.clear()


def test_memory_is_counted_and_given_back(driver):
    pools = []
    driver.cupy.cuda.MemoryPool = lambda: pools.append(Pool()) or pools[-1]
    driver.cupy.cuda.memory = types.SimpleNamespace(OutOfMemoryError=MemoryError)
    driver.cupy.ndarray = lambda shape, dtype, memptr: memptr
    pinned = Pool()
    driver.cupy.get_default_pinned_memory_pool = lambda: pinned
    assert not pools  # the card is left alone until something is needed
    driver.empty_cache()
    assert not pools
    first, second = driver.empty((1000,), "uint8", 0), driver.empty((100,), "float32", 0)
    assert driver.memory_stats(0) == {"in_use": 1536, "cached": 0, "peak": 1536, "allocations": 2}
    pools[0].give_back(first)
    pools[0].give_back(second)
    driver.empty((256,), "float32", 0)
    assert driver.memory_stats(0) == {"in_use": 1024, "cached": 512, "peak": 1536, "allocations": 2}
    assert driver.free_memory(0) == (1 << 30) + 512
    pinned.free.append(4096)
    driver.empty_cache()
    assert driver.memory_stats(0)["cached"] == 0 and not pinned.free
    driver.empty((100,), "float32", 0)
    assert driver.memory_stats(0)["allocations"] == 3


# -- the disk cache -------------------------------------------------------------------------------------------------
MODULE = ("copy.cu", (("KG_PART", "0"),), None, ())


def entry(compiler):
    modules.image_for(MODULE, "sm_90", compiler)
    (name,) = os.listdir(cache.folder())
    return os.path.join(cache.folder(), name)


def test_entries_are_used_again(compiler):
    entry(compiler)
    assert modules.image_for(MODULE, "sm_90", compiler) == b"image of copy.cu"
    assert len(compiler.compiled) == 1
    modules.image_for(MODULE, "sm_80", compiler)
    modules.image_for((*MODULE[:3], ("-fmad=false",)), "sm_90", compiler)
    assert len(compiler.compiled) == 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other", "magic"])
def test_damaged_entries_are_built_again(compiler, damage):
    path = entry(compiler)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    if damage == "flip":
        data[-1] ^= 1
    elif damage == "cut":
        data = data[:-3]
    elif damage == "empty":
        data = bytearray()
    elif damage == "other":  # a whole entry, of another source
        data[len(cache.MAGIC)] ^= 1
    else:
        data[0] ^= 1
    with open(path, "wb") as f:
        f.write(data)
    assert modules.image_for(MODULE, "sm_90", compiler) == b"image of copy.cu"
    assert len(compiler.compiled) == 2
    modules.image_for(MODULE, "sm_90", compiler)
    assert len(compiler.compiled) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")
def test_entries_of_others_are_not_trusted(compiler, monkeypatch):
    entry(compiler)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    modules.image_for(MODULE, "sm_90", compiler)
    assert len(compiler.compiled) == 2


def test_a_folder_that_cannot_be_written_is_no_error(compiler, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERASGPU_CACHE", str(tmp_path / "file"))
    assert modules.image_for(MODULE, "sm_90", compiler) == b"image of copy.cu"


def test_dump(compiler, monkeypatch, tmp_path):
    monkeypatch.setenv("KERASGPU_DUMP", str(tmp_path / "dump"))
    modules.image_for(("elementwise_chain.cu", (), "// made up\n", ("-fmad=false",)), "sm_90", compiler)
    names = sorted(os.listdir(tmp_path / "dump"))
    assert [n.rsplit(".")[-1] for n in names] == ["cu", "cubin", "log", "ptx"]
    text = (tmp_path / "dump" / names[0]).read_text()
    assert "made up" in text and "-fmad=false" in text and "chain_kernel" in text
