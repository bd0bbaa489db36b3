"""Constraints against NumPy, their configs and errors."""

import numpy as np
import pytest

import kerasgpu as keras

W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32") * 2
NORMS = np.linalg.norm(W, axis=0, keepdims=True)


@pytest.mark.parametrize(
    "constraint,expected",
    [
        (keras.constraints.MaxNorm(1.5), W * np.minimum(NORMS, 1.5) / NORMS),
        (keras.constraints.UnitNorm(), W / NORMS),
        (keras.constraints.NonNeg(), np.maximum(W, 0)),
        (keras.constraints.MinMaxNorm(1.0, 2.0), W * np.clip(NORMS, 1, 2) / NORMS),
        (keras.constraints.MinMaxNorm(1.0, 2.0, rate=0.5), W * (0.5 * np.clip(NORMS, 1, 2) + 0.5 * NORMS) / NORMS),
        (keras.constraints.MaxNorm(1.5, axis=(0, 1)), W * 1.5 / np.linalg.norm(W)),
        (keras.constraints.Constraint(), W),
    ],
)
def test_value_and_config(constraint, expected):
    np.testing.assert_allclose(np.asarray(constraint(W)), expected, rtol=1e-5)
    back = keras.constraints.deserialize(keras.constraints.serialize(constraint))
    assert type(back) is type(constraint) and list(back.get_config()) == list(constraint.get_config())


def test_get():
    assert keras.constraints.get(None) is None
    for name in ("max_norm", "MaxNorm", "non_neg", "unit_norm", "min_max_norm"):
        assert isinstance(keras.constraints.get(name), keras.constraints.Constraint)
    with pytest.raises(ValueError, match="Could not interpret constraint"):
        keras.constraints.get("no")
