"""Convolution, pooling and encoding layers: configs, weights and outputs equal to real Keras."""

import json
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "layers"))

from test_convolutional import CASES, IMAGE, SEQUENCE, VOLUME

from kerasgpu import layers

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

MORE = [
    (f"{kind}Pooling{r}D", {"pool_size": 2, "padding": "same"}, x)
    for kind in ("Max", "Average")
    for r, x in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME))
]
MORE += [(f"Global{kind}Pooling2D", {"keepdims": True}, IMAGE) for kind in ("Max", "Average")]
MORE += [(f"Adaptive{kind}Pooling2D", {"output_size": (2, 3)}, IMAGE) for kind in ("Max", "Average")]
MORE += [
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, np.array([[1, 2, 1], [0, 3, 3]], "int32")),
    ("Discretization", {"bin_boundaries": [-0.5, 0.0, 1.0]}, SEQUENCE),
]
ALL = [(cls.__name__, arguments, x) for cls, arguments, x, *_ in CASES] + MORE


@pytest.mark.parametrize("name, arguments, x", ALL, ids=[f"{c[0]}-{k}" for k, c in enumerate(ALL)])
def test_layer(name, arguments, x):
    theirs, mine = getattr(keras.layers, name)(**arguments, name="layer"), getattr(layers, name)(**arguments, name="layer")
    wanted = theirs(x)
    mine(x)
    assert json.loads(json.dumps(mine.get_config())) == json.loads(json.dumps(theirs.get_config()))
    assert [(v.path, v.shape) for v in mine.weights] == [(v.path, v.shape) for v in theirs.weights]
    mine.set_weights(theirs.get_weights())
    np.testing.assert_allclose(mine(x), np.asarray(wanted), rtol=1e-4, atol=1e-5)


def test_discretization_finds_the_same_boundaries():
    data = np.random.default_rng(3).normal(size=(333,)).astype("float32")
    found = []
    for module in (keras.layers, layers):
        layer = module.Discretization(num_bins=5, epsilon=0.02)
        for batch in (data[:100], data[100:]):  # adapt() of theirs needs TensorFlow
            layer.update_state(batch)
        layer.finalize_state()
        found.append(layer.bin_boundaries)
    np.testing.assert_allclose(*found, rtol=1e-6)
