"""Regularizers against NumPy, their configs and errors."""

import numpy as np
import pytest

import kerasgpu as keras

W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def cosines(w):
    u = w / np.linalg.norm(w, axis=1, keepdims=True)
    c = np.abs(u @ u.T)
    return (c.sum() - np.trace(c)) / 2 / (len(w) * (len(w) - 1) / 2)


@pytest.mark.parametrize(
    "regularizer,expected",
    [
        (keras.regularizers.L1(0.1), 0.1 * np.abs(W).sum()),
        (keras.regularizers.L2(0.1), 0.1 * (W**2).sum()),
        (keras.regularizers.L1L2(0.1, 0.2), 0.1 * np.abs(W).sum() + 0.2 * (W**2).sum()),
        (keras.regularizers.L1L2(), 0.0),
        (keras.regularizers.OrthogonalRegularizer(0.3), 0.3 * cosines(W)),
        (keras.regularizers.OrthogonalRegularizer(0.3, mode="columns"), 0.3 * cosines(W.T)),
        (keras.regularizers.Regularizer(), 0.0),
    ],
)
def test_value_and_config(regularizer, expected):
    x = keras.ops.convert_to_tensor(W)
    assert float(regularizer(x)) == pytest.approx(float(expected), rel=1e-5)
    if type(regularizer) is not keras.regularizers.Regularizer:
        back = keras.regularizers.deserialize(keras.regularizers.serialize(regularizer))
        assert back.get_config() == regularizer.get_config()


def test_dtype_follows_the_weight():
    assert keras.regularizers.L1L2(0.1, 0.1)(keras.ops.ones((2,), dtype="float16")).dtype == "float16"


def test_gradient():
    x = keras.Variable(W)
    keras.regularizers.L2(0.5)(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), W, rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, float("inf"), float("nan"), "0.1"])
@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_bad_factors(name, bad):
    with pytest.raises(ValueError, match="expected a non-negative float"):
        getattr(keras.regularizers, name)(bad)


def test_other_errors():
    with pytest.raises(ValueError, match="mode"):
        keras.regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ValueError, match="rank 2"):
        keras.regularizers.OrthogonalRegularizer()(keras.ops.ones((2, 2, 2)))
    with pytest.raises(NotImplementedError):
        keras.regularizers.Regularizer().get_config()


def test_get():
    assert keras.regularizers.get(None) is None
    for name in ("l1", "L1", "l2", "l1_l2", "L1L2", "orthogonal_regularizer"):
        assert isinstance(keras.regularizers.get(name), keras.regularizers.Regularizer)
    assert keras.regularizers.get(np.sum) is np.sum
    with pytest.raises(ValueError, match="Could not interpret regularizer"):
        keras.regularizers.get("no")
