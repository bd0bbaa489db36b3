"""Every case of cases.py: value, inferred against actual shape and dtype, gradient and second gradient."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from case import draw
from cases import CASES

import kerasgpu as keras
from kerasgpu import ops
from kerasgpu.engine import keras_tensor, nest, op
from kerasgpu.engine.tape import value_and_grad

ALL = [pytest.param(name, case, id=f"{name}-{k}") for name, cases in CASES.items() for k, case in enumerate(cases)]
GRADIENTS = [p for p in ALL if p.values[1].differentiable and p.values[1].tensors()]


def call(name, case, values):
    function = case.function or (op.PRIMITIVES[f"kerasgpu.ops.primitives.{name}"] if "." in name else getattr(ops, name))
    return function(*case.rebuilt(values, _plain), **case.kwargs)


def _plain(x):
    return ops.convert_to_tensor(x) if isinstance(x, np.ndarray) else x


def expected(case, values):
    with np.errstate(all="ignore"):
        return case.reference(*case.rebuilt(values), **case.kwargs)


def flat(x):
    return list(x) if isinstance(x, (tuple, list)) else [x]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, case", ALL)
def test_value(name, case, dtype):
    values = [np.asarray(v, dtype) for v in case.values()]
    for got, want in zip(flat(call(name, case, values)), flat(expected(case, [v.astype("float64") for v in values]))):
        want = np.asarray(want)
        assert got.shape == want.shape
        if case.exact or want.dtype.kind in "biu":
            np.testing.assert_array_equal(got.numpy(), want)
        else:
            rtol = (1e-11 if dtype == "float64" else 2e-5) * case.tolerance
            np.testing.assert_allclose(got.numpy(), want, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name, case", ALL)
def test_inferred_is_actual(name, case):
    values = case.values()
    if not values:
        pytest.skip("no tensor argument to make symbolic")
    symbols = [keras_tensor.KerasTensor(v.shape, "float32") for v in values]
    inferred = nest.flatten(call(name, case, symbols))
    actual = nest.flatten(call(name, case, [v.astype("float32") for v in values]))
    assert [(s.shape, s.dtype) for s in inferred] == [(t.shape, t.dtype) for t in actual]


@pytest.mark.parametrize("name, case", ALL)
def test_replay_gives_the_eager_bits(name, case):
    values = [np.asarray(v, "float32") for v in case.values()]
    if not values:
        pytest.skip("no tensor argument")
    replayed = keras.jit(lambda *at: call(name, case, at))
    want = flat(call(name, case, values))
    for _ in range(4):  # eager, recorded, replayed twice
        for got, plain in zip(flat(replayed(*values)), want):
            np.testing.assert_array_equal(np.asarray(got), np.asarray(plain))
    others = [np.asarray(draw(v.shape, 0.3, 0.9, 11), "float32") for v in values]
    for got, plain in zip(flat(replayed(*others)), flat(call(name, case, others))):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(plain))


def scalar(name, case, seed=1):
    """sum(w * op(...)) with fixed weights w: a function of the tensor arguments."""
    rng = np.random.default_rng(seed)

    def function(*values):
        total = 0.0
        for t in flat(call(name, case, values)):
            if "float" in t.dtype:
                total = total + ops.sum(t * rng_weights(t.shape))
        return total

    made = {}

    def rng_weights(shape):
        if shape not in made:
            made[shape] = np.asarray(rng.uniform(0.5, 1.5, shape))
        return made[shape]

    return function


def slope(function, values, directions, step):
    # asarray: NumPy turns arrays without dimensions into scalars, which count as Python numbers
    ahead = function(*[np.asarray(v + step * d) for v, d in zip(values, directions)])
    behind = function(*[np.asarray(v - step * d) for v, d in zip(values, directions)])
    return (float(ahead) - float(behind)) / (2 * step)


def directions_for(values, seed):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.uniform(-1, 1, v.shape)) for v in values]


def along(function, values, directions):
    """The derivative of function in a direction, by the tape."""
    numbers = tuple(range(len(values)))
    _, found = value_and_grad(function, numbers)(*values)
    total = 0.0
    for g, d in zip(found, directions):
        total = total + ops.sum(g * d)
    return total


@pytest.mark.parametrize("name, case", GRADIENTS)
def test_gradient(name, case):
    values = case.values()
    function, directions = scalar(name, case), directions_for(values, 2)
    want = slope(function, values, directions, 1e-6)
    np.testing.assert_allclose(float(along(function, values, directions)), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name, case", [p for p in GRADIENTS if p.values[1].smooth])
def test_second_gradient(name, case):
    values = case.values()
    function, first, second = scalar(name, case), directions_for(values, 3), directions_for(values, 4)

    def derivative(*at):
        return along(function, at, first)

    want = slope(derivative, values, second, 1e-5)
    got = along(derivative, values, second)
    np.testing.assert_allclose(float(got), want, rtol=1e-5, atol=1e-6)


def _along_at(function, directions, *values):
    return along(function, values, directions)


def test_every_primitive_has_a_case(monkeypatch):
    seen = set()
    plain = op.Primitive.__call__

    def watched(self, *args, **kwargs):
        seen.add(self)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(op.Primitive, "__call__", watched)
    for name, cases in CASES.items():
        for case in cases:
            values = case.values()
            if not case.differentiable or not values:
                call(name, case, values)
            else:
                function, directions = scalar(name, case), directions_for(values, 2)
                second = functools.partial(_along_at, function, directions)
                along(second, values, directions)
    random = "kerasgpu.ops.primitives.random."  # no reference to compare with: tests/random looks at their distributions
    missing = sorted(key for key, found in op.PRIMITIVES.items() if found not in seen and not key.startswith(random))
    assert not missing, f"primitives that no case in tests/ops/cases*.py reaches: {missing}"
