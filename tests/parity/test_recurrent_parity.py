"""Recurrent layers: outputs, states, gradients, configs and files equal to real Keras."""

import json

import numpy as np
import oracle
import pytest

import kerasgpu
from kerasgpu import layers, ops
from kerasgpu.engine import nest

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SEQUENCES = {"return_sequences": True, "return_state": True}
CELLS = {
    "SimpleRNN": [{}, {"activation": "relu", "use_bias": False}],
    "LSTM": [{}, {"unit_forget_bias": False, "recurrent_activation": "hard_sigmoid"}, {"use_bias": False, "implementation": 1}],
    "GRU": [{}, {"reset_after": False}, {"reset_after": False, "use_bias": False, "activation": "elu"}, {"use_bias": False}],
}
WAYS = [{}, SEQUENCES, {"go_backwards": True, **SEQUENCES}, {"unroll": True}, {"zero_output_for_mask": True, **SEQUENCES}]
CASES = [
    (name, {**cell, **way})
    for name, cells in CELLS.items()
    for k, cell in enumerate(cells)
    for way in WAYS[: 5 if k == 0 else 3]
]
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
r = np.random.default_rng(0)
X = r.normal(size=(4, 5, 3)).astype("float32")


def pair(name, arguments, states=False):
    theirs, mine = getattr(keras.layers, name)(4, **arguments), getattr(layers, name)(4, **arguments)
    theirs.build(X.shape)
    mine.build(X.shape)
    assert [(v.name, tuple(v.shape)) for v in theirs.weights] == [(v.name, v.shape) for v in mine.weights]
    values = [r.normal(size=v.shape).astype("float32") * 0.5 for v in theirs.weights]
    theirs.set_weights(values)
    mine.set_weights(values)
    return theirs, mine


def starts(layer):
    return [r.normal(size=(4, 4)).astype("float32") for _ in layer.state_size]


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("name, arguments", CASES, ids=[f"{n}-{k}" for k, (n, _) in enumerate(CASES)])
def test_layer(name, arguments, masked):
    import jax

    theirs, mine = pair(name, arguments)
    assert oracle.plain(mine.get_config()).keys() == oracle.plain(theirs.get_config()).keys()
    states = None if arguments.get("unroll") else starts(mine)  # unrolled, JAX has 0 before the first step, not the state
    call = {"mask": MASK} if masked else {}

    def loss(trainable, x):
        out, _ = theirs.stateless_call(
            trainable, [v.value for v in theirs.non_trainable_variables], x, initial_state=states, **call
        )
        return sum((y * (k + 1.5) * y).sum() for k, y in enumerate(jax.tree.leaves(out))), out

    (_, wanted), slopes = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(
        [v.value for v in theirs.trainable_variables], X
    )
    point = ops.convert_to_tensor(X)
    with kerasgpu.GradientTape(persistent=True) as tape:
        tape.watch(point)
        out = mine(point, initial_state=states, **call)
        total = sum(ops.sum(y * (k + 1.5) * y) for k, y in enumerate(nest.flatten(out)))
    for one, other in zip(nest.flatten(out), jax.tree.leaves(wanted), strict=True):
        oracle.close(one, other, 1e-4, 1e-5, "output")
    oracle.close(tape.gradient(total, point), slopes[1], 1e-3, 1e-4, "gradient of the input")
    for one, other in zip(tape.gradient(total, mine.trainable_variables), slopes[0], strict=True):
        oracle.close(one, other, 1e-3, 1e-4, "gradient of a weight")


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_bidirectional(merge, masked):
    arguments = {"merge_mode": merge}
    theirs = keras.layers.Bidirectional(keras.layers.LSTM(4, **SEQUENCES, name="lstm"), name="both", **arguments)
    mine = layers.Bidirectional(layers.LSTM(4, **SEQUENCES, name="lstm"), name="both", **arguments)
    call = {"mask": MASK} if masked else {}
    theirs(X), mine(X)
    assert [v.path for v in theirs.weights] == [v.path for v in mine.weights]
    mine.set_weights(theirs.get_weights())
    wanted, out = theirs(X, **call), mine(X, **call)
    assert len(wanted) == len(out)
    for one, other in zip(out, wanted):
        oracle.close(one, other, 1e-4, 1e-5, "output")
    assert [tuple(s) for s in mine.compute_output_shape(X.shape)] == [tuple(s) for s in theirs.compute_output_shape(X.shape)]


def test_stacked_cells():
    def stack(of):
        return of.RNN(of.StackedRNNCells([of.LSTMCell(4), of.GRUCell(3), of.SimpleRNNCell(2)]), return_sequences=True)

    theirs, mine = stack(keras.layers), stack(layers)
    theirs.build(X.shape), mine.build(X.shape)
    mine.set_weights(theirs.get_weights())
    oracle.close(mine(X), theirs(X), 1e-4, 1e-5)
    oracle.close(mine(X, mask=MASK), theirs(X, mask=MASK), 1e-4, 1e-5)


def models(of, masked):
    x = of.Input((5, 3), name="x")
    y = of.layers.Masking(name="masking")(x) if masked else x
    y, h, c = of.layers.LSTM(4, name="lstm", **SEQUENCES)(y)
    y = of.layers.Bidirectional(of.layers.GRU(3, return_sequences=True, reset_after=False, name="gru"), name="both")(y)
    y = of.layers.LSTM(4, dropout=0.1, recurrent_dropout=0.2, name="decoder")(y, initial_state=[h, c])
    z = of.layers.RNN([of.layers.LSTMCell(2, name="a"), of.layers.SimpleRNNCell(3, name="b")], name="rnn")(x)
    return of.Model(x, [y, z, of.layers.TimeDistributed(of.layers.Dense(2, name="dense"), name="each")(x)])


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("ours_writes", [True, False], ids=["ours writes", "theirs writes"])
def test_files_move_both_ways(kind, ours_writes, tmp_path):
    writer, reader = (kerasgpu, keras) if ours_writes else (keras, kerasgpu)
    model = models(writer, masked=kind == "keras")  # Keras writes masks into .h5 as operations that no class name leads back to
    file = str(tmp_path / f"model.{kind}")
    model.save(file)
    again = reader.saving.load_model(file)
    for one, other in zip(model.predict(X, verbose=0), again.predict(X, verbose=0), strict=True):
        oracle.close(one, other, 1e-4, 1e-5)
    assert json.loads(model.to_json())["config"].keys() == json.loads(again.to_json())["config"].keys()
