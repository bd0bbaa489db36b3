"""The arithmetic of a step: kernels against composed operations, in place against stateless, eager against recorded."""

import numpy as np
import pytest
from optimizer_cases import CASES, IDS, make, state_of, values

import kerasgpu as keras
from kerasgpu.engine.jit import jit
from kerasgpu.optimizers import fused


def run(name, args, dtype="float32", steps=4, is_fused=True):
    optimizer, variables = make(name, args, dtype)
    if not is_fused:
        optimizer.__dict__["_fused"] = None
    for k in range(steps):
        optimizer.apply(values(k + 1, dtype), variables)
    return state_of(optimizer, variables)


@pytest.mark.parametrize("dtype,ulps", [("float32", 4), ("float64", 4)])
@pytest.mark.parametrize("name,args", CASES, ids=IDS)
def test_fused_equals_composed(name, args, dtype, ulps):
    """One step from the same state differs by roundings only."""
    for a, b in zip(run(name, args, dtype, steps=1), run(name, args, dtype, steps=1, is_fused=False)):
        if "float" in str(a.dtype):
            scale = np.maximum(np.abs(b), np.finfo(a.dtype).tiny)
            limit = ulps * np.finfo(a.dtype).eps * np.maximum(scale, 1.0)  # Lion and Ftrl subtract numbers of size 1
            assert np.all(np.abs(a - b) <= limit), f"{np.max(np.abs(a - b))} in {a.shape}"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_half_precision(name, dtype):
    ours = run(name, {"learning_rate": 0.01}, dtype, steps=3)
    wide = run(name, {"learning_rate": 0.01}, "float32", steps=3)
    for a, b in zip(ours[:5], wide[:5]):
        np.testing.assert_allclose(a.astype("float32"), b, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name,args", CASES, ids=IDS)
def test_stateless_equals_in_place(name, args):
    optimizer, variables = make(name, args)
    before = state_of(optimizer, variables)
    weights, state = [v.value for v in variables], [v.value for v in optimizer.variables]
    for k in range(3):
        weights, state = optimizer.stateless_apply(state, values(k + 1), weights)
    for a, b in zip(before, state_of(optimizer, variables)):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(run(name, args, steps=3), [*weights, *state]):
        np.testing.assert_allclose(a, np.asarray(b), rtol=1e-5, atol=1e-6)


EXTRAS = [
    {},
    {"clipnorm": 0.5},
    {"global_clipnorm": 0.5},
    {"clipvalue": 0.1},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
    {"loss_scale_factor": 4.0, "weight_decay": 0.1},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
@pytest.mark.parametrize("name", ["Adam", "Nadam", "Muon"])
def test_recorded_equals_eager(name, extra):
    """Nothing in a step is decided in Python, so that replaying it gives the same bits as running it."""
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 5, warmup_target=0.2, warmup_steps=2)
    args = {"learning_rate": schedule, **extra}
    eager, eager_variables = make(name, args)
    captured, variables = make(name, args)

    def step(*grads):
        captured.apply(list(grads), variables)
        return captured._iterations.value

    recorded = jit(step)
    for k in range(7):
        eager.apply(values(k + 1), eager_variables)
        recorded(*values(k + 1))
    for a, b in zip(state_of(eager, eager_variables), state_of(captured, variables)):
        np.testing.assert_array_equal(a, b)


def test_recorded_loss_scale():
    pair = []
    for wrap in (lambda f: f, jit):
        inner = keras.optimizers.Adam(0.01)
        optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=2)
        variables = [keras.Variable(v) for v in values(0)]
        optimizer.build(variables)

        def step(*grads, optimizer=optimizer, variables=variables):
            optimizer.apply(list(grads), variables)
            return optimizer.dynamic_scale.value

        step = wrap(step)
        for k in range(8):
            grads = values(k + 1)
            if k in (3, 6):
                grads[1] = grads[1] * float("nan")
            step(*grads)
        pair.append(state_of(optimizer, variables))
    for a, b in zip(*pair):
        np.testing.assert_array_equal(a, b)
        assert np.all(np.isfinite(a))


def test_a_schedule_in_python_is_not_frozen():
    rates = iter([1.0, 2.0, 4.0, 8.0])
    w = keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(learning_rate=lambda: next(rates))
    optimizer.build([w])

    def step(g):
        optimizer.apply([g], [w])
        return w.value

    recorded = jit(step)
    for _ in range(4):
        recorded(keras.ops.convert_to_tensor([-1.0]))
    assert float(w[0]) == 15.0


def test_subclass_arithmetic_is_used():
    class Doubled(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate * 2)

    class Renamed(keras.optimizers.Adam):
        def get_config(self):
            return super().get_config()

    assert Doubled._fused is None and Renamed._fused is not None
    w = keras.Variable([1.0])
    Doubled(0.1).apply([keras.ops.ones((1,))], [w])
    assert float(w[0]) == pytest.approx(0.8, abs=1e-5)


def test_one_launch(monkeypatch):
    """All variables of a model are updated by one kernel."""
    from kerasgpu.kernels import launch

    optimizer, variables = make("Adam", {"learning_rate": 0.1})
    names = []
    original = launch.launch

    def watch(name, *args, **kwargs):
        names.append(name)
        return original(name, *args, **kwargs)

    grads = values(1)
    for module in (launch, __import__("kerasgpu.kernels.optimizer", fromlist=["launch"])):
        monkeypatch.setattr(module, "launch", watch)
    optimizer.apply(grads, variables)
    assert names.count("adam") == 1
    assert len(names) <= 4, names


def test_grads_of_another_dtype_and_mixed_variables():
    variables = [keras.Variable(np.ones(3), dtype=d, name=f"v{k}") for k, d in enumerate(("float32", "float64", "float16"))]
    grads = [keras.ops.ones((3,), dtype="float64")] * 3
    for name in ("SGD", "Nadam"):
        optimizer = getattr(keras.optimizers, name)(0.5)
        assert fused.can_run is not None
        optimizer.apply(grads, variables)
    assert [v.dtype for v in variables] == ["float32", "float64", "float16"]


def test_constraint_is_applied():
    w = keras.Variable([1.0, -1.0])
    w.constraint = keras.constraints.NonNeg()
    keras.optimizers.SGD(0.1).apply([keras.ops.zeros((2,))], [w])
    assert w.numpy().tolist() == [1.0, 0.0]


def test_gradients_are_not_recorded():
    w = keras.Variable([1.0])
    optimizer = keras.optimizers.Muon(0.1)
    optimizer.apply([keras.ops.ones((1,))], [w])
    assert w.value._node is None and optimizer.momentums[0].value._node is None
