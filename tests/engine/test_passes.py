"""Each pass on programs small enough to reason about, and all of them against eager execution, bit for bit."""

import numpy as np
import pytest

from kerasgpu import kernels
from kerasgpu.engine.passes.chain import collapse, common_dims, expand
from kerasgpu.engine.passes.memory import place_temporaries
from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder
from kerasgpu.kernels import conv, depthwise, gemm, movement
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.window import Window


def array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def record(step):
    recorder = Recorder()
    with recorder:
        out = step()
    return recorder, out


def kernels_of(program):
    return [c.kernel for c in program.calls]


def test_common_dims_is_the_coarsest_common_grouping():
    assert common_dims((4096,), (32, 128)) == (32, 128)
    assert common_dims((6, 4), (2, 12)) == (2, 3, 4)
    assert common_dims((1,), (1, 1)) == (1,)
    assert common_dims((6, 2), (4, 3)) is None


@pytest.mark.parametrize(
    "dims,strides,finer", [((24,), (1,), (2, 3, 4)), ((6, 4), (0, 1), (2, 3, 4)), ((6, 4), (4, 0), (6, 2, 2))]
)
def test_expand_walks_the_same_elements(dims, strides, finer):
    def walk(dims, strides):
        return [int(np.dot(index, strides)) for index in np.ndindex(*dims)]

    (fine,) = expand(dims, [strides], finer)
    assert walk(finer, fine) == walk(dims, strides)
    low, (back,) = collapse(finer, [fine])
    assert walk(low, back) == walk(dims, strides)


def test_bias_and_relu_become_the_gemm_epilogue():
    x, w, b = array(32, 17), array(17, 9, seed=1), array(9, seed=2)

    def step():
        return ew.relu(ew.add(gemm.gemm(x, w), b))

    recorder, eager = record(step)
    program = Program(recorder, outputs=[eager])
    assert kernels_of(program) == ["gemm"]
    program.run()
    np.testing.assert_array_equal(program.output(0), step())


def test_bias_that_is_not_along_the_columns_stays_apart():
    x, w, b = array(9, 17), array(17, 9, seed=1), array(9, 1, seed=2)
    recorder, out = record(lambda: ew.add(gemm.gemm(x, w), b))
    program = Program(recorder, outputs=[out])
    assert kernels_of(program) == ["gemm", "elementwise"]
    program.run()
    np.testing.assert_array_equal(program.output(0), gemm.gemm(x, w) + b)


def test_a_product_that_is_needed_elsewhere_is_kept():
    x, w = array(5, 6), array(6, 7, seed=1)

    def step():
        product = gemm.gemm(x, w)
        return product, ew.relu(product)

    recorder, outs = record(step)
    program = Program(recorder, outputs=list(outs))
    program.run()
    for k, expected in enumerate(step()):
        np.testing.assert_array_equal(program.output(k), expected)


def test_chains_with_broadcasting_fuse_into_one_call():
    x, row, column = array(33, 65), array(65, seed=1), array(33, 1, seed=2)

    def step():
        return ew.mul(ew.exp(ew.sub(x, column)), ew.add(row, 1.5))

    recorder, out = record(step)
    program = Program(recorder, outputs=[out])
    assert kernels_of(program).count("elementwise") == 2  # (row + 1.5) has another shape
    program.run()
    np.testing.assert_array_equal(program.output(0), step())


def test_dead_results_are_dropped_and_writes_to_lasting_memory_are_not():
    x, total = array(8), empty((8,), "float32")
    total[:] = 0

    def step():
        ew.exp(x)  # nobody reads it
        launch("copy", (ew.add(total, x),), (total,))
        return ew.neg(x)

    recorder, out = record(step)
    program = Program(recorder, outputs=[out])
    assert all(c.kernel == "elementwise" for c in program.calls)  # the copy is gone: add writes in place
    before = total.copy()
    program.run(3)
    np.testing.assert_allclose(total, before + 3 * x, rtol=1e-6)


def test_what_is_the_same_in_every_step_is_computed_once():
    x, total = array(3, 4), empty((3, 4), "float32")
    total[:] = 0

    def step():
        one = movement.fill(empty((1, 4), "float32"), 1.5)
        scale = movement.broadcast_to(ew.mul(one, 2.0), (3, 4))  # nothing else is read: kept
        sums = movement.fill(empty((3, 4), "float32"), 0)
        launch("copy", (x,), (sums,))  # written twice: not kept
        launch("copy", (ew.add(total, ew.mul(sums, scale)),), (total,))
        return movement.fill(empty((2,), "float32"), 7)  # a result of the step: not kept

    recorder, out = record(step)
    total[:] = 0
    program = Program(recorder, inputs=[x], outputs=[out])
    kernels = [c.kernel for c in program.calls]
    assert "broadcast_to" not in kernels and kernels.count("fill") <= 2
    program.run(2)
    np.testing.assert_array_equal(total, 6 * x)
    other = array(3, 4) * 5
    program.bind(0, other)
    program.run()
    np.testing.assert_array_equal(total, 6 * x + 3 * other)
    np.testing.assert_array_equal(program.output(0), [7, 7])


