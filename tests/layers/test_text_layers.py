"""Lookups, hashing, text vectorization and spectrograms: values, files, errors. Hashes are those of TensorFlow."""

import json

import numpy as np
import pytest
from layer_check import check_layer
from scipy import signal

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.configs.serialization import SafeModeScope
from kerasgpu.layers.preprocessing import hashes

WORDS = [["earth", "wind", "and", "fire"], ["fire", "and", "earth", "michigan"]]
VOCABULARY = ["earth", "wind", "and", "fire"]
FAST = [377723, 127888, 173631, 50555, 219214, 848790, 885786, 621271, 448388, 267324, 412793, 306947, 755484, 522206]
STRONG = [953272, 212495, 166020, 912878, 487011, 150245, 807134, 116167, 314305, 63632, 181149, 9046, 279154, 470739]
CROSSED = [486008, 120777, 514770]


def round_trip(layer, inputs):
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    np.testing.assert_array_equal(np.asarray(again(inputs)), np.asarray(layer(inputs)))
    assert again.get_config() == layer.get_config()


def test_hashes_are_those_of_tensorflow():
    """Numbers that tf.strings.to_hash_bucket_fast and _strong and tf.sparse.cross_hashed of TensorFlow 2.21 give."""
    texts = ["A" * n for n in (0, 1, 3, 4, 8, 16, 17, 32, 33, 64, 65, 128, 129, 300)]
    fast = [hashes.fingerprint(t.encode()) % 1000003 for t in texts]
    strong = [hashes.keyed(t.encode(), [133, 137]) % 1000003 for t in texts]
    assert fast == FAST and strong == STRONG
    assert hashes.bins(np.array(["a", "b"]), 10).dtype == "int64"
    crossed = layers.HashedCrossing(1000003)((np.array(["A", "B", "xyz"]), np.array([101, -5, 2**40])))
    assert crossed.tolist() == CROSSED


def test_hashing():
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert layers.Hashing(3)(letters).numpy().ravel().tolist() == [1, 0, 1, 1, 2]
    assert layers.Hashing(3, mask_value="")([["A"], ["B"], [""], ["C"], ["D"]]).numpy().ravel().tolist() == [1, 1, 0, 2, 2]
    assert layers.Hashing(3, salt=[133, 137])(letters).numpy().ravel().tolist() == [1, 2, 1, 0, 2]
    assert layers.Hashing(3, salt=133)(letters).numpy().ravel().tolist() == [0, 0, 2, 1, 0]
    hot = layers.Hashing(3, output_mode="one_hot")(letters)
    assert hot.dtype == "float32" and hot.numpy().argmax(1).tolist() == [1, 0, 1, 1, 2]
    numbers = layers.Hashing(4, output_mode="multi_hot")(np.arange(6).reshape(2, 3))
    assert numbers.shape == (2, 4)
    assert layers.Hashing(4)(keras.Input((3,), dtype="int64")).shape == (None, 3)
    round_trip(layers.Hashing(7, mask_value=3, salt=4), np.arange(20))
    for arguments, message in [
        ({"num_bins": 0}, "num_bins"),
        ({"num_bins": 3, "output_mode": "x"}, "output_mode"),
        ({"num_bins": 3, "salt": [1]}, "salt"),
        ({"num_bins": 3, "dtype": "float32"}, "integer type"),
        ({"num_bins": 3, "output_mode": "count", "sparse": True}, "sparse"),
    ]:
        with pytest.raises(ValueError, match=message):
            layers.Hashing(**arguments)


def test_hashed_crossing():
    features = np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])
    assert layers.HashedCrossing(5)(features).tolist() == [1, 4, 1, 1, 3]
    hot = layers.HashedCrossing(5, output_mode="one_hot")(features)
    assert hot.shape == (5, 5) and hot.numpy().argmax(1).tolist() == [1, 4, 1, 1, 3]
    column = tuple(f[:, None] for f in features)
    assert layers.HashedCrossing(5)(column).shape == (5, 1)
    assert layers.HashedCrossing(5, output_mode="one_hot")(column).shape == (5, 5)
    assert layers.HashedCrossing(5)(("A", 101)).shape == ()
    layer = layers.HashedCrossing(5)
    for inputs, message in [
        (np.array([1]), "list or tuple"),
        ([np.array([1])], "at least two"),
        ((np.zeros((2, 2), int), np.zeros((2, 2), int)), "inputs should have shape"),
        ((np.zeros(2, int), np.zeros(3, int)), "equal shape"),
        ((np.zeros(2), np.zeros(2)), "integer or string"),
    ]:
        with pytest.raises(ValueError, match=message):
            layer(inputs)


