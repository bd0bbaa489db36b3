"""Calls every registered kernel with random operands and parameters, most of them senseless. `python -m tests.fuzz.kernels SEED SECONDS`

A kernel either works or raises: it never writes outside its outputs (guard bytes lie around every operand), changes an input, or
crashes. Prints the number of calls. A crash ends the process; the last line of the log names the call.
"""

import sys
import time

import numpy as np

from kerasgpu import _core
from kerasgpu.kernels import spec as specs

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


def corpus() -> list:
    """Calls (kernel, (dtype, count) of inputs and outputs, spec) that models and operations make: changed a little, they
    reach further into a kernel than random ones."""
    import kerasgpu as keras

    found: dict = {}
    launch = _core.launch

    def record(kernel, inputs, outputs, spec):
        shapes = [[(a.dtype.name, a.size) for a in group] for group in (inputs, outputs)]
        if all(size < 5000 and dtype in DTYPES for group in shapes for dtype, size in group):
            found.setdefault((kernel, str(shapes), spec), (kernel, *shapes, spec))
        launch(kernel, inputs, outputs, spec)

    _core.launch = record
    try:
        layers, ops, x = keras.layers, keras.ops, np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
        blocks = [layers.Conv2D(4, 3), layers.DepthwiseConv2D(3), layers.BatchNormalization(), layers.LayerNormalization()]
        pools = [layers.MaxPooling2D(2), layers.AveragePooling2D(2), layers.UpSampling2D(2), layers.Conv2DTranspose(4, 3)]
        for block in (*blocks, *pools):
            with keras.GradientTape() as tape:
                tape.watch(t := keras.ops.convert_to_tensor(x))
                loss = ops.sum(block(t, training=True) ** 2)
            tape.gradient(loss, [t, *block.trainable_variables])
        for name in (
            "sort",
            "argsort",
            "cumsum",
            "cumprod",
            "softmax",
            "log_softmax",
            "transpose",
            "tril",
            "logsumexp",
            "argmax",
        ):
            getattr(ops, name)(x)
        ops.one_hot([1, 2, 9], 4), ops.take(x, [0, 1, 5], axis=1), ops.top_k(x, 2), ops.bincount([1, 2, 2]), ops.pad(x, 1)
        ops.take_along_axis(x, np.zeros((2, 1, 6, 3), "int32"), axis=1), ops.searchsorted([1.0, 2.0], [1.5]), ops.roll(x, 1)
        ops.concatenate([x, x], axis=1), ops.split(x, 2, axis=1), ops.segment_sum(x[0, 0], np.array([0, 1, 1, 0, 2, 5])[:6])
        (
            ops.image.resize(x, (4, 9)),
            keras.random.normal((5,)),
            keras.random.shuffle(x),
            ops.scatter_update(x, [[0, 0, 0, 0]], [1.0]),
        )
    finally:
        _core.launch = launch
    return list(found.values())


def changed(rng, known):
    kernel, ins, outs, spec = known
    resized = lambda group: [(d, max(0, n + int(rng.integers(-3, 4))) if rng.random() < 0.2 else n) for d, n in group]
    return kernel, resized(ins), resized(outs), altered(rng, spec, 2 / max(1, count_of(spec)))


def count_of(spec) -> int:
    return sum(count_of(x) if isinstance(x, tuple) else 1 for x in spec)


def altered(rng, spec, share):
    """The same parameters, of which about this share is changed, and now and then a list is shorter or longer."""
    found: list = []
    for x in spec:
        if isinstance(x, tuple):
            x = altered(rng, x, share)
            x = x[:-1] if rng.random() < 0.05 * share else (*x, *x[:1]) if rng.random() < 0.05 * share else x
        elif isinstance(x, int) and rng.random() < share:
            x = integer(rng) if rng.random() < 0.6 else min(max(x + int(rng.integers(-2, 3)), -(2**63)), 2**63 - 1)
        found.append(x)
    return tuple(found)


def invented(rng, names):
    kernel = int(rng.integers(len(names)))
    dtype = str(rng.choice(DTYPES if rng.random() < 0.5 else ["float32", "int32", "int64"]))
    pick = lambda: dtype if rng.random() < 0.7 else str(rng.choice(DTYPES))
    ins = [operand(rng, pick(), int(rng.integers(0, 200))) for _ in range(rng.integers(0, 6))]
    outs = [operand(rng, pick(), int(rng.integers(0, 200))) for _ in range(rng.integers(1, 4))]
    n = int(rng.integers(0, 24))
    make = {
        "i": lambda: integer(rng), "f": lambda: float(rng.normal()), "I": lambda: tuple(integer(rng) for _ in range(n)),
        "F": lambda: tuple(float(x) for x in rng.normal(size=n)),
    }  # fmt: skip
    kinds = specs.kinds(names[kernel])[: None if rng.random() < 0.95 else -1]
    return kernel, ins, outs, tuple(make[kind]() for kind in kinds)


def call(rng, names, log, known):
    if known and rng.random() < 0.8:
        kernel, ins, outs, spec = changed(rng, known[rng.integers(len(known))])
        ins, outs = ([operand(rng, d, n) for d, n in group] for group in (ins, outs))
    else:
        kernel, ins, outs, spec = invented(rng, names)
    log.seek(0)
    described = [[(a.dtype.name, a.size) for a, _ in group] for group in (ins, outs)]
    log.write(f"{names[kernel]} {described} {spec}\n".ljust(2000))
    before = [a.tobytes() for a, _ in ins]
    worked = False
    try:
        _core.launch(kernel, tuple(a for a, _ in ins), tuple(a for a, _ in outs), spec)
        worked = True
    except (ValueError, TypeError, MemoryError) as error:
        assert str(error)
    for (a, _), was in zip(ins, before):
        assert a.tobytes() == was, f"{names[kernel]} changed an input: {described} {spec}"
    for a, room in (*ins, *outs):
        start = a.__array_interface__["data"][0] - room.ctypes.data if a.size else GUARD
        size = a.nbytes
        if a.size:
            assert (room[:start] == 0xA5).all() and (room[start + size :] == 0xA5).all(), (
                f"{names[kernel]} wrote outside: {described} {spec}"
            )
    return worked


def main(seed, seconds, log_path):
    rng, names = np.random.default_rng(seed), _core.kernel_names()
    known = corpus()
    calls = worked = 0
    end = time.monotonic() + seconds
    with open(log_path, "w", buffering=1) as log, np.errstate(all="ignore"):
        while time.monotonic() < end:
            for _ in range(100):
                worked += call(rng, names, log, known)
            calls += 100
    print(f"{calls} calls, {worked} of them worked")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
