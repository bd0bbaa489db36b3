"""Recurrent layers in float64 against NumPy written from the definition: outputs, states, masks, gradients."""

import numpy as np
import pytest

from kerasgpu import GradientTape, layers, ops
from kerasgpu.engine import nest

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5, 3))
MASKS = {
    "none": None,
    "right padding": np.arange(5) < np.array([[5], [3], [1], [4]]),
    "left padding": np.arange(5) >= np.array([[0], [2], [4], [1]]),
    "holes": np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [1, 1, 0, 1, 1], [0, 0, 0, 1, 0]], bool),
    "nothing left": np.array([[0] * 5, [1] * 5, [0] * 5, [1, 1, 1, 0, 0]], bool),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn(x, states, w, u, b):
    h = np.tanh(x @ w + states[0] @ u + b)
    return h, [h]


def lstm(x, states, w, u, b):
    i, f, g, o = np.split(x @ w + states[0] @ u + b, 4, axis=1)
    c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, [h, c]


def gru(x, states, w, u, b):
    h = states[0]
    after = b.ndim == 2
    x_z, x_r, x_k = np.split(x @ w + (b[0] if after else b), 3, axis=1)
    if after:
        h_z, h_r, h_k = np.split(h @ u + b[1], 3, axis=1)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        k = np.tanh(x_k + r * h_k)
    else:
        u_z, u_r, u_k = np.split(u, 3, axis=1)
        z, r = sigmoid(x_z + h @ u_z), sigmoid(x_r + h @ u_r)
        k = np.tanh(x_k + (r * h) @ u_k)
    h = z * h + (1 - z) * k
    return h, [h]


LAYERS = {
    "simple": (layers.SimpleRNN, {}, simple_rnn),
    "lstm": (layers.LSTM, {}, lstm),
    "gru": (layers.GRU, {}, gru),
    "gru, reset before": (layers.GRU, {"reset_after": False}, gru),
}


def over_time(step, x, states, weights, mask, backwards=False, zero=False):
    """(outputs of all steps, last states)."""
    outputs, output = [], states[0]
    for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
        new, new_states = step(x[:, t], states, *weights)
        kept = np.ones((len(x), 1), bool) if mask is None else mask[:, t, None]
        output = np.where(kept, new, np.zeros_like(new) if zero else output)
        states = [np.where(kept, a, b) for a, b in zip(new_states, states)]
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def made(name, **arguments):
    cls, own, step = LAYERS[name]
    layer = cls(4, dtype="float64", **own, **arguments)
    layer.build(X.shape)
    layer.set_weights([rng.normal(size=v.shape) for v in layer.weights])
    return layer, step


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_states(name, mask):
    given = MASKS[mask]
    for backwards in (False, True):
        for zero in (False, True):
            layer, step = made(
                name, return_sequences=True, return_state=True, go_backwards=backwards, zero_output_for_mask=zero
            )
            start = [rng.normal(size=(4, 4)) for _ in layer.state_size]
            wanted, ends = over_time(step, X, start, layer.get_weights(), given, backwards, zero)
            for out in (
                layer(X, initial_state=start, mask=given),
                layer([ops.convert_to_tensor(v) for v in (X, *start)], mask=given),
            ):
                np.testing.assert_allclose(out[0], wanted, rtol=1e-10, atol=1e-12)
                for one, other in zip(out[1:], ends, strict=True):
                    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
            layer.return_sequences = False
            np.testing.assert_allclose(layer(X, initial_state=start, mask=given)[0], wanted[:, -1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_equal_differences(name, mask):
    given = MASKS[mask]
    layer, step = made(name, return_sequences=True, return_state=True)
    start = [rng.normal(size=(4, 4)) for _ in layer.state_size]
    weights = layer.get_weights()
    slopes = [rng.normal(size=(4, 5, 4)), *(rng.normal(size=(4, 4)) for _ in start)]

    def total(arrays):
        outputs, ends = over_time(step, arrays[0], arrays[1 : 1 + len(start)], arrays[1 + len(start) :], given)
        return sum((a * b).sum() for a, b in zip((outputs, *ends), slopes))

    x, states = ops.convert_to_tensor(X), [ops.convert_to_tensor(s) for s in start]
    with GradientTape() as tape:
        for t in (x, *states):
            tape.watch(t)
        outputs = layer(x, initial_state=states, mask=given)
        loss = sum(ops.sum(a * b) for a, b in zip(outputs, slopes))
    found = tape.gradient(loss, [x, *states, *layer.trainable_variables])
    arrays = [X, *start, *weights]
    for k, gradient in enumerate(found):
        for _ in range(4):  # along random directions
            along = rng.normal(size=arrays[k].shape)
            ends = [total([a + s * along if j == k else a for j, a in enumerate(arrays)]) for s in (1e-6, -1e-6)]
            assert (gradient.numpy() * along).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_is_two_layers(merge):
    layer = layers.Bidirectional(
        layers.GRU(4, return_sequences=True, return_state=True, dtype="float64"), merge, dtype="float64"
    )
    out = layer(X, mask=MASKS["holes"])
    half = len(layer.weights) // 2
    zeros = [np.zeros((4, 4))]
    weights = layer.get_weights()
    y, ends = over_time(gru, X, zeros, weights[:half], MASKS["holes"], zero=True)
    back, back_ends = over_time(gru, X, zeros, weights[half:], MASKS["holes"], backwards=True, zero=True)
    back = back[:, ::-1]
    joined = {"concat": np.concatenate([y, back], -1), "sum": y + back, "mul": y * back, "ave": (y + back) / 2, None: (y, back)}
    wanted = [*nest.flatten(joined[merge]), *ends, *back_ends]
    for one, other in zip(out, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_stacked_cells_are_layers_one_after_the_other():
    both = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True, return_state=True)
    out, lstm_states, gru_states = both(X.astype("float32"))
    first, second = (
        layers.LSTM(4, return_sequences=True, return_state=True),
        layers.GRU(3, return_sequences=True, return_state=True),
    )
    first.build(X.shape)
    second.build((4, 5, 4))
    first.set_weights(both.get_weights()[:3])
    second.set_weights(both.get_weights()[3:])
    y, h, c = first(X.astype("float32"))
    y, state = second(y)
    for one, other in zip([out, *lstm_states, *gru_states], [y, h, c, state], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_second_derivatives():
    layer, _ = made("lstm")
    x = ops.convert_to_tensor(X)
    along = rng.normal(size=X.shape)

    def slope(point):
        point = ops.convert_to_tensor(point)
        with GradientTape() as tape:
            tape.watch(point)
            loss = ops.sum(layer(point))
        return tape.gradient(loss, point)

    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as tape:
            tape.watch(x)
            loss = ops.sum(layer(x))
        inner = ops.sum(tape.gradient(loss, x) * along)
    found = outer.gradient(inner, x)
    wanted = (slope(X + 1e-6 * along).numpy() - slope(X - 1e-6 * along).numpy()) / 2e-6
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
