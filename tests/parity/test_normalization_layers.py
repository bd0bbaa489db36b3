"""Normalization layers: outputs, statistics and gradients equal to real Keras."""

import numpy as np
import oracle
import pytest

import kerasgpu
from kerasgpu import layers, ops

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

CASES = [
    ("BatchNormalization", {}),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5, "scale": False}),
    ("BatchNormalization", {"axis": 2, "epsilon": 0.1, "center": False}),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}}),
    ("LayerNormalization", {}),
    ("LayerNormalization", {"axis": [1, 2]}),
    ("LayerNormalization", {"axis": 1, "scale": False}),
    ("RMSNormalization", {}),
    ("RMSNormalization", {"axis": [2, 1]}),
    ("GroupNormalization", {"groups": 2}),
    ("GroupNormalization", {"groups": 3, "axis": 1}),
    ("GroupNormalization", {"groups": -1}),
    ("UnitNormalization", {}),
    ("UnitNormalization", {"axis": [1, 2]}),
]


@pytest.mark.parametrize("mode", ["training", "inference", "frozen"])
@pytest.mark.parametrize("name, arguments", CASES, ids=[f"{c[0]}-{k}" for k, c in enumerate(CASES)])
def test_layer(name, arguments, mode):
    import jax

    r = np.random.default_rng(0)
    x, g = ((r.normal(size=(3, 6, 4)) * 2 + 1).astype("float32") for _ in range(2))
    theirs, mine = getattr(keras.layers, name)(**arguments), getattr(layers, name)(**arguments)
    theirs.build(x.shape)
    mine.build(x.shape)
    values = [(r.random(v.shape) + 0.5).astype("float32") for v in theirs.weights]
    if mode == "frozen":
        theirs.trainable = mine.trainable = False
    theirs.set_weights(values)
    mine.set_weights(values)
    more = {"training": mode != "inference"} if name == "BatchNormalization" else {}

    def loss(trainable, fixed, point):
        y, fixed = theirs.stateless_call(trainable, fixed, point, **more)
        return (y * g).sum(), (y, fixed)

    trainable, fixed = [[v.value for v in vs] for vs in (theirs.trainable_variables, theirs.non_trainable_variables)]
    (_, (wanted, fixed)), slopes = jax.value_and_grad(loss, argnums=(0, 2), has_aux=True)(trainable, fixed, x)
    point = ops.convert_to_tensor(x)
    with kerasgpu.GradientTape(persistent=True) as tape:
        tape.watch(point)
        y = mine(point, **more)
        total = ops.sum(y * g)
    oracle.close(y, wanted, 1e-4, 1e-5, "output")
    oracle.close(tape.gradient(total, point), slopes[1], 1e-3, 1e-4, "gradient of the input")
    for ours, theirs_too in zip(tape.gradient(total, mine.trainable_variables), slopes[0]):
        oracle.close(ours, theirs_too, 1e-3, 1e-4, "gradient of a weight")
    for ours, theirs_too in zip(mine.non_trainable_variables, fixed):
        oracle.close(ours, theirs_too, 1e-4, 1e-5, ours.name)


def test_masked_batch_normalization():
    r = np.random.default_rng(0)
    x, mask = r.normal(size=(3, 6, 4)).astype("float32"), r.random((3, 6)) < 0.5
    theirs, mine = keras.layers.BatchNormalization(momentum=0.5), layers.BatchNormalization(momentum=0.5)
    oracle.close(mine(x, training=True, mask=mask), theirs(x, training=True, mask=mask), 1e-4, 1e-5)
    for a, b in zip(mine.weights, theirs.weights):
        oracle.close(a, b)