def test_string_lookup():
    layer = layers.StringLookup(vocabulary=VOCABULARY)
    assert layer(WORDS).tolist() == [[1, 2, 3, 4], [4, 3, 1, 0]]
    assert layer(np.array(WORDS).astype("S")).tolist() == layer(WORDS).tolist()
    assert layer("fire").tolist() == 4 and layer.get_vocabulary() == ["[UNK]", *VOCABULARY]
    masked = layers.StringLookup(vocabulary=VOCABULARY, mask_token="", num_oov_indices=2)
    assert masked([["", "earth", "fire"]]).tolist() == [[0, 3, 6]]
    assert set(masked([["x", "y", "z", "w"]]).numpy().ravel()) <= {1, 2}
    assert masked.get_vocabulary(include_special_tokens=False) == VOCABULARY
    inverse = layers.StringLookup(vocabulary=VOCABULARY, invert=True)
    assert inverse(layer(WORDS)).tolist() == [["earth", "wind", "and", "fire"], ["fire", "and", "earth", "[UNK]"]]
    strict = layers.StringLookup(vocabulary=VOCABULARY, num_oov_indices=0)
    assert strict([["earth"]]).tolist() == [[0]]
    with pytest.raises(ValueError, match="michigan"):
        strict(WORDS)
    for mode, wanted in [
        ("multi_hot", [[0, 1, 1, 1, 1], [1, 1, 0, 1, 1]]),
        ("count", [[0, 1, 1, 1, 1], [1, 1, 0, 1, 1]]),
        ("one_hot", np.eye(5)[[[1, 2, 3, 4], [4, 3, 1, 0]]]),
    ]:
        coded = layers.StringLookup(vocabulary=VOCABULARY, output_mode=mode)
        np.testing.assert_array_equal(coded(WORDS), wanted)
        assert coded(WORDS).dtype == "float32"
        round_trip(coded, WORDS)
        symbolic = coded(keras.KerasTensor((2, 4), dtype="string"))
        assert (symbolic.shape, symbolic.dtype) == (np.shape(wanted), "float32")


def test_adapt():
    data = [["a", "b", "b"], ["b", "c", "c"], ["d", "a", "b"]]
    for given in (np.array(data), data, (np.array(row) for row in data)):
        layer = layers.StringLookup()
        layer.adapt(given)
        assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a", "d"]
    layer = layers.StringLookup(max_tokens=3, mask_token="d")
    layer.adapt(data)
    assert layer.get_vocabulary() == ["d", "[UNK]", "b"]
    layer.adapt([["z"]])
    assert layer.get_vocabulary() == ["d", "[UNK]", "z"], "learned anew"
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(data)
    weights = np.log(1 + 3 / (1 + np.array([3, 1, 2, 1])))
    np.testing.assert_allclose(layer([["b", "b", "x"]])[0], [weights.mean(), 2 * weights[0], 0, 0, 0], rtol=1e-6)
    with pytest.raises(ValueError, match="static vocabulary"):
        layers.StringLookup(vocabulary=["a"]).adapt(data)
    with pytest.raises(RuntimeError, match="must set the layer's vocabulary"):
        layers.StringLookup(output_mode="count")(data)


