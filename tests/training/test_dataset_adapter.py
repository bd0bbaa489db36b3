"""fit, evaluate, predict and adapt on a keras.data.Dataset: the same numbers as on arrays."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.data import Dataset
from kerasgpu.training.adapters import DatasetAdapter

rng = np.random.default_rng(0)
X = rng.normal(size=(70, 4))  # float64: becomes the default float dtype
Y = (X[:, 0] > 0).astype("int64")


def model():
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("adam", loss, metrics=["accuracy"])
    return made


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 3.0}])
def test_same_numbers_as_arrays(class_weight):
    ds = Dataset.from_tensor_slices((X, Y)).batch(16)
    options = dict(epochs=3, class_weight=class_weight, verbose=0)
    arrays, data = model(), model()
    wanted = arrays.fit(X, Y, batch_size=16, shuffle=False, validation_data=(X, Y), validation_batch_size=16, **options)
    found = data.fit(ds.prefetch(2), validation_data=ds, **options)
    assert found.history == wanted.history
    assert data.evaluate(ds, verbose=0) == arrays.evaluate(X, Y, batch_size=16, verbose=0)
    np.testing.assert_array_equal(data.predict(ds, verbose=0), arrays.predict(X, batch_size=16, verbose=0))
    np.testing.assert_array_equal(data.predict(ds.map(lambda x, y: x), verbose=0), arrays.predict(X, batch_size=16, verbose=0))


def test_sample_weights_and_dicts():
    weights = np.linspace(0.1, 2, 70)
    ds = Dataset.from_tensor_slices((X, Y, weights)).batch(16)
    found = model().fit(ds, verbose=0).history
    assert found == model().fit(X, Y, sample_weight=weights, batch_size=16, shuffle=False, verbose=0).history
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    two = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(a + b))
    two.compile("sgd", "mse")
    two.fit(Dataset.from_tensor_slices(({"a": X, "b": X}, Y)).batch(8), verbose=0)


def test_steps_go_on_where_they_stopped():
    seen = []
    ds = Dataset.range(12).map(lambda k: (seen.append(int(k)) or np.full((1, 4), float(k)), np.zeros(1, "int64")))
    model().fit(ds, epochs=3, steps_per_epoch=4, verbose=0)
    assert seen == list(range(12))  # the batch that the model was looked at with is not computed twice
    model().fit(ds.repeat(), epochs=2, steps_per_epoch=7, verbose=0)
    with pytest.warns(UserWarning, match="ran out of data"):
        model().fit(ds, epochs=2, steps_per_epoch=20, verbose=0)


def test_adapt():
    layer = keras.layers.Normalization()
    layer.adapt(Dataset.from_tensor_slices(X).batch(16))
    np.testing.assert_allclose(np.asarray(layer.mean)[0], X.mean(0), rtol=1e-4, atol=1e-6)


def test_mistakes():
    ds = Dataset.from_tensor_slices((X, Y)).batch(16)
    with pytest.raises(ValueError, match="`y` should not be passed"):
        model().fit(ds, Y)
    with pytest.raises(ValueError, match="no batches"):
        model().fit(ds.take(0))
    with pytest.raises(ValueError, match="at the same time"):
        model().fit(Dataset.from_tensor_slices((X, Y, Y)).batch(16), class_weight={0: 1.0}, verbose=0)
    with pytest.raises(ValueError, match="text to numbers"):
        model().predict(Dataset.from_tensor_slices(["a", "b"]).batch(2), verbose=0)
    assert DatasetAdapter(ds).num_batches == 5 and DatasetAdapter(ds.repeat()).num_batches is None
