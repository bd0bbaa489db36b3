"""Calls every registered kernel with random operands and parameters, most of them senseless. `python -m tests.fuzz.kernels SEED SECONDS`

A kernel either works or raises: it never writes outside its outputs (guard bytes lie around every operand), changes an input, or
crashes. Prints the number of calls. A crash ends the process; the last line of the log names the call.
"""

import sys
import time

import numpy as np

from kerasgpu import _core

GUARD = 64
DTYPES = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64".split()
EXTREME = (-(2**63), -(2**32), -(2**31), -1, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1)


def operand(rng, dtype, count):
    """An array with guard bytes around it, and all of that memory."""
    size = np.dtype(dtype).itemsize * count
    room = np.full(size + 2 * GUARD + 64, 0xA5, np.uint8)
    start = GUARD + -(room.ctypes.data + GUARD) % 64
    array = room[start : start + size].view(dtype)
    if np.dtype(dtype).kind == "f":
        array[:] = rng.normal(size=count)
        if rng.random() < 0.2 and count:
            array[rng.integers(count)] = rng.choice([np.nan, np.inf, -np.inf, 0])
    elif dtype == "bool":
        array[:] = rng.integers(0, 2, count)
    else:
        array[:] = rng.integers(0, rng.choice([2, 5, 100]), count)
        if rng.random() < 0.3 and count and np.dtype(dtype).kind == "i":
            array[rng.integers(count)] = rng.choice([-1, np.iinfo(dtype).min, np.iinfo(dtype).max])
    return array, room


def integer(rng):
    kind = rng.random()
    if kind < 0.03:
        return int(rng.choice(EXTREME))
    return int(rng.integers(0, 3)) if kind < 0.6 else int(rng.integers(-1, 12))


def call(rng, names, log):
    kernel = int(rng.integers(len(names)))
    dtype = str(rng.choice(DTYPES if rng.random() < 0.5 else ["float32", "int32", "int64"]))
    pick = lambda: dtype if rng.random() < 0.7 else str(rng.choice(DTYPES))
    ins = [operand(rng, pick(), int(rng.integers(0, 200))) for _ in range(rng.integers(0, 6))]
    outs = [operand(rng, pick(), int(rng.integers(0, 200))) for _ in range(rng.integers(1, 4))]
    ints = tuple(integer(rng) for _ in range(rng.integers(0, 24)))
    floats = tuple(float(x) for x in rng.normal(size=rng.integers(0, 8)))
    log.seek(0)
    described = [[(a.dtype.name, a.size) for a, _ in group] for group in (ins, outs)]
    log.write(f"{names[kernel]} {described} {ints} {floats}\n".ljust(2000))
    before = [a.tobytes() for a, _ in ins]
    worked = False
    try:
        _core.launch(kernel, tuple(a for a, _ in ins), tuple(a for a, _ in outs), ints, floats)
        worked = True
    except (ValueError, TypeError, MemoryError) as error:
        assert str(error)
    for (a, _), was in zip(ins, before):
        assert a.tobytes() == was, f"{names[kernel]} changed an input: {described} {ints}"
    for a, room in (*ins, *outs):
        start = a.__array_interface__["data"][0] - room.ctypes.data if a.size else GUARD
        size = a.nbytes
        if a.size:
            assert (room[:start] == 0xA5).all() and (room[start + size :] == 0xA5).all(), (
                f"{names[kernel]} wrote outside: {described} {ints}"
            )
    return worked


def main(seed, seconds, log_path):
    rng, names = np.random.default_rng(seed), _core.kernel_names()
    calls = worked = 0
    end = time.monotonic() + seconds
    with open(log_path, "w", buffering=1) as log, np.errstate(all="ignore"):
        while time.monotonic() < end:
            for _ in range(100):
                worked += call(rng, names, log)
            calls += 100
    print(f"{calls} calls, {worked} of them worked")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
