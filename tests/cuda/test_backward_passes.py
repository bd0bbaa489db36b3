"""Masks and column sums as parts of products in recorded steps on the shim: which calls are left, and that eager bits come out."""

import numpy as np
import pytest
from test_gemm_tiles import put
from test_relu_grad_epilogue import mask_of, same_bits

from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder
from kerasgpu.kernels import conv, gemm, movement, reduce
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels.gemm import RELU_GRAD
from kerasgpu.kernels.window import Window

LINE = Window((12,), (12,), (3,), (1,), (1,), (1,))


def array(*shape, seed=0):
    return put(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def replayed(step):
    recorder = Recorder()
    with recorder:
        outs = step()
    program = Program(recorder, outputs=list(outs))
    program.run()
    found = [program.output(k).get() for k in range(len(outs))]
    for a, b in zip(found, step()):
        same_bits(a, b.get())
    return [c.kernel for c in program.calls]


def test_a_dense_layer(gpu):
    x, dz, w, y = (
        array(20, 16),
        array(20, 8, seed=1),
        array(16, 8, seed=2),
        put(mask_of(np.random.default_rng(0), (20, 16), "float32")),
    )

    def step():
        bias = reduce.sum(dz, axis=0)
        weights = gemm.gemm(x, dz, transpose_a=True)
        return [bias, weights, ew.relu_grad(gemm.gemm(dz, w, transpose_b=True), y)]

    assert replayed(step) == ["gemm", "gemm"]


@pytest.mark.parametrize("first", [False, True])
def test_a_convolution(gpu, first):
    x, dz, w, y = array(2, 12, 4), array(2, 12, 8, seed=1), array(3, 4, 8, seed=2), array(2, 12, 4, seed=3)

    def step():
        before = reduce.sum(dz, axis=(0, 1)) if first else None
        weights = conv.conv_filter_grad(x, dz, LINE)
        bias = before if first else reduce.sum(dz, axis=(0, 1))
        return [bias, weights, ew.relu_grad(conv.conv_input_grad(dz, w, LINE), y)]

    assert replayed(step) == ["conv_filter_grad", "conv_input_grad"]


def test_sums_that_must_stay(gpu):
    x, dz, w = array(20, 16), array(20, 8, seed=1), array(16, 8, seed=6)

    def other_axis():
        return [gemm.gemm(x, dz, transpose_a=True), reduce.sum(dz, axis=1)]

    def largest():
        return [gemm.gemm(x, dz, transpose_a=True), reduce.max(dz, axis=0)]

    def left_side():
        return [gemm.gemm(x, dz, transpose_a=True), reduce.sum(x, axis=0)]

    def needed_before():
        bias = reduce.sum(dz, axis=0)
        return [gemm.gemm(ew.add(x, bias[:1].reshape(1, 1)), dz, transpose_a=True), bias]

    def changed_between():
        target = movement.copy(dz)
        bias = reduce.sum(target, axis=0)
        gemm.gemm(x, w, out=target)
        return [bias, gemm.gemm(x, target, transpose_a=True)]

    for step in (other_axis, largest, left_side, changed_between):
        assert "reduce" in replayed(step), step.__name__


def test_random_graphs(gpu):
    rng = np.random.default_rng(3)
    names = ["gemm", "left", "right", "masked", "masked", "relu_grad", "sum", "sum", "add", "relu", "shift"]
    kinds = set()
    for trial in range(12):
        pool = [array(16, 16, seed=trial), put(mask_of(rng, (16, 16), "float32")), array(16, 16, seed=trial + 1)]
        recipe = [(str(rng.choice(names)), *rng.integers(0, 10**6, 2)) for _ in range(14)]

        def step(recipe=recipe, pool=pool):
            values, rows = list(pool), [pool[0][0]]
            for name, i, j in recipe:
                a, b = values[-1 - i % min(4, len(values))], values[j % len(values)]
                if name == "sum":
                    rows.append(reduce.sum(a, axis=0))
                elif name == "shift":
                    values.append(ew.add(a, rows[j % len(rows)]))
                elif name in ("gemm", "left", "right"):
                    values.append(gemm.gemm(a, b, alpha=0.25, transpose_a=name == "left", transpose_b=name == "right"))
                elif name == "masked":
                    values.append(ew.relu_grad(gemm.gemm(a, b, alpha=0.25), values[-1]))
                elif name == "relu":
                    values.append(ew.relu(a))
                else:
                    values.append(getattr(ew, name)(a, b))
            return [*values[-3:], *rows[-2:]]

        recorder = Recorder()
        with recorder:
            outs = step()
        program = Program(recorder, outputs=list(outs))
        for _ in range(2):
            program.run()
        for k, want in enumerate(step()):
            same_bits(program.output(k).get(), want.get())
        kinds |= {"mask" for c in program.calls if c.kernel == "gemm" and c.spec.activation == RELU_GRAD}
        kinds |= {"sums" for c in program.calls if c.kernel == "gemm" and len(c.outputs) == 2}
    assert kinds == {"mask", "sums"}
