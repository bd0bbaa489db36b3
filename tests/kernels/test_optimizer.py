"""Optimizer kernels against the formulas of Keras in float64, over five steps; clipping, norms and averages."""

import ml_dtypes
import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import optimizer as op
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

numpy_dtype("bfloat16")
SHAPES = [(3,), (40, 33), (0,), (1,), (130, 300), (7, 5)]
LR, DECAY = 0.01, 0.02
MASK = [True, False, True, True, True, False]


def sgd(x, g, s, lr, t, momentum=0.0, nesterov=False):
    if not momentum:
        return x - lr * g
    s["m"] = momentum * s["m"] - lr * g
    return x + (momentum * s["m"] - lr * g if nesterov else s["m"])


def rmsprop(x, g, s, lr, t, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    s["v"] = rho * s["v"] + (1 - rho) * g**2
    below = s["v"] + epsilon
    if centered:
        s["a"] = rho * s["a"] + (1 - rho) * g
        below = s["v"] - s["a"] ** 2 + epsilon
    step = lr * g / np.sqrt(below)
    if momentum:
        s["m"] = step = momentum * s["m"] + step
    return x - step


def moments(g, s, b1, b2):
    s["m"] = s["m"] + (g - s["m"]) * (1 - b1)
    s["v"] = s["v"] + (g**2 - s["v"]) * (1 - b2)


def adam(x, g, s, lr, t, b1=0.9, b2=0.999, epsilon=1e-7, amsgrad=False):
    moments(g, s, b1, b2)
    v = s["v"]
    if amsgrad:
        v = s["h"] = np.maximum(s["h"], v)
    return x - s["m"] * lr * np.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + epsilon)


def adamax(x, g, s, lr, t, b1=0.9, b2=0.999, epsilon=1e-7):
    s["m"] = s["m"] + (g - s["m"]) * (1 - b1)
    s["v"] = np.maximum(b2 * s["v"], abs(g))
    return x - lr * s["m"] / ((1 - b1**t) * (s["v"] + epsilon))


def nadam(x, g, s, lr, t, b1=0.9, b2=0.999, epsilon=1e-7):
    def u(k):
        return b1 * (1 - 0.5 * 0.96**k)

    product = np.prod([u(k) for k in range(1, t + 1)])
    moments(g, s, b1, b2)
    m_hat = u(t + 1) * s["m"] / (1 - product * u(t + 1)) + (1 - u(t)) * g / (1 - product)
    return x - m_hat * lr / (np.sqrt(s["v"] / (1 - b2**t)) + epsilon)


def lamb(x, g, s, lr, t, b1=0.9, b2=0.999, epsilon=1e-7):
    moments(g, s, b1, b2)
    update = s["m"] / (1 - b1**t) / (np.sqrt(s["v"] / (1 - b2**t)) + epsilon)
    w, u = np.sqrt((x**2).sum()), np.sqrt((update**2).sum())
    return x - (w / u if w > 0 and u > 0 else 1.0) * lr * update


def adagrad(x, g, s, lr, t, epsilon=1e-7):
    s["m"] = s["m"] + g**2
    return x - lr * g / np.sqrt(s["m"] + epsilon)


def adadelta(x, g, s, lr, t, rho=0.95, epsilon=1e-7):
    s["m"] = rho * s["m"] + (1 - rho) * g**2
    step = -np.sqrt(s["v"] + epsilon) * g / np.sqrt(s["m"] + epsilon)
    s["v"] = rho * s["v"] + (1 - rho) * step**2
    return x + lr * step


def lion(x, g, s, lr, t, b1=0.9, b2=0.99):
    y = x - lr * np.sign(b1 * s["m"] + (1 - b1) * g)
    s["m"] = b2 * s["m"] + (1 - b2) * g
    return y


