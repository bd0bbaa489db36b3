"""A stand-in for cuDNN that computes what its descriptors say, on host memory. Its engines differ in notes and workspace."""

import ctypes
import itertools

import numpy as np
from fake_blaslt import DTYPES as BLAS_DTYPES
from fake_blaslt import at
from numpy.lib.stride_tricks import as_strided

DTYPES = {0: BLAS_DTYPES[0], 1: BLAS_DTYPES[1], 2: BLAS_DTYPES[2], 9: BLAS_DTYPES[14]}
SIZES = {0: 8, 1: 4, 2: 1, 3: 8, 4: 4, 5: 8, 6: 8, 7: 4, 8: 4, 11: 4, 15: 8}
CONVOLUTION, ENGINE, CONFIG, HEURISTICS, PLAN, GRAPH, PACK, TENSOR = 1, 2, 3, 4, 5, 15, 16, 17


class Desc:
    def __init__(self, kind):
        self.kind, self.values, self.finished = kind, {}, False


def reference(x, w, stride, dilation, before, count, groups):
    """y of (batch, channels, pixels...) and (filters, channels / groups, taps...), and views to go back."""
    batch, filters = x.shape[0], w.shape[0]
    y = np.zeros((batch, filters, *count))
    for place, tap in pairs(x.shape[2:], w.shape[2:], stride, dilation, before, count):
        pixel, source = place
        for g in range(groups):
            f, c = slice(g * filters // groups, (g + 1) * filters // groups), slice(g * w.shape[1], (g + 1) * w.shape[1])
            y[(slice(None), f, *pixel)] += x[(slice(None), c, *source)] @ w[(f, slice(None), *tap)].T
    return y


def pairs(size, kernel, stride, dilation, before, count):
    """((pixel of y, pixel of x), tap) for all that lie inside."""
    for pixel in itertools.product(*map(range, count)):
        for tap in itertools.product(*map(range, kernel)):
            source = tuple(p * s + t * d - b for p, s, t, d, b in zip(pixel, stride, tap, dilation, before))
            if all(0 <= q < n for q, n in zip(source, size)):
                yield (pixel, source), tap


class FakeCudnn:
    """`engines`: (notes, workspace) in the order of the heuristics."""

    def __init__(self, cuda, version=90501, engines=(((), 512),)):
        self.cuda, self.engines = cuda, engines
        self.descs, self.number, self.stream = {}, 0x9000, 0
        self.used, self.calls = [], []

        def get_version():
            return version

        self.cudnnGetVersion = get_version

    def __getattr__(self, name):
        if not name.startswith("cudnn"):
            raise AttributeError(name)

        def call(*args):
            self.calls.append(name)
            return getattr(self, "do_" + name[5:])(*args) or 0

        return call

    def do_Create(self, handle):
        handle._obj.value = 7

    def do_SetStream(self, handle, stream):
        assert handle.value == 7
        self.stream = stream.value or 0

    def do_BackendCreateDescriptor(self, kind, made):
        self.number += 1
        self.descs[self.number] = Desc(kind)
        made._obj.value = self.number

    def do_BackendDestroyDescriptor(self, desc):
        del self.descs[desc.value]

    def do_BackendSetAttribute(self, desc, attribute, kind, count, array):
        one = self.descs[desc.value]
        assert not one.finished and ctypes.sizeof(array) == SIZES[kind] * count.value
        one.values[attribute] = list(array)

    def do_BackendFinalize(self, desc):
        one = self.descs[desc.value]
        one.finished = True
        if one.kind == GRAPH:
            assert one.values[800] == [7]
            (operation,) = one.values[801]
            assert self.descs[operation].finished
        if one.kind == PLAN:
            one.engine = self.descs[one.values[401][0]].engine

    def do_BackendGetAttribute(self, desc, attribute, kind, most, count, array):
        one = self.descs[desc.value]
        if attribute == 202:
            count._obj.value = len(self.engines) if one.values[200] == [3] else 0
            for k, made in enumerate(array or ()):
                self.descs[made].engine, self.descs[made].finished = k, True
                self.descs[made].graph = one.values[201][0]
        elif attribute == 300:
            count._obj.value = 1
            self.descs[array[0]].engine = one.engine
        elif attribute == 1303:
            notes = self.engines[one.engine][0]
            count._obj.value = len(notes)
            array[: len(notes)] = notes
        else:
            assert attribute == 402 and one.finished
            count._obj.value, array[0] = 1, self.engines[one.engine][1]

    def tensor(self, number, address):
        values = self.descs[number].values
        dims, strides = values[902], values[903]
        dtype = np.dtype(DTYPES[values[901][0]])
        extent = 1 + sum((n - 1) * s for n, s in zip(dims, strides))
        assert extent == np.prod(dims) and address % values[900][0] == 0
        return as_strided(at(address, dtype, extent), dims, [s * dtype.itemsize for s in strides])

    def do_BackendExecute(self, handle, plan, pack):
        plan, pack = self.descs[plan.value], self.descs[pack.value]
        graph = self.descs[self.descs[plan.values[401][0]].graph]
        operation = self.descs[graph.values[801][0]]
        base = {10: 700, 12: 706, 11: 712}[operation.kind]
        values = operation.values
        numbers = [values[base + k][0] for k in (4, 3, 5)]  # x, w, y
        addresses = dict(zip(pack.values[1000], pack.values[1001]))
        if self.engines[plan.engine][1]:
            assert pack.values[1003][0] % 256 == 0 and pack.values[1003][0]
        arrays = [self.tensor(n, addresses[self.descs[n].values[906][0]]) for n in numbers]
        convolution = self.descs[values[base + 2][0]].values
        stride, dilation, before, after = (convolution[k] for k in (103, 102, 105, 104))
        assert convolution[101] == [1] and convolution[106] == [len(stride)] and all(a >= 0 for a in after)
        assert values[base] == [1.0] and values[base + 1] == [0.0]

        def work():
            self.used.append(plan.engine)
            x, w, y = arrays
            groups = x.shape[1] // w.shape[1]
            reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation)]
            count = [(n + b + a - r) // s + 1 for n, b, a, r, s in zip(x.shape[2:], before, after, reach, stride)]
            assert tuple(count) == y.shape[2:]
            f64 = [v.astype("float64") for v in arrays]
            if operation.kind == 10:
                y[...] = reference(f64[0], f64[1], stride, dilation, before, count, groups)
                return
            result = np.zeros((x if operation.kind == 12 else w).shape)
            for (pixel, source), tap in pairs(x.shape[2:], w.shape[2:], stride, dilation, before, count):
                for g in range(groups):
                    n = w.shape[0] // groups
                    f, c = slice(g * n, (g + 1) * n), slice(g * w.shape[1], (g + 1) * w.shape[1])
                    here, there = (slice(None), f, *pixel), (slice(None), c, *source)
                    if operation.kind == 12:
                        result[there] += f64[2][here] @ f64[1][(f, slice(None), *tap)]
                    else:
                        result[(f, slice(None), *tap)] += f64[2][here].T @ f64[0][there]
            (x if operation.kind == 12 else w)[...] = result

        self.cuda.put_on_stream(self.stream, work)
