"""Stand-ins for libcuda, CuPy and NVRTC, so that the real driver runs without a GPU: they write down what they are asked for."""

import ctypes
import types
from dataclasses import dataclass, field

import numpy as np

from kerasgpu.kernels.gpu.driver import cupy_driver, libcuda, nvrtc


@dataclass
class Node:
    """A node of the graph that was built last. `address`: the first 8 bytes of a kernel's parameters; `work`: a library's."""

    kind: str
    address: int = 0
    function: int = 0
    work: list = field(default_factory=list)


class FakeLib:
    """libcuda. `answers`: what it says; `fail`: {function: error}; `missing`: functions that it does not have.

    nodes: {handle: Node} of the graphs that exist; edges: (before, after, type) of them; updates: (node, address).
    """

    def __init__(self, **answers):
        self.calls = []
        self.answers = {"version": 12080, "devices": 1, "capability": (9, 0), "fail": {}, "missing": (), **answers}
        self.handles = 0x1000
        self.nodes, self.edges, self.updates, self.launched = {}, [], [], []
        self.captured, self.children = {}, {}  # {stream: work that a library put there}; {graph: the same}

    def put_on_stream(self, stream, work):
        """A library's work: at once, or noted where the stream captures. Graphs that are launched do the work of their child nodes."""
        if stream in self.captured:
            self.captured[stream].append(work)
        else:
            work()

    def __getattr__(self, name):
        if not name.startswith("cu") or name in self.answers["missing"]:
            raise AttributeError(name)

        def call(*args):
            self.calls.append(name)
            if name in self.answers["fail"]:
                return self.answers["fail"][name]
            return self.answer(name, args)

        return call

    def new(self, pointer):
        self.handles += 8
        pointer._obj.value = self.handles
        return self.handles

    def answer(self, name, args):
        if name == "cuGetErrorString":
            args[1]._obj.value = b"stand-in error"
        elif name == "cuDriverGetVersion":
            args[0]._obj.value = self.answers["version"]
        elif name == "cuDeviceGetCount":
            args[0]._obj.value = self.answers["devices"]
        elif name == "cuDeviceGetAttribute":
            said = self.answers["capability"]  # of all, or a list with one for each
            major, minor = said[args[2]] if isinstance(said, list) else said
            args[0]._obj.value = {libcuda.CAPABILITY_MAJOR: major, libcuda.CAPABILITY_MINOR: minor}.get(args[1], 132)
        elif name == "cuMemGetInfo_v2":
            args[0]._obj.value, args[1]._obj.value = 1 << 30, 80 << 30
        elif name in ("cuModuleLoadData", "cuModuleGetFunction", "cuGraphInstantiateWithFlags"):
            self.new(args[0])
        elif name == "cuGraphCreate":
            self.new(args[0])
        elif name == "cuGraphDestroy" and args[0].value in self.children:
            del self.children[args[0].value]
        elif name == "cuGraphDestroy":
            self.nodes, self.edges = {}, []  # tests keep one graph at a time
        elif name == "cuGraphAddKernelNode_v2":
            node = args[4]._obj
            made = self.new(args[0])
            self.nodes[made] = Node("kernel", self.read(node), node.function)
            self.edges += [(before, made, 0) for before in args[2][: args[3].value]]
        elif name == "cuGraphAddDependencies_v2":
            assert args[4].value == 1, "drivers mix up the data of several edges"
            data = args[3]._obj
            assert (data.from_port, data.to_port, data.type, bytes(data.reserved)) == (1, 0, 1, bytes(5))
            self.edges.append((args[1]._obj.value, args[2]._obj.value, data.type))
        elif name in ("cuStreamCreate", "cuStreamBeginCapture_v2"):
            stream = self.new(args[0]) if name == "cuStreamCreate" else args[0].value
            self.captured[stream] = None if name == "cuStreamCreate" else []
        elif name == "cuStreamEndCapture":
            self.children[self.new(args[1])] = self.captured.pop(args[0].value)
        elif name == "cuGraphAddChildGraphNode":
            made = self.new(args[0])
            self.nodes[made] = Node("child", work=self.children[args[4].value])
            self.edges += [(before, made, 0) for before in args[2][: args[3].value]]
        elif name == "cuGraphExecChildGraphNodeSetParams":
            self.nodes[args[1].value].work = self.children[args[2].value]
        elif name == "cuGraphExecKernelNodeSetParams_v2":
            self.updates.append((args[1].value, self.read(args[2]._obj)))
        elif name == "cuGraphLaunch":
            for node in self.nodes.values():
                for work in node.work:
                    work()
        elif name == "cuLaunchKernel":
            self.launched.append(int.from_bytes(ctypes.string_at(args[9][0], 8), "little"))
        return 0

    @staticmethod
    def read(node):
        return int.from_bytes(ctypes.string_at(node.params[0], 8), "little")


class FakeArray:
    def __init__(self, at, n=8, dtype="float32"):
        self.dtype = np.dtype(dtype)
        self.at, self.shape, self.nbytes, self.size = at, (n,), self.dtype.itemsize * n, n
        self.flags = types.SimpleNamespace(c_contiguous=True)
        self.data = types.SimpleNamespace(ptr=at)
        self.device = types.SimpleNamespace(id=0)


class FakeDevice:
    def __init__(self, index):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def use(self):
        pass


def fake_cupy(version="14.2.0", runtime=12090):
    run = types.SimpleNamespace(runtimeGetVersion=lambda: runtime, getDevice=lambda: 0, free=lambda p: None)
    stream = types.SimpleNamespace(ptr=0, synchronize=lambda: None)
    cuda = types.SimpleNamespace(runtime=run, Device=FakeDevice, get_current_stream=lambda: stream)
    return types.SimpleNamespace(__version__=version, cuda=cuda)


class FakeCompiler:
    version = (12, 8)

    def __init__(self):
        self.compiled = []

    def target(self, capability):
        return f"sm_{capability[0]}{capability[1]}"

    def compile(self, source, defines, text, options, arch):
        self.compiled.append(source)
        return nvrtc.Compiled(b"image of " + source.encode(), "log", "ptx")


def fake_driver(**answers):
    """A CupyDriver on stand-ins; `lib` is its FakeLib. FakeCompiler must stand in for NVRTC (fixture `compiler`)."""
    lib = FakeLib(**answers)
    made = cupy_driver.CupyDriver(lambda: lib)
    made.cupy = fake_cupy()
    made.lib = lib
    return made
