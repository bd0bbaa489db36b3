"""A stand-in for cuBLASLt that computes what its descriptors say, column by column, on host memory."""

import ctypes
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

DTYPES = {0: np.float32, 1: np.float64, 2: np.float16, 14: ml_dtypes.bfloat16}
COMPUTES = {68: "float32", 77: "tf32", 70: "float64"}


@dataclass
class Thing:
    """A descriptor, layout or preference: what it was made with, and its attributes."""

    what: str
    made_with: tuple
    attributes: dict = field(default_factory=dict)


def at(address, dtype, count, offset=0):
    dtype = np.dtype(dtype)
    raw = (ctypes.c_char * (count * dtype.itemsize)).from_address(address + offset * dtype.itemsize)
    return np.frombuffer(raw, dtype)


class FakeBlasLt:
    """`unsupported`: a function of the descriptor's attributes that says no. `workspace`: what every algorithm wants."""

    def __init__(self, cuda, version=120805, workspace=4096, unsupported=lambda desc: False):
        self.cuda = cuda
        self.things = {}
        self.calls = []
        self.number = 0x7000
        self.workspace, self.unsupported = workspace, unsupported
        self.computed = []  # compute type of every product
        self.alignments = []

        def get_version():
            return version

        self.cublasLtGetVersion = get_version

    def __getattr__(self, name):
        if not name.startswith("cublasLt"):
            raise AttributeError(name)
        what = name[len("cublasLt") :]

        def call(*args):
            self.calls.append(name)
            if name == "cublasLtCreate":
                args[0]._obj.value = 1
                return 0
            if what.endswith("Create"):
                self.number += 1
                args[0]._obj.value = self.number
                self.things[self.number] = Thing(what[:-6], tuple(getattr(a, "value", a) for a in args[1:]))
                return 0
            if what.endswith("SetAttribute"):
                value = args[2]._obj
                assert args[3].value == ctypes.sizeof(value)
                self.things[args[0].value].attributes[args[1]] = value.value
                return 0
            if what.endswith("Destroy"):
                del self.things[args[0].value]
                return 0
            return {"MatmulAlgoGetHeuristic": self.heuristic, "Matmul": self.matmul}[what](*args)

        return call

    def heuristic(self, handle, desc, a, b, c, d, preference, wanted, result, count):
        assert handle.value == 1 and wanted == 1 and c is d
        described, limits = self.things[desc.value], self.things[preference.value].attributes
        self.alignments.append([limits[k] for k in (5, 6, 7, 8)])
        if self.unsupported(described):
            return 15
        if limits[1] < self.workspace:
            return 0  # count stays 0
        result._obj.algorithm[0] = 0xA160
        result._obj.workspace = self.workspace
        count._obj.value = 1
        return 0

    def matrix(self, layout, address, entry):
        dtype, rows, columns, ld = layout.made_with
        assert ld == rows and address % 16 == 0
        offset = entry * layout.attributes.get(6, 0)
        return at(address, DTYPES[dtype], rows * columns, offset).reshape(columns, rows).T

    def matmul(self, handle, desc, alpha, a, la, b, lb, beta, c, lc, d, ld, algorithm, workspace, size, stream):
        assert algorithm._obj[0] == 0xA160 and size.value == self.workspace
        assert not self.workspace or (workspace.value % 16 == 0 and workspace.value)
        described = self.things[desc.value]
        compute, scale = described.made_with
        attributes = dict(described.attributes)
        first, second, result = (self.things[x.value] for x in (la, lb, ld))
        assert c.value == d.value and lc is ld
        pointers = a.value, b.value, d.value
        factors = alpha._obj.value, beta._obj.value
        assert type(alpha._obj) is (ctypes.c_double if scale == 1 else ctypes.c_float)
        batch = result.attributes.get(5, 1)
        assert first.attributes.get(5, 1) == second.attributes.get(5, 1) == batch

        def work():
            self.computed.append(COMPUTES[compute])
            wide = np.float64 if compute == 70 else np.float32
            for entry in range(batch):
                x, y, to = (self.matrix(m, p, entry) for m, p in zip((first, second, result), pointers))
                x = x.T if attributes[3] == 1 else x
                y = y.T if attributes[4] == 1 else y
                value = factors[0] * (x.astype(wide) @ y.astype(wide))
                if factors[1]:
                    value = value + factors[1] * to.astype(wide)
                epilogue = attributes[7]
                if epilogue & 4:
                    value = value + at(attributes[8], to.dtype, to.shape[0]).astype(wide)[:, None]
                if epilogue & 2:
                    value = np.maximum(value, 0)
                to[...] = value.astype(to.dtype)

        self.cuda.put_on_stream(stream.value or 0, work)
        return 0
