import numpy as np

import kerasgpu as keras
from kerasgpu import ops
from kerasgpu.engine.jit import EAGER


def programs(function):
    return [e for e in function._seen.values() if isinstance(e, tuple)]


def test_replays_give_the_eager_bits_and_fresh_results():
    @keras.jit
    def f(x, y):
        return {"sum": x + y, "more": [ops.exp(x) * y, 3]}

    results = []
    for k in range(5):
        a = np.random.default_rng(k).normal(size=(7, 5)).astype("float32")
        b = a[::-1].copy()
        got = f(a, b)
        np.testing.assert_array_equal(got["sum"], ops.add(a, b))
        np.testing.assert_array_equal(got["more"][0], ops.multiply(ops.exp(a), b))
        assert got["more"][1] == 3
        results.append((got["sum"], np.asarray(got["sum"])))
    assert len(programs(f)) == 1
    for tensor, then in results:  # later calls did not write into earlier results
        np.testing.assert_array_equal(tensor, then)


def test_one_program_per_signature():
    @keras.jit
    def f(x, scale=1.0):
        return x * scale

    for _ in range(3):
        f(np.ones(3, "float32"))
        f(np.ones((2, 3), "float32"))
        f(np.ones(3, "float32"), scale=2.0)
        f(np.ones(3, "int32"))
    assert len(programs(f)) == 4
    np.testing.assert_array_equal(f(np.ones(3, "float32"), scale=2.0), [2, 2, 2])


def test_variables_are_updated_by_replays():
    v = keras.Variable(np.zeros(3, "float32"))

    @keras.jit
    def step(x):
        v.assign_add(x)
        return ops.sum(v.value)

    sums = [float(step(np.ones(3, "float32"))) for _ in range(6)]
    assert sums == [3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    held = v.value
    step(np.ones(3, "float32"))
    np.testing.assert_array_equal(held, [6, 6, 6])
    np.testing.assert_array_equal(v, [7, 7, 7])


def test_training_step_in_a_jit_matches_eager():
    def make():
        w = keras.Variable(np.full((3, 1), 0.5, "float32"))

        def step(x, y):
            with keras.GradientTape() as tape:
                loss = ops.mean(ops.square(x @ w - y))
            w.assign_sub(0.1 * tape.gradient(loss, w))
            return loss

        return w, step

    (w1, eager), (w2, step) = make(), make()
    captured = keras.jit(step)
    for k in range(6):
        rng = np.random.default_rng(k)
        x, y = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
        assert float(eager(x, y)) == float(captured(x, y))
        np.testing.assert_array_equal(w1, w2)
    assert len(programs(captured)) == 1


def test_host_reads_run_eagerly_with_the_same_result(capsys, monkeypatch):
    monkeypatch.setenv("KERASGPU_DEBUG", "1")

    @keras.jit
    def f(x):
        return x * 2 if float(ops.sum(x)) > 0 else -x

    for sign in (1, -1, 1, -1):
        x = np.full(3, sign, "float32")
        np.testing.assert_array_equal(f(x), x * 2 if sign > 0 else -x)
    assert list(f._seen.values()) == [EAGER]
    assert capsys.readouterr().err.count("reads the value") == 1


def test_functions_that_make_variables_are_not_replayed():
    @keras.jit
    def f(x):
        return x + keras.Variable(np.ones(3, "float32"))

    for _ in range(4):
        np.testing.assert_array_equal(f(np.ones(3, "float32")), [2, 2, 2])
    assert programs(f) == []


def test_gradients_through_a_jit_run_it_eagerly():
    f = keras.jit(lambda x: ops.sum(x * x))
    x = keras.Variable([1.0, 2.0])
    for _ in range(4):
        with keras.GradientTape() as tape:
            y = f(x)
        np.testing.assert_array_equal(tape.gradient(y, x), [2.0, 4.0])


def test_methods_and_random_state():
    class Model:
        def __init__(self):
            self.seed = keras.random.SeedGenerator(3)

        @keras.jit
        def draw(self, x):
            return x + keras.random.uniform((4,), seed=self.seed)

    model, twin = Model(), Model()
    for _ in range(5):
        got = model.draw(np.zeros(4, "float32"))
        np.testing.assert_array_equal(got, keras.random.uniform((4,), seed=twin.seed))


def test_debug_level_lists_launches():
    import os
    import subprocess
    import sys

    code = "import kerasgpu as k; k.ops.matmul([[1.0, 2.0]], [[3.0], [4.0]])"
    env = dict(os.environ, KERASGPU_DEBUG="3")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "gemm  float32[1, 2] float32[2, 1] -> float32[1, 1]" in done.stderr and "bytes in use" in done.stderr
