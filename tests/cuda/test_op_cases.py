"""Every case of tests/ops/cases*.py with tensors on the shim's gpu:0: values, replayed programs and gradients."""

import numpy as np
import pytest
from case import draw
from cases import CASES
from test_cases import along, call, directions_for, expected, flat, scalar, slope

import kerasgpu as keras

ALL = [pytest.param(name, case, id=f"{name}-{k}") for name, cases in CASES.items() for k, case in enumerate(cases)]
GRADIENTS = [p for p in ALL if p.values[1].differentiable and p.values[1].tensors()]


def on_device(tensors):
    for t in tensors:
        assert t.device == "gpu:0", f"a result is on {t.device}"


@pytest.mark.parametrize("name, case", ALL)
def test_value(on_gpu, name, case):
    values = [np.asarray(v, "float32") for v in case.values()]
    got = flat(call(name, case, values))
    on_device([t for t in got if hasattr(t, "_data")])
    for g, want in zip(got, flat(expected(case, [v.astype("float64") for v in values]))):
        want = np.asarray(want)
        assert g.shape == want.shape
        if case.exact or want.dtype.kind in "biu":
            np.testing.assert_array_equal(g.numpy(), want)
        else:
            tolerance = 2e-5 * case.tolerance
            np.testing.assert_allclose(g.numpy(), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name, case", GRADIENTS)
def test_gradient(on_gpu, name, case):
    values = case.values()
    function, directions = scalar(name, case), directions_for(values, 2)
    want = slope(function, values, directions, 1e-6)
    np.testing.assert_allclose(float(along(function, values, directions)), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name, case", ALL)
def test_replay_gives_the_eager_bits(on_gpu, name, case, monkeypatch):
    monkeypatch.setattr(
        on_gpu, "specializes", False
    )  # chains are compiled one by one in test_foundation.py and test_programs.py
    values = [np.asarray(v, "float32") for v in case.values()]
    if not values:
        pytest.skip("no tensor argument")
    replayed = keras.jit(lambda *at: call(name, case, at))
    want = flat(call(name, case, values))
    for _ in range(3):  # eager, recorded, replayed
        for got, plain in zip(flat(replayed(*values)), want):
            np.testing.assert_array_equal(np.asarray(got), np.asarray(plain))
    others = [np.asarray(draw(v.shape, 0.3, 0.9, 11), "float32") for v in values]
    for got, plain in zip(flat(replayed(*others)), flat(call(name, case, others))):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(plain))