def test_integer_lookup():
    layer = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
    assert layer(np.array([[12, 1138, 42], [42, 1000, 36]])).tolist() == [[1, 3, 4], [4, 0, 2]]
    assert layer(keras.ops.convert_to_tensor([36, 5])).tolist() == [2, 0]
    many = layers.IntegerLookup(vocabulary=[12, 36], num_oov_indices=3, mask_token=0)
    assert many([0, 12, 36, 7, 8, -1]).tolist() == [0, 4, 5, 2, 3, 3]
    inverse = layers.IntegerLookup(vocabulary=[12, 36], invert=True)
    assert inverse([1, 2, 0, 9]).tolist() == [12, 36, -1, -1]
    padded = layers.IntegerLookup(vocabulary=[1, 2], output_mode="multi_hot", max_tokens=5, pad_to_max_tokens=True)
    assert padded([[1, 9]]).tolist() == [[1, 1, 0, 0, 0]]
    farm = layers.IntegerLookup(vocabulary=[1], num_oov_indices=5, oov_method="farmhash", salt=3)
    assert farm(np.arange(10)).tolist() == layers.IntegerLookup.from_config(farm.get_config())(np.arange(10)).tolist()
    round_trip(many, [[1, 12, 3]])
    for arguments, message in [
        ({"max_tokens": 1}, "max_tokens"),
        ({"pad_to_max_tokens": True}, "max_tokens"),
        ({"num_oov_indices": -1}, "num_oov_indices"),
        ({"vocabulary": [1, 2, 1]}, "repeated"),
        ({"vocabulary": []}, "empty"),
        ({"vocabulary": [1, 0, 2], "mask_token": 0}, "reserved mask"),
        ({"vocabulary": [1, 2, 3], "max_tokens": 3}, "larger than the maximum"),
        ({"invert": True, "output_mode": "count"}, "invert"),
        ({"idf_weights": [1.0]}, "idf_weights"),
        ({"vocabulary": [1], "output_mode": "tf_idf"}, "idf_weights"),
        ({"salt": 3}, "farmhash"),
        ({"vocabulary_dtype": "int32"}, "int64"),
        ({"oov_method": "md5"}, "oov_method"),
        ({"output_mode": "hot"}, "output_mode"),
        ({"tokens": 3}, "Unrecognized"),
    ]:
        with pytest.raises(ValueError, match=message):
            layers.IntegerLookup(**arguments)


def test_text_vectorization():
    texts = ["Foo QUX, bar!", "qux baz"]
    layer = layers.TextVectorization(vocabulary=["foo", "bar", "baz"])
    assert layer(texts).tolist() == [[2, 1, 3], [1, 4, 0]]
    assert layer(np.array(texts)[:, None]).tolist() == layer(texts).tolist()
    assert layer("foo bar").tolist() == [2, 3]
    assert layers.TextVectorization(vocabulary=["foo"], output_sequence_length=2)(texts).tolist() == [[2, 1], [1, 1]]
    assert layers.TextVectorization(vocabulary=["foo"], output_sequence_length=5)(["foo"]).tolist() == [[2, 0, 0, 0, 0]]
    assert layers.TextVectorization(vocabulary=["a", "b"], split="character")(["abc"]).tolist() == [[2, 3, 1]]
    assert layers.TextVectorization(vocabulary=["a b"], split=None)(["a b", "a"]).tolist() == [[2], [1]]
    pairs = layers.TextVectorization(ngrams=2)
    pairs.adapt(["a b a b"])
    assert pairs.get_vocabulary() == ["", "[UNK]", "b", "a b", "a", "b a"]
    own = layers.TextVectorization(standardize=np.char.upper, split=lambda x: [t.split("-") for t in x], vocabulary=["A"])
    assert own(["a-b"]).tolist() == [[2, 1]]
    counts = layers.TextVectorization(output_mode="count", vocabulary=["foo", "bar"])
    assert counts(["foo bar foo", "x"]).tolist() == [[0, 2, 1], [1, 0, 0]]
    assert counts.compute_output_shape((None, 1)) == (None, 3)
    weighed = layers.TextVectorization(output_mode="tf_idf")
    weighed.adapt(["a b", "a c", "a"])
    weights = np.log(1 + 3 / (1 + np.array([3, 1, 1])))
    np.testing.assert_allclose(weighed(["a c"])[0], [0, weights[0], weights[1], 0], rtol=1e-6)
    assert layers.TextVectorization(standardize="lower", split=None, vocabulary=["\u00c4b"])(["\u00c4B"]).tolist() == [[2]]
    round_trip(layers.TextVectorization(vocabulary=["a"], ngrams=(1, 2), max_tokens=9), ["a b"])
    with pytest.raises(ValueError, match="last shape dimension"):
        layer(np.array([["a", "b"]]))
    for arguments, message in [
        ({"standardize": "upper"}, "standardize"),
        ({"split": "comma"}, "split"),
        ({"ngrams": "2"}, "ngrams"),
        ({"output_mode": "x"}, "output_mode"),
        ({"output_mode": "count", "output_sequence_length": 3}, "output_sequence_length"),
        ({"ragged": True}, "ragged"),
    ]:
        with pytest.raises(ValueError, match=message):
            layers.TextVectorization(**arguments)


