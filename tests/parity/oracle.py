"""Real Keras (on JAX), as the oracle of parity tests; tests that use it are skipped where it is not installed."""

import os
import warnings

import numpy as np
import pytest


def load():
    """The keras module, on the JAX backend."""
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("jax")
        return pytest.importorskip("keras")


def close(ours, theirs, rtol=1e-5, atol=1e-6, what=""):
    """Both as NumPy arrays: equal shapes, values within tolerance."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, Keras has {theirs.shape}"
    np.testing.assert_allclose(ours.astype("float64"), theirs.astype("float64"), rtol=rtol, atol=atol, err_msg=what)


def plain(config):
    """A config with tuples as lists, as a file would hold it."""
    import json

    return json.loads(json.dumps(config, default=str))