def ftrl(x, g, s, lr, t, power=-0.5, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    l2 = l2 + beta / (2 * lr)
    new = s["m"] + g**2
    s["v"] = s["v"] + g + 2 * shrinkage * x - (new**-power - s["m"] ** -power) / lr * x
    s["m"] = new
    return (np.clip(s["v"], -l1, l1) - s["v"]) / (new**-power / lr + 2 * l2)


# name: (reference and its arguments, slots in order, kernel's own arguments, start of slot m)
CASES = {
    "sgd": (sgd, {}, "", {}),
    "sgd momentum": (sgd, {"momentum": 0.9}, "m", {"momentum": 0.9}),
    "sgd nesterov": (sgd, {"momentum": 0.9, "nesterov": True}, "m", {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (rmsprop, {"rho": 0.8}, "v", {"rho": 0.8}),
    "rmsprop momentum": (rmsprop, {"momentum": 0.5}, "vm", {"momentum": 0.5}),
    "rmsprop centered": (rmsprop, {"centered": True, "epsilon": 1e-3}, "va", {"centered": True, "epsilon": 1e-3}),
    "rmsprop both": (
        rmsprop,
        {"centered": True, "momentum": 0.5, "epsilon": 1e-3},
        "vma",
        {"centered": True, "momentum": 0.5, "epsilon": 1e-3},
    ),
    "adam": (adam, {"b1": 0.8, "b2": 0.99}, "mv", {"beta_1": 0.8, "beta_2": 0.99}),
    "adam amsgrad": (adam, {"amsgrad": True}, "mvh", {}),
    "adamax": (adamax, {}, "mv", {}),
    "nadam": (nadam, {}, "mv", {}),
    "adagrad": (adagrad, {}, "m", {}),
    "adadelta": (adadelta, {}, "mv", {}),
    "lion": (lion, {}, "m", {}),
    "ftrl": (ftrl, {}, "mv", {}),
    "ftrl power": (
        ftrl,
        {"power": -0.4, "l1": 0.01, "l2": 0.1, "shrinkage": 0.1, "beta": 0.2},
        "mv",
        {"learning_rate_power": -0.4, "l1": 0.01, "l2": 0.1, "l2_shrinkage": 0.1, "beta": 0.2},
    ),
    "lamb": (lamb, {}, "mv", {}),
}


def run(name, dtype, steps=5, shapes=SHAPES):
    """Runs kernel and reference; returns (variables, slots, reference variables)."""
    reference, reference_arguments, letters, arguments = CASES[name]
    kernel = getattr(op, name.split()[0])
    if name == "lamb" and dtype == "float16":
        # Squares below 6e-8 are 0 in a float16 slot; a larger epsilon keeps such elements comparable.
        reference_arguments, arguments = {"epsilon": 0.01}, {"epsilon": 0.01}
    rng = np.random.default_rng(0)
    start = 0.1 if name.startswith(("adagrad", "ftrl")) else 0.0
    expected = [rng.normal(size=s).astype(dtype).astype("float64") for s in shapes]
    states = [{c: np.full(s, start if c == "m" else 0.0) for c in letters} for s in shapes]
    variables = [x.astype(dtype) for x in expected]
    slots = {c: [s[c].astype(dtype) for s in states] for c in letters}
    lr, iterations, u_product = np.full(1, LR, "float32"), np.zeros(1, "int64"), np.ones(1, dtype)
    for t in range(1, steps + 1):
        grads = [rng.normal(size=s).astype(dtype) for s in shapes]
        for k, g in enumerate(grads):
            x = expected[k] - (expected[k] * DECAY * LR if MASK[k % 6] else 0)
            expected[k] = reference(x, g.astype("float64"), states[k], LR, t, **reference_arguments)
        lists = [slots[c] for c in letters]
        common = {"weight_decay": DECAY, "decay_mask": [MASK[k % 6] for k in range(len(shapes))], **arguments}
        if name.startswith("sgd"):
            lists = lists or [[]]
        elif name.startswith("rmsprop"):
            named = {"m": "momentums", "a": "average_gradients"}
            common.update({named[c]: slots[c] for c in letters[1:]})
            lists = lists[:1]
        elif name == "adam amsgrad":
            common["velocity_hats"] = slots["h"]
            lists = lists[:2]
        elif name == "nadam":
            lists.append(u_product)
        kernel(grads, variables, *lists, lr, iterations, **common)
        iterations += 1
    return variables, [slots[c] for c in letters], expected


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16])
def test_formulas(name, dtype):
    variables, _, expected = run(name, dtype)
    tolerance = {"float32": 2e-5, "float64": 1e-6, "float16": 0.02}.get(dtype, 0.1)
    for x, y in zip(variables, expected):
        assert x.dtype == dtype
        np.testing.assert_allclose(x.astype("float64"), y, rtol=tolerance, atol=tolerance)


# Their quotients are within two units in the last place of a division's; the steps differ with the instruction set.
BY_RECIPROCAL = {"adam", "rmsprop", "adagrad"}


@pytest.mark.parametrize("name", CASES)
def test_same_bits_with_any_number_of_threads(name):
    level, threads = _core.level(), _core.num_threads()
    of_levels = []
    try:
        for instruction_set in range(_core.machine_level() + 1):
            results = []
            for n in (1, 2, 3):
                _core.set_level(instruction_set)
                _core.set_num_threads(n)
                variables, slots, _ = run(name, "float32", steps=2)
                results.append(np.concatenate([a.reshape(-1) for a in (*variables, *(s for kind in slots for s in kind))]))
            assert all(r.tobytes() == results[0].tobytes() for r in results)
            of_levels.append(results[0])
    finally:
        _core.set_level(level)
        _core.set_num_threads(threads)
    for result in of_levels:
        if name.split()[0] in BY_RECIPROCAL:
            np.testing.assert_allclose(result, of_levels[0], rtol=1e-6, atol=1e-6)
        else:
            assert result.tobytes() == of_levels[0].tobytes()


@pytest.mark.parametrize("name", ["adam", "rmsprop", "adagrad"])
@pytest.mark.parametrize("n", [1, 7, 16, 33])
def test_divisors_of_zero_and_infinity(name, n):
    """Where an approximate reciprocal is 0 or infinite the result is still that of a division."""
    x, zero = np.ones(n, "float32"), np.zeros(1, "int64")
    slots = [[np.zeros(n, "float32")] for _ in range(2 if name == "adam" else 1)]
    g = np.resize(np.array([0, 1e30, -1e30, 1e-30, 1], "float32"), n)  # 1e30 squared is infinite
    arguments = {} if name != "adam" else {"beta_1": 0.5, "beta_2": 0.5}
    with np.errstate(all="ignore"):
        getattr(op, name)([g], [x], *slots, np.full(1, 0.5, "float32"), zero, epsilon=1e-37, **arguments)
    assert np.isfinite(x).all()
    assert (x[np.abs(g) == np.float32(1e30)] == 1).all() and (x[g == 0] == 1).all()


@pytest.mark.parametrize("name", ["adam", "nadam"])
def test_many_tensors_are_split(name):
    shapes = [(k % 5,) for k in range(700)]
    variables, _, expected = run(name, "float32", 3, shapes)
    for x, y in zip(variables, expected):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=2e-5)


