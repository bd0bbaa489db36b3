"""The cases: a kernel, the same in NumPy, and what it must compute and move at least."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerasgpu import kernels


@dataclass
class Case:
    kernel: str
    shape: str
    ours: Callable
    numpy: Callable | None
    flops: float  # floating-point operations
    bytes: float  # read once and written once
    peer: dict | None = None  # the same for PyTorch; see peer.py


def _data(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def gemm_cases():
    shapes = [(n, n, n) for n in (32, 64, 128, 256, 512, 1024, 2048)]
    shapes += [
        (32, 128, 784),
        (32, 10, 128),
        (128, 512, 784),
        (128, 512, 512),
        (784, 128, 32),
        (1, 1024, 1024),
        (4096, 64, 64),
        (64, 4096, 64),
    ]
    for m, n, k in shapes:
        for ta, tb in ((False, False), (True, False), (False, True)):
            if (ta or tb) and m == n == k and n not in (128, 512, 2048):
                continue
            a = _data(*((k, m) if ta else (m, k)))
            b = _data(*((n, k) if tb else (k, n)), seed=1)
            name = f"{m}x{n}x{k} " + ("T" if ta else "N") + ("T" if tb else "N")
            yield Case(
                "gemm",
                name,
                lambda a=a, b=b, ta=ta, tb=tb: kernels.gemm.gemm(a, b, transpose_a=ta, transpose_b=tb),
                lambda a=a, b=b, ta=ta, tb=tb: (a.T if ta else a) @ (b.T if tb else b),
                2.0 * m * n * k,
                4.0 * (m * k + k * n + m * n),
            )


def elementwise_cases():
    from kerasgpu.kernels.elementwise_chain import Chain

    e = kernels.elementwise
    for n in (1 << 12, 1 << 15, 1 << 18, 1 << 24):
        x, y = _data(n), _data(n, seed=1)
        for name, numpy in (("add", np.add), ("mul", np.multiply), ("max", np.maximum)):
            yield Case(
                name, str(n), lambda f=name, x=x, y=y: e.elementwise(f, x, y), lambda f=numpy, x=x, y=y: f(x, y), n, 12.0 * n
            )
        for name, numpy in (
            ("exp", np.exp),
            ("tanh", np.tanh),
            ("relu", lambda v: np.maximum(v, 0)),
            ("sqrt", lambda v: np.sqrt(np.abs(v))),
        ):
            z = np.abs(x) if name == "sqrt" else x
            yield Case(name, str(n), lambda f=name, z=z: e.elementwise(f, z), lambda f=numpy, z=z: f(z), n, 8.0 * n)
    for rows, cols in ((1024, 1024), (4096, 128)):
        x, b = _data(rows, cols), _data(cols, seed=1)
        yield Case(
            "add", f"{rows}x{cols} + row", lambda x=x, b=b: e.add(x, b), lambda x=x, b=b: x + b, rows * cols, 8.0 * rows * cols
        )
    chain = Chain(2)
    result = chain.op("relu", chain.op("mul", chain.op("add", chain.input(0), chain.input(1)), chain.const(0.5)))
    for n in (1 << 15, 1 << 18, 1 << 24):  # in the second-level cache, the last-level cache, memory
        x, y = _data(n), _data(n, seed=1)
        yield Case(
            "chain",
            f"relu((x + y) / 2) {n}",
            lambda x=x, y=y: e.run_chain(chain, [result], x, y),
            lambda x=x, y=y: np.maximum((x + y) * 0.5, 0),
            3.0 * n,
            12.0 * n,
        )
        half = e.cast(x, "bfloat16")
        yield Case("cast", f"{n} to bfloat16", lambda x=x: e.cast(x, "bfloat16"), None, n, 6.0 * n)
        yield Case("cast", f"{n} from bfloat16", lambda h=half: e.cast(h, "float32"), None, n, 6.0 * n)
    image = (np.random.default_rng(0).random((512, 784)) * 255).astype("uint8")
    yield Case(
        "cast",
        "512x784 uint8 to float32",
        lambda: e.cast(image, "float32"),
        lambda: image.astype("float32"),
        image.size,
        5.0 * image.size,
    )


def reduce_cases():
    r = kernels.reduce
    for shape in ((4096, 4096), (128, 512), (1 << 16, 16)):
        x = _data(*shape)
        n = x.size
        for axis in (0, 1):
            yield Case(
                "sum",
                f"{shape[0]}x{shape[1]} axis {axis}",
                lambda x=x, a=axis: r.sum(x, axis=a),
                lambda x=x, a=axis: x.sum(a),
                n,
                4.0 * n,
            )
        yield Case(
            "argmax", f"{shape[0]}x{shape[1]} axis 1", lambda x=x: r.argmax(x, axis=1), lambda x=x: x.argmax(1), n, 4.0 * n
        )


def softmax_cases():
    def reference(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    for shape in ((32, 10), (100000, 10), (128, 1000), (16384, 256), (4096, 4096)):
        x = _data(*shape)
        yield Case(
            "softmax",
            "x".join(map(str, shape)),
            lambda x=x: kernels.softmax.softmax(x),
            lambda x=x: reference(x),
            5.0 * x.size,
            8.0 * x.size,
        )
        y, g = kernels.softmax.softmax(x), _data(*shape, seed=1)
        yield Case(
            "softmax_grad",
            "x".join(map(str, shape)),
            lambda y=y, g=g: kernels.softmax.softmax_grad(y, g),
            lambda y=y, g=g: y * (g - (g * y).sum(-1, keepdims=True)),
            4.0 * x.size,
            12.0 * x.size,
        )
    logits, labels = _data(128, 1000), np.random.default_rng(0).integers(0, 1000, 128).astype("int32")
    yield Case(
        "sparse_softmax_cross_entropy",
        "128x1000",
        lambda: kernels.cross_entropy.sparse_softmax_cross_entropy(logits, labels),
        lambda: -np.log(reference(logits))[np.arange(128), labels],
        5.0 * logits.size,
        8.0 * logits.size,
    )


def movement_cases():
    m, i = kernels.movement, kernels.indexing
    for shape in ((1024, 1024), (4096, 64)):
        x = _data(*shape)
        yield Case(
            "transpose", "x".join(map(str, shape)), lambda x=x: m.transpose(x, (1, 0)), lambda x=x: x.T.copy(), 0, 8.0 * x.size
        )
    x = _data(64, 28, 28, 32)
    yield Case(
        "transpose",
        "64x28x28x32 to NCHW",
        lambda: m.transpose(x, (0, 3, 1, 2)),
        lambda: np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
        0,
        8.0 * x.size,
    )
    parts = [_data(512, 256, seed=k) for k in range(4)]
    yield Case(
        "concatenate",
        "4 of 512x256, axis 1",
        lambda: m.concatenate(parts, 1),
        lambda: np.concatenate(parts, 1),
        0,
        8.0 * 4 * 512 * 256,
    )
    table, ids = _data(10000, 128), np.random.default_rng(0).integers(0, 10000, 4096).astype("int32")
    yield Case("take", "4096 rows of 10000x128", lambda: i.take(table, ids, 0), lambda: table[ids], 0, 8.0 * 4096 * 128)


def all_cases():
    """Every case, family by family; random and optimizer kernels come with theirs."""
    from benchmarks.conv_cases import conv_cases
    from benchmarks.norm_cases import norm_cases
    from benchmarks.state_cases import optimizer_cases, random_cases
    from benchmarks.window_cases import depthwise_cases, pooling_cases

    for family in (
        gemm_cases,
        conv_cases,
        depthwise_cases,
        pooling_cases,
        elementwise_cases,
        reduce_cases,
        softmax_cases,
        norm_cases,
        movement_cases,
        random_cases,
        optimizer_cases,
    ):
        yield from family()
