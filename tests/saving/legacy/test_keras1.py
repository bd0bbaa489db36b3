"""Files of Keras 1, in the words of that version."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops
from tests.saving.legacy.files import layer, write

RNG = np.random.default_rng(0)
SINGLE = {"init": "uniform", "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1}, "b_regularizer": None}


def load(tmp_path, layers, weights, **more):
    path = write(
        tmp_path / "m.h5", {"class_name": "Sequential", "config": layers}, weights, version="1.2.2", backend=None, **more
    )
    return keras.models.load_model(path, compile=False)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize("ordering", ["tf", "th"])
def test_convolution(tmp_path, ordering):
    """Kernels of dim_ordering="th" were stored with the filters first."""
    kernel, bias, x = normal(2, 3, 4, 5), normal(5), normal(2, 6, 7, 4)
    conv = layer("Convolution2D", "c", nb_filter=5, nb_row=2, nb_col=3, border_mode="valid", subsample=[1, 1], bias=True,
                 dim_ordering=ordering, activation="linear", input_dtype="float32", **SINGLE)  # fmt: skip
    first = ordering == "th"
    conv["config"]["batch_input_shape"] = [None, 4, 6, 7] if first else [None, 6, 7, 4]
    stored = kernel.transpose(3, 2, 0, 1) if first else kernel
    model = load(tmp_path, [conv], {"c": [("c_W:0", stored), ("c_b:0", bias)]})
    want = ops.conv(x, kernel, padding="valid", data_format="channels_last").numpy() + bias
    got = model(x.transpose(0, 3, 1, 2) if first else x).numpy()
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1) if first else got, want, rtol=1e-4, atol=1e-5)
    assert model.layers[0].kernel_regularizer.get_config()["l2"] == pytest.approx(0.1)


def test_names_tell_the_backend(tmp_path):
    """Theano's variables have no ":0": its kernels are flipped."""
    conv = layer("Convolution1D", "c", nb_filter=1, filter_length=3, border_mode="valid", subsample_length=1, init="one",
                 activation="linear", batch_input_shape=[None, 3, 1])  # fmt: skip
    kernel = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    x = np.array([1.0, 0.0, 0.0], "float32").reshape(1, 3, 1)
    for suffix, want in ((":0", 1.0), ("", 3.0)):
        model = load(tmp_path, [conv], {"c": [(f"c_W{suffix}", kernel), (f"c_b{suffix}", [0.0])]})
        assert float(model(x)[0, 0, 0]) == want, suffix


def test_dense_layers_of_their_own(tmp_path):
    """Dense, MaxoutDense, Highway, and the batch normalization and dropout between them."""
    w, b, mw, mb, hw, cw, hb, cb = (
        normal(3, 4),
        normal(4),
        normal(2, 4, 4),
        normal(2, 4),
        *(normal(4, 4) for _ in range(2)),
        *(normal(4) for _ in range(2)),
    )
    gamma, beta, mean, var = normal(4), normal(4), normal(4), normal(4) ** 2 + 0.5
    layers = [
        layer(
            "Dense", "d", output_dim=4, activation="hard_sigmoid", bias=True, input_dim=3, batch_input_shape=[None, 3], **SINGLE
        ),
        layer("BatchNormalization", "n", mode=0, axis=-1, epsilon=1e-3, momentum=0.9, gamma_init="one", beta_init="zero"),
        layer("Dropout", "o", p=0.5),
        layer("MaxoutDense", "m", output_dim=4, nb_feature=2, init="uniform", bias=True, input_dim=None),
        layer("Highway", "h", init="uniform", activation="tanh", bias=True, input_dim=None),
    ]
    weights = {
        "d": [("d_W:0", w), ("d_b:0", b)],
        "n": [("n_gamma:0", gamma), ("n_beta:0", beta), ("n_running_mean:0", mean), ("n_running_std:0", var)],
        "o": [],
        "m": [("m_W:0", mw), ("m_b:0", mb)],
        "h": [("h_W:0", hw), ("h_W_carry:0", cw), ("h_b:0", hb), ("h_b_carry:0", cb)],
    }
    model = load(tmp_path, layers, weights)
    x = normal(5, 3)
    y = np.clip(0.2 * (x @ w + b) + 0.5, 0, 1)
    y = (y - mean) / np.sqrt(var + 1e-3) * gamma + beta
    y = np.max([y @ mw[k] + mb[k] for k in range(2)], axis=0)
    share = 1 / (1 + np.exp(-(y @ cw + cb)))
    want = share * np.tanh(y @ hw + hb) + (1 - share) * y
    np.testing.assert_allclose(model(x).numpy(), want, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())