def test_mixed_dtypes_and_int32_iterations():
    xs = [np.ones(3, "float32"), np.ones(4, "float64")]
    op.sgd([np.ones_like(x) for x in xs], xs, [], np.full(1, 0.5, "float64"), np.zeros(1, "int32"))
    assert xs[0].tolist() == [0.5] * 3 and xs[1].tolist() == [0.5] * 4


def test_nan_gradients_show():
    for name in CASES:
        kernel = getattr(op, name.split()[0])
        if " " in name or name in ("sgd", "rmsprop"):
            continue
        x, g, slots = (
            np.ones(2, "float32"),
            np.array([np.nan, 1], "float32"),
            [[np.full(2, 0.1, "float32")] for _ in CASES[name][2]],
        )
        kernel(
            [g],
            [x],
            *slots,
            *([np.ones(1, "float32")] if name == "nadam" else []),
            np.full(1, 0.1, "float32"),
            np.zeros(1, "int64"),
        )
        assert np.isnan(x[0]) and (np.isfinite(x[1]) or name == "lamb")


def test_clipping():
    rng = np.random.default_rng(0)
    for dtype, tolerance in [("float32", 1e-6), ("float64", 1e-12), ("float16", 2e-3)]:
        grads = [rng.normal(size=s).astype(dtype) for s in SHAPES]
        tiny = 1e-7 if dtype == "float16" else 0  # its smallest step is 6e-8
        wide = [g.astype("float64") for g in grads]
        for y, g in zip(op.clip_by_value(grads, 0.5), wide):
            np.testing.assert_allclose(y, np.clip(g, -0.5, 0.5), rtol=tolerance)
        for y, g in zip(op.clip_by_norm(grads, 2.0), wide):
            np.testing.assert_allclose(y, g * 2 / max(np.sqrt((g**2).sum()), 2.0), rtol=tolerance, atol=tiny)
        total = sum((g**2).sum() for g in wide)
        np.testing.assert_allclose(op.square_sum(grads), [total], rtol=1e-12)
        for limit in (3.0, 1e4):
            for y, g in zip(op.clip_by_global_norm(grads, limit), wide):
                np.testing.assert_allclose(y, g * min(1, limit / np.sqrt(total)), rtol=2 * tolerance, atol=tiny)
    grads = [np.array([np.nan, 1], "float32"), np.ones(1, "float32")]
    assert np.isnan(op.clip_by_global_norm(grads, 1.0)[1]).all()
    assert np.isnan(op.clip_by_value(grads, 0.5)[0]).tolist() == [True, False]
    assert not op.clip_by_norm([np.zeros(3, "float32")], 1.0)[0].any()
    assert not op.clip_by_global_norm([np.zeros(3, "float32")], 1.0)[0].any()
    assert op.square_sum([]).tolist() == [0.0]
    with pytest.raises(ValueError, match="above 0"):
        op.clip_by_norm(grads, 0.0)


