"""to_categorical, normalize, pad_sequences, Config, set_random_seed."""

import json

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops


def test_to_categorical():
    np.testing.assert_array_equal(keras.utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    np.testing.assert_array_equal(keras.utils.to_categorical([[0], [1]], 4), np.eye(4)[[0, 1]])
    assert keras.utils.to_categorical(np.zeros((2, 3)), 5).shape == (2, 3, 5)
    tensor = keras.utils.to_categorical(ops.convert_to_tensor([1, 0]), 2)
    assert ops.is_tensor(tensor)
    np.testing.assert_array_equal(tensor, [[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="class 3 does not fit in num_classes=3"):
        keras.utils.to_categorical([0, 3], 3)
    with pytest.raises(ValueError, match="num_classes must be given"):
        keras.utils.to_categorical([])


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize(order, axis):
    x = np.random.default_rng(0).normal(size=(4, 5))
    x[2] = 0
    want = x / np.where((n := np.linalg.norm(x, order, axis, keepdims=True)) == 0, 1, n)
    np.testing.assert_allclose(keras.utils.normalize(x, axis, order), want)


def test_pad_sequences():
    rows = [[1], [2, 3, 4], []]
    pad = keras.utils.pad_sequences
    np.testing.assert_array_equal(pad(rows), [[0, 0, 1], [2, 3, 4], [0, 0, 0]])
    np.testing.assert_array_equal(pad(rows, 2, padding="post", truncating="post", value=9), [[1, 9], [2, 3], [9, 9]])
    assert pad(rows, dtype="float32").dtype == "float32" and pad([]).shape == (0, 0)
    assert pad([["a"], ["b", "c"]], dtype=object, value="").tolist() == [["", "a"], ["b", "c"]]
    assert pad([np.ones((2, 3)), np.ones((1, 3))]).shape == (2, 2, 3)
    for arguments, match in (
        (([1, 2],), "list of iterables. Found non-iterable: 1"),
        ((rows, 2, "int32", "middle"), 'Padding type "middle"'),
        (([[1]], None, "int32", "pre", "pre", "x"), "not compatible with `value`'s type"),
        (([np.ones((2, 3)), np.ones((1, 4))],), "different from expected shape"),
    ):
        with pytest.raises(ValueError, match=match):
            pad(*arguments)


def test_config():
    config = keras.utils.Config(a=1)
    config.b = [2]
    config["c"] = {"d": 3}
    assert config.as_dict() == {"a": 1, "b": [2], "c": {"d": 3}} == json.loads(config.to_json())
    assert "a" in config and len(config) == 3 and config.get("z", 5) == 5 and list(config) == ["a", "b", "c"]
    copy = config.copy()
    del copy.a
    assert copy.pop("b") == [2] and "a" in config
    config.freeze()
    for change in (
        lambda: setattr(config, "a", 2),
        lambda: config.pop("a"),
        lambda: config.update(a=2),
        lambda: config.clear(),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.update(a=2)
    assert config.a == 2
    with pytest.raises(AttributeError, match="no attribute 'x'"):
        _ = config.x


def run(seed, epochs=3):
    """Weights, losses and outputs of a training with random weights, dropout, noise, and shuffled samples."""
    keras.utils.set_random_seed(seed)
    x, y = np.random.normal(size=(64, 6)).astype("float32"), np.random.normal(size=(64, 1)).astype("float32")
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(16, "relu"), layers.Dropout(0.3), layers.GaussianNoise(0.1), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    history = model.fit(x, y, batch_size=10, epochs=epochs, validation_split=0.2, verbose=0)
    return [*model.get_weights(), history.history["loss"], model.predict(x, verbose=0), np.asarray(keras.random.normal((5,)))]


def test_a_seed_gives_the_same_bits():
    for a, b in zip(run(3), run(3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(run(3)[0], run(4)[0])


@pytest.mark.parametrize("seed", [1.5, "1", None, True])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="Expected `seed` argument to be an integer"):
        keras.utils.set_random_seed(seed)
