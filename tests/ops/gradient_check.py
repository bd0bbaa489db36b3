"""Gradients and gradients of gradients against central differences along a random direction, in float64."""

import numpy as np

from kerasgpu import GradientTape, ops

STEP = 1e-5


def _weighted(function, tensors, weights):
    """sum of weights times all float outputs, and how many outputs there are."""
    out = function(*tensors)
    outs = [y for y in (out if isinstance(out, (tuple, list)) else (out,)) if "float" in y.dtype]
    total = None
    for y, w in zip(outs, weights):
        term = ops.sum(y * w)
        total = term if total is None else total + term
    return total


def _gradient(function, arrays, weights):
    tensors = [ops.convert_to_tensor(a) for a in arrays]
    with GradientTape() as tape:
        tape.watch(tensors)
        value = _weighted(function, tensors, weights)
    return tape.gradient(value, tensors, unconnected_gradients="zero")


def _slope(f, arrays, directions):
    """(f(x + h v) - f(x - h v)) / 2h."""
    plus = f([a + STEP * v for a, v in zip(arrays, directions)])
    minus = f([a - STEP * v for a, v in zip(arrays, directions)])
    return (plus - minus) / (2 * STEP)


def _dot(tensors, arrays):
    return sum(float(np.sum(np.asarray(t) * a)) for t, a in zip(tensors, arrays))


def check_gradients(function, *arrays, second=True, rtol=1e-5, atol=1e-7, seed=0):
    """Assert that function's gradients (and with `second` those of its gradients) agree with differences."""
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(a, "float64") for a in arrays]
    out = function(*[ops.convert_to_tensor(a) for a in arrays])
    outs = [y for y in (out if isinstance(out, (tuple, list)) else (out,)) if "float" in y.dtype]
    weights = [rng.standard_normal(y.shape) for y in outs]
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def value(xs):
        return float(_weighted(function, [ops.convert_to_tensor(x) for x in xs], weights))

    found = _dot(_gradient(function, arrays, weights), directions)
    np.testing.assert_allclose(found, _slope(value, arrays, directions), rtol=rtol, atol=atol, err_msg="first derivative")
    if not second:
        return
    others = [rng.standard_normal(a.shape) for a in arrays]

    def slope(xs):
        return _dot(_gradient(function, xs, weights), others)

    tensors = [ops.convert_to_tensor(a) for a in arrays]
    with GradientTape() as outer:
        outer.watch(tensors)
        with GradientTape() as inner:
            inner.watch(tensors)
            total = _weighted(function, tensors, weights)
        first = inner.gradient(total, tensors, unconnected_gradients="zero")
        along = sum((ops.sum(g * w) for g, w in zip(first, others)), ops.zeros((), "float64"))
    found = _dot(outer.gradient(along, tensors, unconnected_gradients="zero"), directions)
    np.testing.assert_allclose(
        found, _slope(slope, arrays, directions), rtol=10 * rtol, atol=10 * atol, err_msg="second derivative"
    )