def test_a_learned_vocabulary_is_saved(tmp_path):
    class Reader(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.text = layers.TextVectorization(output_mode="tf_idf")
            self.lookup = layers.StringLookup()

        def call(self, x):
            return x

    from kerasgpu.configs.registry import custom_object_scope

    model = Reader()
    model.text.adapt(["the cat", "the dog\u00e9"])
    model.lookup.adapt([["x", "y"]])
    model(np.zeros((1, 1), "float32"))
    model.save(tmp_path / "m.keras")
    with custom_object_scope({"Reader": Reader}):
        again = keras.models.load_model(tmp_path / "m.keras")
    assert again.text.get_vocabulary() == model.text.get_vocabulary()
    assert again.lookup.get_vocabulary() == ["[UNK]", "y", "x"]
    np.testing.assert_allclose(again.text(["the dog\u00e9"]), model.text(["the dog\u00e9"]))


def test_vocabulary_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n\n")
    assert layers.StringLookup(vocabulary=str(path))(["b", "c"]).tolist() == [2, 0]
    with pytest.raises(ValueError, match="does not exist"):
        layers.StringLookup(vocabulary=str(tmp_path / "none"))
    with SafeModeScope(True), pytest.raises(ValueError, match="disallowed by default"):  # as while a model is loaded
        layers.StringLookup(vocabulary=str(path))


def test_stft_spectrogram():
    x = np.random.default_rng(0).normal(size=(2, 500, 2)).astype("float32")
    for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
        weights = 1 if mode in ("real", "imag") else 2
        frequencies = 66 if mode == "stft" else 33
        _, y = check_layer(
            layers.STFTSpectrogram,
            {"mode": mode, "frame_length": 50, "frame_step": 20},
            x,
            shape=(2, 23, 2 * frequencies),
            weights=weights,
            masking=False,
        )
        apart = layers.STFTSpectrogram(mode, 50, 20, expand_dims=True)(x)
        assert apart.shape == (2, 23, frequencies, 2)
        first = layers.STFTSpectrogram(mode, 50, 20, data_format="channels_first")(x.transpose(0, 2, 1))
        np.testing.assert_allclose(first, np.asarray(y).transpose(0, 2, 1), rtol=1e-4, atol=1e-4)
    power = layers.STFTSpectrogram("psd", 64, 32, window="hann", periodic=True)(x[:, :, :1])
    _, _, wanted = signal.spectrogram(x[..., 0], window=signal.get_window("hann", 64), noverlap=32, detrend=False)
    np.testing.assert_allclose(np.asarray(power), wanted.transpose(0, 2, 1), rtol=1e-3, atol=1e-4)
    for arguments in ({"frame_step": 300}, {"fft_length": 8}, {"mode": "x"}, {"scaling": "x"}, {"padding": "x"}):
        with pytest.raises(ValueError):
            layers.STFTSpectrogram(**arguments)
    with pytest.warns(UserWarning, match="power of two"):
        layers.STFTSpectrogram(fft_length=300)
    with pytest.raises(TypeError, match="Invalid input type"):
        layers.STFTSpectrogram(dtype="bfloat16")(x)


def test_mel_spectrogram():
    x = np.sin(np.arange(16000) * (2 * np.pi * 1000 / 8000)).astype("float32")
    arguments = {"num_mel_bins": 40, "sampling_rate": 8000, "sequence_stride": 128, "fft_length": 512}
    layer, _ = check_layer(layers.MelSpectrogram, arguments, np.stack([x, 0 * x]), shape=(2, 40, 126), masking=False)
    assert layer.compute_output_shape((None, 16000)) == (None, 40, 126)
    found = np.asarray(layer(x))
    loudest = found[:, 40].argmax()
    edges = 700 * (np.exp(np.linspace(*1127 * np.log(1 + np.array([20, 4000]) / 700), 42) / 1127) - 1)
    assert edges[loudest] < 1000 < edges[loudest + 2]
    assert found.max() - found.min() <= 80.001
    with pytest.raises(ValueError, match="fft_length"):
        layers.MelSpectrogram(fft_length=256, sequence_length=512)
