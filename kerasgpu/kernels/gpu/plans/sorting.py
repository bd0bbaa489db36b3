"""Planners of sort, argsort, top_k, in_top_k, searchsorted, and the sorting network that other families use (csrc/cuda/sort.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.movement import fill_launch
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Plan, ceil_div, grid_for, planner

TILE = 2048
MOST = 1 << 31  # elements of a row: their numbers are 32 bits


def key_type(item: int) -> str:
    return "uint64_t" if item == 8 else "uint32_t"


class Pairs:
    """Rows of (key, number) pairs in scratch memory: keys first, then numbers."""

    def __init__(self, rows: int, n: int, key: str):
        self.rows, self.n, self.key = rows, n, key
        self.length = 2
        while self.length < n:
            self.length *= 2
        self.count = ceil_div(rows * self.length, TILE) * TILE
        self.numbers_at = self.count * (8 if key == "uint64_t" else 4)
        self.bytes = self.numbers_at + 4 * self.count

    def params(self) -> dict:
        return {"keys": Scratch(), "numbers": Scratch(self.numbers_at)}

    def sort(self) -> list[Launch]:
        """The launches that put every row in order."""

        def step(entry, k, j):
            params = {**self.params(), "length": self.length, "k": k, "j": j}
            return Launch("sort.cu", entry, {"K": self.key, "PART": 0}, self.count // TILE, 256, params)

        launches = [step("sort_tiles", 0, 0)]
        k = 2 * TILE
        while k <= self.length:
            j = k // 2
            while j >= TILE:
                launches.append(step("merge_far", k, j))
                j //= 2
            launches.append(step("merge_tiles", k, 0))
            k *= 2
        return launches


def _read(call: Call, n_out: int):
    call.expect(1, n_out)
    rows, n = call.spec.rows, call.spec.n
    if n >= MOST:
        call.fail("axis to sort", n, MOST - 1)
    call.input(0, call.product(rows, n))
    return rows, n


def written(pairs: Pairs, rows: int, n: int, take: int) -> dict:
    """Parameters of write_sorted that write nothing yet."""
    return {
        "numbers": Scratch(pairs.numbers_at), "x": None, "values": None, "indices": None, "rows": rows, "n": n, "take": take,
        "length": pairs.length,
    }  # fmt: skip


def _ordered(call: Call, rows: int, n: int, take: int, descending: bool, values: int | None, indices: int | None) -> Plan:
    """Sorts input 0 and writes the first `take` of every row to the outputs of these numbers."""
    x = call.inp[0]
    if rows * take == 0:
        return Plan()
    pairs = Pairs(rows, n, key_type(x.item))
    params = {
        "x": Input(0), **pairs.params(), "pairs": pairs.count, "length": pairs.length, "rows": rows, "n": n,
        "descending": descending,
    }  # fmt: skip
    defines = {"K": pairs.key, "T": x.type, "PART": 1}
    launches = [Launch("sort.cu", "make_keys", defines, grid_for(pairs.count), 256, params), *pairs.sort()]
    params = written(pairs, rows, n, take)
    if values is not None:
        params |= {"x": Input(0), "values": Output(values)}
    if indices is not None:
        params["indices"] = Output(indices)
    index = "int32_t" if indices is None else call.out[indices].type
    defines = {"K": "uint32_t", "W": x.word, "I": index, "PART": 2}
    launches.append(Launch("sort.cu", "write_sorted", defines, grid_for(rows * take), 256, params))
    return Plan(launches, pairs.bytes)


@planner("sort")
def _sort(call: Call) -> Plan:
    rows, n = _read(call, 1)
    call.output(0, rows * n, call.inp[0].dtype)
    return _ordered(call, rows, n, n, call.spec.descending, 0, None)


@planner("argsort")
def _argsort(call: Call) -> Plan:
    rows, n = _read(call, 1)
    call.output(0, rows * n, "int32", "int64")
    return _ordered(call, rows, n, n, call.spec.descending, None, 0)


@planner("top_k")
def _top_k(call: Call) -> Plan:
    rows, n = _read(call, 2)
    k = call.choice("k", 0, n)
    call.output(0, call.product(rows, k), call.inp[0].dtype)
    call.output(1, rows * k, "int32")
    return _ordered(call, rows, n, k, True, 0, 1)


@planner("in_top_k")
def _in_top_k(call: Call) -> Plan:
    call.expect(2, 1)
    rows, classes, k = call.spec
    targets = call.input(0, rows, "int32", "int64")
    x = call.input(1, call.product(rows, classes), *FLOATS)
    call.output(0, rows, "bool")
    if rows == 0:
        return Plan()
    if classes == 0:
        return Plan([fill_launch(call.out[0], 0, rows, 0)])
    params = {"targets": Input(0), "predictions": Input(1), "y": Output(0), "rows": rows, "classes": classes, "k": k}
    defines = {"K": "uint32_t", "T": x.type, "I": targets.type, "PART": 4}
    return Plan([Launch("sort.cu", "in_top_k", defines, ceil_div(rows, 8), 256, params)])


@planner("searchsorted")
def _searchsorted(call: Call) -> Plan:
    call.expect(2, 1)
    n, m, right = call.spec
    x = call.input(0, n)
    call.input(1, m, x.dtype)
    y = call.output(0, m, "int32", "int64")
    if m == 0:
        return Plan()
    params = {"sorted": Input(0), "values": Input(1), "positions": Output(0), "n": n, "m": m, "right": right}
    defines = {"K": key_type(x.item), "T": x.type, "I": y.type, "PART": 3}
    return Plan([Launch("sort.cu", "searchsorted", defines, grid_for(m), 256, params)])