def test_in_place_is_refused_where_the_old_value_is_still_wanted():
    x, state = array(4), empty((4,), "float32")
    state[:] = 1

    def step():
        new = ew.add(state, x)
        old = ew.mul(state, 2.0)
        launch("copy", (new,), (state,))
        return old

    recorder, out = record(step)
    program = Program(recorder, outputs=[out])
    state[:] = 1
    program.run(2)
    np.testing.assert_array_equal(program.output(0), (1 + x) * 2)
    np.testing.assert_array_equal(state, (1 + x) + x)


def test_temporaries_share_memory_only_when_apart_in_time():
    x = array(1000)

    def step():
        y = x
        for _ in range(20):
            y = kernels.movement.transpose(y.reshape(10, 100), (1, 0)).reshape(-1)
        return y

    recorder, out = record(step)
    _, block = place_temporaries(recorder.calls, {id(recorder.buffer(out))})
    assert block.nbytes <= 2 * 4096
    program = Program(recorder, outputs=[out])
    program.run()
    np.testing.assert_array_equal(program.output(0), step())


def test_random_graphs_replay_to_the_eager_bits():
    rng = np.random.default_rng(7)
    for trial in range(60):
        pool = [array(6, 8, seed=trial), array(8, seed=trial + 1), array(6, 1, seed=trial + 2), array(6, 8, seed=trial + 3)]
        recipe = [(rng.choice(["add", "mul", "max", "relu", "neg", "where"]), *rng.integers(0, 10**6, 3)) for _ in range(25)]
        lasting = empty((6, 8), "float32")

        def step(recipe=recipe, pool=pool, lasting=lasting):
            values = list(pool) + [lasting]
            for name, i, j, k in recipe:
                a, b, c = values[i % len(values)], values[j % len(values)], values[k % len(values)]
                if name in ("relu", "neg"):
                    values.append(ew.elementwise(name, a))
                elif name == "where":
                    values.append(ew.where(ew.gt(a, 0.0), b, c))
                else:
                    values.append(ew.elementwise(name, a, b))
                if k % 7 == 0 and values[-1].shape == (6, 8):
                    launch("copy", (values[-1],), (lasting,))
            return values[-4:]

        lasting[:] = 0.5
        recorder, outs = record(step)
        program = Program(recorder, outputs=outs)
        lasting[:] = 0.5
        expected = [v.copy() for v in step()]
        end = lasting.copy()
        lasting[:] = 0.5
        program.run()
        for k, e in enumerate(expected):
            np.testing.assert_array_equal(program.output(k), e, err_msg=f"trial {trial}, output {k}")
        np.testing.assert_array_equal(lasting, end)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size,stride", [((6, 7), (1, 1)), ((28, 28), (1, 1)), ((9, 8), (2, 2))])
def test_bias_and_relu_become_the_convolution_epilogue(transposed, size, stride):
    count = tuple(-(-n // s) for n, s in zip(size, stride))
    w = Window(size, count, (3, 3), stride, (1, 1), (1, 1))
    x, k, b = array(4, *(count if transposed else size), 32), array(3, 3, 32, 32, seed=1), array(32, seed=2)
    function = conv.conv_input_grad if transposed else conv.conv

    def step():
        return ew.relu(ew.add(function(x, k, w), b))

    recorder, eager = record(step)
    program = Program(recorder, outputs=[eager])
    assert kernels_of(program) == [function.__name__]
    program.run()
    np.testing.assert_array_equal(program.output(0), step())


def test_bias_and_relu_become_the_depthwise_epilogue():
    w = Window((6, 7), (6, 7), (3, 3), (1, 1), (1, 1), (1, 1))
    x, k, b = array(4, 6, 7, 19), array(3, 3, 19, 1, seed=1), array(19, seed=2)

    def step():
        return ew.relu(ew.add(depthwise.depthwise_conv(x, k, w), b))

    recorder, eager = record(step)
    program = Program(recorder, outputs=[eager])
    assert kernels_of(program) == ["depthwise_conv"]
    program.run()
    np.testing.assert_array_equal(program.output(0), step())