def test_square_sum_same_bits_and_many():
    grads = [np.random.default_rng(k).normal(size=500 + k).astype("float32") for k in range(1100)]
    results = set()
    for n in (1, 2, 3):
        _core.set_num_threads(n)
        results.add(float(op.square_sum(grads)[0]))
    _core.set_num_threads(2)
    assert len(results) == 1
    np.testing.assert_allclose(results.pop(), sum((g.astype("float64") ** 2).sum() for g in grads), rtol=1e-12)


def test_ema():
    values, averages = (
        [np.full(3, 2.0, "float32"), np.full(5, 4.0, "float64")],
        [np.zeros(3, "float32"), np.zeros(5, "float64")],
    )
    op.ema_update(averages, values, np.zeros(1, "int64"), 0.9)
    assert averages[0].tolist() == [2.0] * 3
    values[1][:] = 5.0
    op.ema_update(averages, values, np.ones(1, "int64"), 0.9)
    np.testing.assert_allclose(averages[1], 4.1)


def test_errors():
    x, lr, it = np.ones(3, "float32"), np.ones(1, "float32"), np.zeros(1, "int64")
    with pytest.raises(ValueError, match="numbers must be equal"):
        op.adam([x], [x.copy()], [], [], lr, it)
    with pytest.raises(ValueError, match="does not match"):
        op.sgd([np.ones(4, "float32")], [x], [], lr, it)
    with pytest.raises(ValueError, match="does not match"):
        op.sgd([np.ones(3, "int32")], [np.ones(3, "int32")], [], lr, it)
    with pytest.raises(ValueError, match="slot"):
        op.adam([x.copy()], [x], [np.zeros(2, "float32")], [np.zeros(3, "float32")], lr, it)
    with pytest.raises(ValueError, match="dtype"):
        op.sgd([x.copy()], [x], [], lr, np.zeros(1, "float32"))
    for ints in [(1, 4, 1, 0), (1, -1, 1, 0), (2, 3, 3, 1, 1, 0), (-1, 3, 1, 0), (1 << 40, 3, 1, 0), (), (1, 3)]:
        for name in ("sgd", "adam", "nadam", "lamb", "multi_square_sum", "multi_clip", "ema_update"):
            with pytest.raises(ValueError, match=name):
                launch(name, (lr, it, x), (x.copy(),), spec_of(name, ints, (0.0, 0.0)))
