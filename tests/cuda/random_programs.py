"""Random programs over overlapping places of one slab: what happens to them shows every order that is wrong."""

import random

import numpy as np

from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.spec import read as spec_of

SIDE = 24
CALLS = 14


def add_calls(rng, program, arrays, long):
    """Random calls on (SIDE, SIDE) float arrays of which some overlap, and sums of a long one, which need scratch memory."""
    numbers = [program.add_buffer(b) for b in arrays]
    source, total = (program.add_buffer(b) for b in long)
    begins = [cuda.address(b) for b in arrays]
    apart = lambda a, b: begins[a] + arrays[a].nbytes <= begins[b] or begins[b] + arrays[b].nbytes <= begins[a]
    for _ in range(CALLS):
        a, b, c = (rng.randrange(len(arrays)) for _ in range(3))
        kind = rng.randrange(5)
        disjoint = apart(a, c) and apart(b, c)
        if kind == 0 and disjoint:
            ints = (1, SIDE, SIDE, SIDE, rng.randrange(2), rng.randrange(2), 0, 0, 0, 0, 0)
            program.add_call("gemm", [numbers[a], numbers[b]], [numbers[c]], spec_of("gemm", ints, (1 / 32,)))
        elif kind == 1 and disjoint:
            program.add_call("transpose", [numbers[a]], [numbers[c]], spec_of("transpose", (2, SIDE, SIDE, 1, 0)))
        elif kind == 2 and disjoint:
            program.add_call("copy", [numbers[a]], [numbers[c]])
        elif kind == 3:
            program.add_call("reduce", [source], [total], spec_of("reduce", (0, 1, long[0].size, 1)))
        else:
            program.add_call("softmax", [numbers[c]], [numbers[c]], spec_of("softmax", (SIDE, SIDE, 1)))


def results(seed: int, replays=(1, programs.UNROLL)) -> tuple:
    """What a random program leaves in memory, the same for the same seed; run as the environment says."""
    rng = random.Random(seed)
    first = np.random.default_rng(seed).normal(size=12 * SIDE * SIDE).astype("float32")
    slab = cuda.put(first, ("gpu", 0))
    half = SIDE * SIDE // 2
    begins = [rng.randrange(0, 22) * half for _ in range(7)]
    arrays = [slab[s : s + SIDE * SIDE].reshape(SIDE, SIDE) for s in begins]
    long = cuda.put(np.tile(first, 6), ("gpu", 0)), cuda.put(np.zeros(1, "float32"), ("gpu", 0))
    program = programs.Program(0)
    add_calls(rng, program, arrays, long)
    for n in replays:
        program.run(n)
    return slab.get().view("uint32"), long[1].get().view("uint32")
