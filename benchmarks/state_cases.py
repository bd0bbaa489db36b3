"""Cases of the kernels that work on lasting memory: random numbers and optimizers."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case
from kerasgpu import kernels


def random_cases():
    r = kernels.random
    state = np.array([1, 0], "uint32")
    generator = np.random.default_rng(0)
    n = 128 * 512
    yield Case(
        "uniform", "128x512", lambda: r.uniform(state, (128, 512)), lambda: generator.random((128, 512), "float32"), n, 4.0 * n
    )
    yield Case(
        "normal",
        "128x512",
        lambda: r.normal(state, (128, 512)),
        lambda: generator.standard_normal((128, 512), "float32"),
        n,
        4.0 * n,
    )
    x = generator.standard_normal((128, 512), "float32")
    yield Case(
        "dropout",
        "128x512",
        lambda: r.dropout(x, state, 0.2),
        lambda: np.where(generator.random((128, 512), "float32") >= 0.2, x / 0.8, 0),
        n,
        8.0 * n,
    )
    yield Case(
        "permutation", "60000", lambda: r.permutation(state, 60000), lambda: generator.permutation(60000), 0, 8.0 * 60000
    )


def optimizer_cases():
    o = kernels.optimizer
    shapes = [(784, 128), (128,), (128, 10), (10,)]
    size = sum(int(np.prod(s)) for s in shapes)
    make = lambda seed: [np.random.default_rng(seed).standard_normal(s, "float32") * 0.01 for s in shapes]
    g, x, m, v = make(0), make(1), make(2), [np.abs(a) for a in make(3)]
    lr, step = np.array(1e-3, "float32"), np.array(7, "int32")

    def numpy_adam():
        for gi, xi, mi, vi in zip(g, x, m, v):
            mi += (gi - mi) * 0.1
            vi += (gi * gi - vi) * 0.001
            xi -= 1e-3 * mi / (np.sqrt(vi) + 1e-7)

    def numpy_sgd():
        for gi, xi, mi in zip(g, x, m):
            mi *= 0.9
            mi -= 1e-3 * gi
            xi += mi

    yield Case("adam", f"{size} parameters", lambda: o.adam(g, x, m, v, lr, step), numpy_adam, 10.0 * size, 28.0 * size)
    yield Case("sgd", f"{size} parameters, momentum", lambda: o.sgd(g, x, m, lr, step, 0.9), numpy_sgd, 4.0 * size, 20.0 * size)
