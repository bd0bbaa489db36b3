"""Graphs of the real driver on a stand-in for libcuda: nodes, edges and their data, and what happens where the driver has less."""

import re
from pathlib import Path

import pytest
from fake_driver import FakeArray, fake_driver
from ptx import entries_that_do_not_wait

from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import nvrtc, sources
from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.graph import program as programs

PLAIN, PROGRAMMATIC = 0, 1


def launches(driver, n):
    one = Launch("copy.cu", "copy", {"PART": 0}, 7, 256, Params().input(0).output(0).i64(32))
    function = driver.function(one, 0)
    return [(function, one, one.fill([0x1000 * (k + 1)], [0x100], 0)) for k in range(n)]


def edges(lib):
    """(before, after, type) with nodes as numbers in the order in which they were added."""
    number = {handle: k for k, handle in enumerate(lib.nodes)}
    return sorted((number[a], number[b], kind) for a, b, kind in lib.edges)


def test_a_chain_has_programmatic_edges(driver):
    driver.graph(launches(driver, 3), 0)
    graph = driver.graph(launches(driver, 3), 0)
    assert edges(driver.lib) == [(0, 1, PROGRAMMATIC), (1, 2, PROGRAMMATIC)]
    assert driver.early_launch(0) == (True, "")
    graph.update(1, bytearray(b"\x77" + bytes(31)))
    assert driver.lib.updates == [(list(driver.lib.nodes)[1], 0x77)]


def test_joins_and_forks(driver):
    """An edge that is not alone at its node is a plain one."""
    graph = driver.graph(launches(driver, 4), 0, [(), (0,), (0,), (1, 2)])
    assert edges(driver.lib) == [(0, 1, PROGRAMMATIC), (0, 2, PROGRAMMATIC), (1, 3, PLAIN), (2, 3, PLAIN)]
    graph.run()
    assert driver.lib.calls[-1] == "cuGraphLaunch"


@pytest.mark.parametrize(
    "answers, why",
    [
        ({"version": 12020}, "runs CUDA 12.2, needed is 12.3"),
        ({"missing": ("cuGraphAddDependencies_v2",)}, "needed is 12.3"),
        ({"capability": (8, 9)}, "sm_89 cannot wait"),
        ({"fail": {"cuGraphAddDependencies_v2": 801}}, "refuses programmatic edges"),
    ],
)
def test_plain_edges_where_less_is_there(compiler, answers, why):
    driver = fake_driver(**answers)
    graph = driver.graph(launches(driver, 3), 0)
    assert edges(driver.lib) == [(0, 1, PLAIN), (1, 2, PLAIN)]
    assert not driver.early_launch(0)[0] and why in driver.early_launch(0)[1]
    assert driver.lib.calls.count("cuGraphDestroy") == driver.lib.calls.count("cuGraphCreate") - 1
    del graph


def test_a_refusal_is_remembered(compiler):
    driver = fake_driver(fail={"cuGraphAddDependencies_v2": 1})
    graphs = [driver.graph(launches(driver, 2), 0) for _ in range(3)]
    assert driver.lib.calls.count("cuGraphAddDependencies_v2") == 1 and len(graphs) == 3


def test_an_instantiation_that_is_refused(compiler):
    """The edges are accepted, the whole is not: built again with plain edges, once."""
    driver = fake_driver()
    inner, seen = driver.cuda.instantiate, []

    def instantiate(graph):
        seen.append([kind for *_, kind in driver.lib.edges])
        if len(seen) == 1:
            driver.lib.answers["fail"]["cuGraphInstantiateWithFlags"] = 801
        try:
            return inner(graph)
        finally:
            driver.lib.answers["fail"].clear()

    driver.cuda.instantiate = instantiate
    graph = driver.graph(launches(driver, 2), 0)
    assert seen == [[PROGRAMMATIC], [PLAIN]] and graph.executable


def test_an_error_of_another_kind_is_raised(compiler):
    driver = fake_driver(fail={"cuGraphAddKernelNode_v2": 700})
    with pytest.raises(RuntimeError, match="stand-in error"):
        driver.graph(launches(driver, 2), 0)


def test_the_switch(compiler, monkeypatch):
    monkeypatch.setenv("KERASGPU_PDL", "0")
    driver = fake_driver()
    driver.graph(launches(driver, 2), 0)
    assert driver.early_launch(0) == (False, "KERASGPU_PDL=0")
    assert "cuGraphAddDependencies_v2" not in driver.lib.calls
    monkeypatch.setenv("KERASGPU_PDL", "maybe")
    with pytest.raises(ValueError, match="KERASGPU_PDL"):
        fake_driver().early_launch(0)


def test_a_program_of_eight_steps_is_one_chain(installed, monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    program = programs.Program(0)
    a, b = program.add_buffer(FakeArray(0x100)), program.add_buffer(FakeArray(0x200))
    program.add_call("copy", [a], [b])
    program.run(programs.UNROLL)
    assert drivers.current() is installed
    assert edges(installed.lib)[-programs.UNROLL + 1 :] == [
        (k, k + 1, PROGRAMMATIC) for k in range(1, programs.UNROLL)
    ]  # node 0 is the graph of one step


def test_a_program_with_branches(installed, monkeypatch):
    monkeypatch.setenv("KERASGPU_GROUP", "0")
    monkeypatch.setenv("KERASGPU_BRANCHES", "all")
    program = programs.Program(0)
    a, b, c, d = (program.add_buffer(FakeArray(at)) for at in (0x100, 0x200, 0x300, 0x400))
    program.add_call("copy", [a], [b])
    program.add_call("copy", [b], [c])
    program.add_call("copy", [b], [d])
    program.add_call("copy", [c], [d])
    program.run()
    assert edges(installed.lib) == [(0, 1, PROGRAMMATIC), (0, 2, PROGRAMMATIC), (1, 3, PLAIN), (2, 3, PLAIN)]


# -- the kernels' side ----------------------------------------------------------------------------------------------
def test_every_entry_point_is_a_macro_that_waits():
    """No source writes an entry point of its own, and both macros begin with begin_kernel()."""
    for file in (Path(sources.root()) / "cuda").iterdir():
        if file.name != "dev.cuh":
            assert "__global__" not in file.read_text() and "griddepcontrol" not in file.read_text(), file.name
    text = sources.read("cuda/dev.cuh")
    assert len(re.findall(r"__global__", text)) == 1
    assert re.search(r"__grid_constant__ Params p\) \{ *\\\n *::kg::begin_kernel\(\);", text)


def test_compiled_kernels_wait_before_they_touch_memory(monkeypatch):
    try:
        real = nvrtc.load()
    except RuntimeError as error:
        pytest.skip(str(error))
    for source, defines in (("copy.cu", {"PART": 0}), ("optimizer.cu", {"T": "float", "RULE": "Adam"})):
        one = Launch(source, "x", defines, 1, 32, Params())
        ptx = real.compile(*one.module, "sm_90a").ptx
        assert ".entry" in ptx and not entries_that_do_not_wait(ptx)
        assert "griddepcontrol" not in real.compile(*one.module, "sm_80").ptx
    monkeypatch.setenv("KERASGPU_PDL", "2")
    eager = real.compile(*one.module, "sm_90a").ptx
    assert eager.find("launch_dependents") < eager.find("griddepcontrol.wait") and not entries_that_do_not_wait(eager)
    assert ptx.find("launch_dependents") > ptx.find("griddepcontrol.wait")
    assert entries_that_do_not_wait(ptx.replace("griddepcontrol.wait;", "")) and "launch_dependents" in ptx
