"""Tokenizer, hashing, pairs of words and windows of series, as Keras 2 documented them."""

import hashlib
import json
import random

import numpy as np
import pytest

import kerasgpu as keras

sequence, text = keras.preprocessing.sequence, keras.preprocessing.text
TEXTS = ["The cat sat on the mat.", "A dog, a cat; the end!"]


def test_words_are_numbered_by_frequency():
    tokenizer = text.Tokenizer()
    tokenizer.fit_on_texts(TEXTS)
    assert tokenizer.word_index == {"the": 1, "cat": 2, "a": 3, "sat": 4, "on": 5, "mat": 6, "dog": 7, "end": 8}
    assert tokenizer.word_counts["the"] == 3 and tokenizer.word_docs["the"] == 2 and tokenizer.document_count == 2
    numbers = tokenizer.texts_to_sequences(["the bird sat", ["The", "DOG"]])
    assert numbers == [[1, 4], [1, 7]]
    assert tokenizer.sequences_to_texts(numbers) == ["the sat", "the dog"]


def test_few_words_and_unknown_ones():
    tokenizer = text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(TEXTS)
    assert tokenizer.word_index["?"] == 1 and len(tokenizer.word_index) == 9
    assert tokenizer.texts_to_sequences(["the cat saw a bird"]) == [[2, 3, 1, 1, 1]]
    assert tokenizer.sequences_to_texts([[2, 3, 5, 99]]) == ["the cat ? ?"]
    letters = text.Tokenizer(char_level=True)
    letters.fit_on_texts(["abba b"])
    assert letters.texts_to_sequences(["ab c"]) == [[2, 1, 3]]


def test_rows_of_words():
    tokenizer = text.Tokenizer()
    tokenizer.fit_on_texts(["a b b", "a c"])
    rows = lambda mode: tokenizer.texts_to_matrix(["b b a"], mode)[0]
    assert rows("binary").tolist() == [0, 1, 1, 0] and rows("count").tolist() == [0, 1, 2, 0]
    np.testing.assert_allclose(rows("freq"), [0, 1 / 3, 2 / 3, 0])
    np.testing.assert_allclose(rows("tfidf"), [0, np.log(1 + 2 / 3), (1 + np.log(2)) * np.log(2), 0])
    with pytest.raises(ValueError, match="`mode` must be"):
        rows("idf")
    with pytest.raises(ValueError, match="call fit_on_texts"):
        text.Tokenizer().texts_to_matrix(["a"])


def test_a_tokenizer_comes_back_from_json():
    tokenizer = text.Tokenizer(num_words=5, oov_token="?")
    tokenizer.fit_on_texts(TEXTS)
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.get_config() == tokenizer.get_config()
    assert np.array_equal(again.texts_to_matrix(TEXTS, "tfidf"), tokenizer.texts_to_matrix(TEXTS, "tfidf"))
    again.fit_on_texts(["new words"])
    assert json.loads(again.to_json())["class_name"] == "Tokenizer" and again.document_count == 3


def test_hashes_of_words():
    numbers = text.hashing_trick("the cat, the dog", 50, "md5")
    assert numbers[0] == numbers[2] == int(hashlib.md5(b"the").hexdigest(), 16) % 49 + 1
    assert all(1 <= n < 50 for n in numbers) and text.hashing_trick("a b", 10, len) == [2, 2]
    assert text.one_hot("a b a", 9) == [hash(w) % 8 + 1 for w in "aba"]


def test_pairs_of_words():
    random.seed(0)
    pairs, labels = sequence.skipgrams([1, 2, 0, 3], 10, window_size=2, negative_samples=2.0, seed=1)
    true = sorted(p for p, label in zip(pairs, labels) if label)
    assert true == [[1, 2], [2, 1], [2, 3], [3, 2]] and labels.count(0) == 8 and all(1 <= b < 10 for _, b in pairs)
    assert sequence.skipgrams([1, 2], 3, sampling_table=np.zeros(3)) == ([], [])
    assert [0, 1] in sequence.skipgrams([1, 2], 3, categorical=True)[1]
    table = sequence.make_sampling_table(1000)
    assert table.shape == (1000,) and np.all(np.diff(table[1:]) > 0) and table[0] == table[1]
    np.testing.assert_allclose(table[10], np.sqrt(1e-5 * (10 * (np.log(10) + 0.577) + 0.5 - 1 / 120)))


def test_windows_of_a_series():
    data = np.arange(50.0).reshape(50, 1)
    windows = sequence.TimeseriesGenerator(data, data[:, 0], length=10, sampling_rate=2, batch_size=2)
    x, y = windows[0]
    assert len(windows) == 20 and x[..., 0].tolist() == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]] and y.tolist() == [10, 11]
    assert sequence.TimeseriesGenerator(data, data, 10, reverse=True)[0][0][0, 0, 0] == 9
    strided = sequence.TimeseriesGenerator(data, data[:, 0], 3, stride=20, start_index=5, batch_size=8)
    assert len(strided) == 1 and strided[0][1].tolist() == [8, 28, 48]
    again = sequence.timeseries_generator_from_json(windows.to_json())
    assert np.array_equal(again[3][0], windows[3][0]) and again.get_config() == windows.get_config()
    with pytest.raises(ValueError, match="Use a smaller `length`"):
        sequence.TimeseriesGenerator(data, data, 60)
    model = keras.Sequential([keras.Input((5, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.predict(windows, verbose=0).shape == (40, 1)
