"""Every case of tests/ops/cases*.py on the GPU against float64 NumPy: values, replayed programs, gradients."""

import numpy as np
import pytest
from case import draw
from cases import CASES
from test_cases import along, call, directions_for, expected, flat, scalar, slope

import kerasgpu as keras

pytestmark = pytest.mark.gpu
ALL = [pytest.param(name, case, id=f"{name}-{k}") for name, cases in CASES.items() for k, case in enumerate(cases)]
GRADIENTS = [p for p in ALL if p.values[1].differentiable and p.values[1].tensors()]
# float32 products and convolutions run on tensor cores as TF32 unless told otherwise.
TF32 = ("matmul", "dot", "tensordot", "einsum", "conv", "inner", "vdot", "outer", "multi_hot", "linalg", "lstsq", "attention")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, case", ALL)
def test_value(on_gpu, name, case, dtype):
    values = [np.asarray(v, dtype) for v in case.values()]
    got = flat(call(name, case, values))
    for g, want in zip(got, flat(expected(case, [v.astype("float64") for v in values]))):
        want = np.asarray(want)
        assert g.shape == want.shape
        if case.exact or want.dtype.kind in "biu":
            np.testing.assert_array_equal(np.asarray(g), want)
        else:
            tolerance = (1e-11 if dtype == "float64" else 2e-5) * case.tolerance
            if dtype == "float32" and any(t in name for t in TF32):
                tolerance = max(tolerance, 5e-3)
            np.testing.assert_allclose(np.asarray(g), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name, case", ALL)
def test_replay_gives_the_eager_bits(on_gpu, name, case):
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


@pytest.mark.parametrize("name, case", GRADIENTS)
def test_gradient(on_gpu, name, case):
    values = case.values()
    function, directions = scalar(name, case), directions_for(values, 2)
    want = slope(function, values, directions, 1e-6)
    np.testing.assert_allclose(float(along(function, values, directions)), want, rtol=1e-6, atol=1e-7)
