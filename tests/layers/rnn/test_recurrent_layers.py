"""Recurrent layers: states over batches, dropout, custom cells, files, training, and what bad input is told."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5, 3)).astype("float32")
KINDS = [layers.SimpleRNN, layers.LSTM, layers.GRU]


class Total(layers.Layer):
    """A cell of one's own: the running sum of its inputs."""

    state_size = 3

    def call(self, inputs, states):
        total = inputs + states[0]
        return 2 * total, [total]


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layers_go_on_where_the_batch_before_ended(kind):
    whole, parts = kind(4, return_sequences=True), kind(4, return_sequences=True, stateful=True)
    wanted = whole(X).numpy()
    parts.build((4, 2, 3))
    parts.set_weights(whole.get_weights())
    np.testing.assert_array_equal(np.concatenate([parts(X[:, :2]), parts(X[:, 2:])], axis=1), wanted)
    parts.reset_state()
    np.testing.assert_array_equal(parts(X[:, :2]), wanted[:, :2])


def test_stateful_models_keep_states_in_fit_evaluate_and_predict():
    model = keras.Sequential([keras.Input(batch_shape=(2, 5, 3)), layers.GRU(4, stateful=True), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((4, 1)), batch_size=2, shuffle=False, verbose=0)
    kept = model.layers[0].states[0].numpy()
    assert (kept != 0).any()
    one = model.predict(X[:2], batch_size=2, verbose=0)
    assert (one != model.predict(X[:2], batch_size=2, verbose=0)).any()
    model.layers[0].reset_state()
    first = model.predict(X[:2], batch_size=2, verbose=0)
    model.layers[0].reset_state()
    np.testing.assert_array_equal(model.predict(X[:2], batch_size=2, verbose=0), first)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arguments", [{}, {"dropout": 0.3, "recurrent_dropout": 0.2, "seed": 1}], ids=["plain", "dropout"])
def test_captured_steps_equal_eager_ones(kind, arguments):
    def fitted(eager):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((5, 3))
        y = layers.Masking()(inputs)
        y = layers.Bidirectional(kind(4, return_sequences=True, **arguments))(y)
        model = keras.Model(inputs, layers.Dense(1)(kind(4, **arguments)(y)))
        model.compile("adam", "mse", run_eagerly=eager)
        padded = np.where(np.arange(5)[None, :, None] < np.array([5, 3, 1, 4])[:, None, None], X, 0)
        model.fit(padded, np.ones((4, 1)), batch_size=2, epochs=2, verbose=0)
        return model.get_weights()

    for a, b in zip(fitted(False), fitted(True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_masks_are_the_same_at_all_steps():
    layer = layers.SimpleRNN(
        3, dropout=0.5, seed=1, activation=None, kernel_initializer="ones", recurrent_initializer="zeros", return_sequences=True
    )
    out = layer(np.ones((4, 6, 3), "float32"), training=True).numpy()
    np.testing.assert_array_equal(out, out[:, :1].repeat(6, axis=1))
    assert (layer(np.ones((4, 6, 3), "float32"), training=True).numpy() != out).any()
    np.testing.assert_allclose(layer(np.ones((4, 6, 3), "float32")), 3.0)


def test_each_gate_has_its_own_recurrent_dropout():
    cell = layers.LSTMCell(4, recurrent_dropout=0.5, seed=0)
    masks = cell.get_recurrent_dropout_mask(ops.ones((2, 4)))
    assert len(masks) == 4 and (masks[0].numpy() != masks[1].numpy()).any()
    assert cell.get_recurrent_dropout_mask(ops.ones((2, 4))) is masks
    cell.reset_recurrent_dropout_mask()
    assert cell._recurrent_dropout_mask is None


def test_cells_of_ones_own():
    layer = layers.RNN(Total(), return_sequences=True, return_state=True)
    out, total = layer(X)
    np.testing.assert_allclose(out, 2 * X.cumsum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(total, X.sum(1), rtol=1e-5, atol=1e-6)
    mask = np.array([[0, 1, 1, 0, 1]] * 4, bool)
    out, total = layer(X, mask=mask, initial_state=[np.ones((4, 3), "float32")])
    running = 1 + (X * mask[..., None]).cumsum(1)
    np.testing.assert_allclose(total, running[:, -1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out[:, 1:], 2 * running[:, 1:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(out[:, 0], 1.0)  # the state, before any step counted


def test_calls_on_symbols_have_the_shapes_of_calls_on_values():
    for kind in KINDS:
        for arguments in (
            {},
            {"return_sequences": True},
            {"return_state": True},
            {"return_sequences": True, "return_state": True},
        ):
            for layer in (
                kind(4, **arguments),
                layers.Bidirectional(kind(4, **arguments)),
                layers.Bidirectional(kind(4, **arguments), None),
            ):
                symbols, values = layer(keras.Input((5, 3), batch_size=4)), layer(X)
                pairs = zip(symbols, values, strict=True) if isinstance(values, tuple) else [(symbols, values)]
                assert all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)
    state = keras.Input((4,))
    output, states = layers.LSTMCell(4)(keras.Input((3,)), [state, state])
    assert output.shape == (None, 4) and [s.shape for s in states] == [(None, 4)] * 2


def test_the_mask_of_sequences_counts_beside_an_initial_state():
    x = np.concatenate([X, np.zeros_like(X)], axis=1)
    layer = layers.LSTM(4)
    start = [np.ones((4, 4), "float32")] * 2
    np.testing.assert_array_equal(layer(layers.Masking()(x), initial_state=start), layer(X, initial_state=start))


@pytest.mark.filterwarnings("ignore:.*no training configuration")
@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_saved_models_compute_the_same(file, tmp_path):
    inputs = keras.Input((5, 3))
    y, h = layers.GRU(4, return_sequences=True, return_state=True, reset_after=False)(inputs)
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.1))(y)
    y = layers.GRU(4)(y, initial_state=h)
    z = layers.RNN([layers.LSTMCell(2), layers.SimpleRNNCell(3)], unroll=True)(inputs)
    model = keras.Model(inputs, [y, z, layers.TimeDistributed(layers.Dense(2))(inputs)])
    model.save(tmp_path / file)
    again = keras.saving.load_model(tmp_path / file)
    for a, b in zip(model.predict(X, verbose=0), again.predict(X, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_mixed_precision_and_other_dtypes():
    for kind in KINDS:
        assert kind(4, dtype="mixed_float16")(X).dtype == "float16"
        assert layers.Bidirectional(kind(4, dtype="bfloat16"), dtype="bfloat16")(X).dtype == "bfloat16"
        assert kind(4, dtype="float64")(X).dtype == "float64"


def test_activity_regularizer_counts():
    for kind in KINDS:
        layer = kind(4, activity_regularizer="l2")
        layer(X)
        assert len(layer.losses) == 1


@pytest.mark.parametrize(
    "run, words",
    [
        (lambda: layers.LSTM(0), "`units`, expected a positive integer, got 0"),
        (lambda: layers.GRUCell(-1), "`units`, expected a positive integer, got -1"),
        (lambda: layers.LSTM(4)(X[0]), "expected ndim=3, found ndim=2"),
        (lambda: layers.LSTM(4, name="a")(X, mask=np.ones((4, 6), bool)), r"'a' \(LSTM\) was given a mask of shape \(4, 6\)"),
        (lambda: layers.LSTM(4, name="a")(X, initial_state=[np.ones((4, 4))]), r"'a' \(LSTM\) has 2 states, of shapes \(4, 4\), \(4, 4\)"),
        (lambda: layers.GRU(4, name="a")(X, initial_state=[np.ones((4, 5))]), r"'a' \(GRU\) has 1 state, of shape \(4, 4\)"),
        (lambda: layers.GRU(4, stateful=True, name="a")(keras.Input((5, 3))), r"'a' \(GRU\) is stateful, so its batch size must be known"),
        (lambda: layers.GRU(4)(X[:, :0]), "needs at least one time step"),
        (lambda: layers.LSTM(4, use_cudnn="maybe"), "use_cudnn=maybe"),
        (lambda: layers.RNN(object()), "should have a `call` method"),
        (lambda: layers.RNN(layers.Dense(2)), "should have a `state_size`"),
        (lambda: layers.StackedRNNCells([layers.Dense(2)]), "All cells must have a `state_size`"),
        (lambda: layers.Bidirectional(layers.GRU(2), "max"), "Invalid merge mode. Received: max"),
        (lambda: layers.Bidirectional(layers.GRU(2))(X, initial_state=[np.ones((4, 2))]), "needs `initial_state` as a list"),
        (lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)), "different `go_backwards`"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_to_change(run, words):
    with pytest.raises((ValueError, TypeError), match=words):
        run()


def test_a_stateful_layer_refuses_another_batch_size():
    layer = layers.GRU(4, stateful=True, name="a")
    layer(X)
    with pytest.raises(ValueError, match=r"'a' \(GRU\) is stateful and keeps states for a batch size of 4.*\(3, 5, 3\)"):
        layer(X[:3])