@pytest.mark.parametrize("mode, want", [("sum", lambda a, b: a + b), ("concat", lambda a, b: np.concatenate([a, b], -1))])
def test_merge_of_branches(tmp_path, mode, want):
    """A Sequential model whose first layer merges two others; the file lists all of their layers."""
    branch = lambda n: {"class_name": "Sequential", "config": [
        layer("Dense", f"d{n}", output_dim=2, activation="linear", bias=False, batch_input_shape=[None, 3], init="one")
    ]}  # fmt: skip
    merge = layer("Merge", "merge", mode=mode, concat_axis=-1, dot_axes=-1, layers=[branch(1), branch(2)])
    head = layer("Activation", "a", activation="linear")
    w = normal(3, 2), normal(3, 2)
    model = load(tmp_path, [merge, head], {"d1": [("d1_W:0", w[0])], "d2": [("d2_W:0", w[1])], "merge": [], "a": []})
    x = normal(4, 3), normal(4, 3)
    np.testing.assert_allclose(model(list(x)).numpy(), want(x[0] @ w[0], x[1] @ w[1]), rtol=1e-4, atol=1e-5)


def test_time_distributed_dense(tmp_path):
    w, b = normal(3, 2), normal(2)
    old = layer(
        "TimeDistributedDense", "t", output_dim=2, activation="linear", init="one", bias=True, batch_input_shape=[None, 4, 3]
    )
    model = load(tmp_path, [old], {"t": [("t_W:0", w), ("t_b:0", b)]})
    x = normal(2, 4, 3)
    np.testing.assert_allclose(model(x).numpy(), x @ w + b, rtol=1e-4, atol=1e-5)


def test_what_is_gone(tmp_path):
    for gone, words in (
        (layer("SReLU", "x", batch_input_shape=[None, 3]), "'x' is a SReLU"),
        (layer("BatchNormalization", "x", mode=1, batch_input_shape=[None, 3]), "mode=1"),
        (
            layer("ConvLSTM2D", "x", nb_filter=3, nb_row=2, nb_col=2, batch_input_shape=[None, 3, 4, 4, 2]),
            r"'x' is a ConvLSTM2D: keras.layers.ConvLSTM2D is not available",
        ),
    ):
        with pytest.raises((ValueError, NotImplementedError), match=words):
            load(tmp_path, [gone], {"x": []})


@pytest.mark.parametrize("kind, gates, order", [("LSTM", "icfo", (0, 2, 1, 3)), ("GRU", "zrh", (0, 1, 2))])
def test_gates_of_recurrent_layers(tmp_path, kind, gates, order):
    """Files of Keras 1 have W, U and b of each gate by itself, those of LSTM in another order than today's."""
    parts = {g: (normal(2, 3), normal(3, 3), normal(3)) for g in gates}
    names = {f"r_{k}_{g}:0": v for g in gates for k, v in zip("WUb", parts[g])}
    old = layer(kind, "r", output_dim=3, return_sequences=True, batch_input_shape=[None, 5, 2], inner_activation="sigmoid")
    model = load(tmp_path, [old], {"r": list(names.items())})
    blocks = [parts[gates[k]] for k in order]
    kernel, recurrent, bias = (np.concatenate([block[k] for block in blocks], axis=-1) for k in range(3))
    made = model.layers[-1]
    for found, wanted in zip(made.get_weights(), (kernel, recurrent, bias), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert made.return_sequences and made.recurrent_activation.__name__ == "sigmoid"
    assert model(normal(4, 5, 2)).shape == (4, 5, 3)
