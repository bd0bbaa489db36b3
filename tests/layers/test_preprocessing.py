"""CategoryEncoding, Discretization and Pipeline."""

import numpy as np
import pytest
from layer_check import check_layer

import kerasgpu as keras
from kerasgpu import layers

rng = np.random.default_rng(0)
IDS = np.array([[1, 2, 3, 1], [0, 3, 1, 0]], "int32")
HOT = np.eye(6, dtype="float32")[IDS]


@pytest.mark.parametrize("mode, wanted", [("one_hot", HOT), ("multi_hot", HOT.max(1)), ("count", HOT.sum(1))])
def test_category_encoding(mode, wanted):
    layer, y = check_layer(
        layers.CategoryEncoding, {"num_tokens": 6, "output_mode": mode}, IDS, shape=wanted.shape, masking=False
    )
    np.testing.assert_array_equal(y, wanted)
    assert layer.compute_output_shape((None, 4)) == (None, *wanted.shape[1:])
    np.testing.assert_array_equal(layer(IDS[0]), wanted[0])
    np.testing.assert_array_equal(layer(3), np.eye(6)[3] if mode != "one_hot" else np.eye(6)[[3]])


def test_category_encoding_of_columns_and_weights():
    column = layers.CategoryEncoding(4, "one_hot")
    np.testing.assert_array_equal(column(IDS[:, :1]), np.eye(4)[IDS[:, 0]])
    assert column.compute_output_shape((None, 1)) == (None, 4)
    weights = rng.normal(size=IDS.shape).astype("float32")
    y = layers.CategoryEncoding(6, "count")(IDS, count_weights=weights)
    np.testing.assert_allclose(y, (HOT * weights[..., None]).sum(1), rtol=1e-5, atol=1e-6)
    for arguments, message in [
        ({}, "num_tokens must be set"),
        ({"num_tokens": 0}, ">= 1"),
        ({"num_tokens": 2, "output_mode": "x"}, "Unknown arg"),
    ]:
        with pytest.raises(ValueError, match=message):
            layers.CategoryEncoding(**arguments)
    with pytest.raises(ValueError, match="`count_weights` is not used"):
        layers.CategoryEncoding(6)(IDS, count_weights=weights)
    with pytest.raises(ValueError, match="sparse=True"):
        layers.CategoryEncoding(6, sparse=True)


def test_discretization():
    x = np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]], "float32")
    index = np.array([[0, 2, 3, 1], [1, 3, 2, 1]])
    for mode, wanted in [("int", index), ("one_hot", np.eye(4)[index]), ("count", np.eye(4)[index].sum(1))]:
        arguments = {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": mode}
        layer, y = check_layer(layers.Discretization, arguments, x, shape=wanted.shape, masking=False)
        np.testing.assert_array_equal(y, wanted)
        assert layer.compute_output_shape(x.shape) == wanted.shape


def test_discretization_adapts_to_arrays_and_batches():
    data = rng.normal(size=(40, 25)).astype("float32")
    for given in (data, [data[:15], data[15:]], (b for b in np.split(data, 4))):
        layer = layers.Discretization(num_bins=4, epsilon=0.01)
        layer.adapt(given)
        np.testing.assert_allclose(layer.bin_boundaries, np.quantile(data, [0.25, 0.5, 0.75]), atol=0.06)
    counts = np.bincount(layer(data).numpy().ravel())
    assert counts.min() > 220 and counts.max() < 280
    again = layers.deserialize(layers.serialize(layer))
    assert again.bin_boundaries == layer.bin_boundaries and again.num_bins == 4
    layer.adapt([data, data * 100], steps=1)
    assert max(layer.bin_boundaries) < 2
    with pytest.raises(ValueError, match="call `adapt"):
        layers.Discretization(num_bins=3)(data)
    with pytest.raises(ValueError, match="Cannot adapt"):
        layers.Discretization(bin_boundaries=[1.0]).adapt(data)
    for arguments in ({}, {"num_bins": 2, "bin_boundaries": [1.0]}, {"num_bins": -1}):
        with pytest.raises(ValueError, match="num_bins"):
            layers.Discretization(**arguments)


def test_pipeline():
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    pipeline = layers.Pipeline([layers.Rescaling(2.0), layers.Dropout(0.5, seed=1), layers.Flatten()])
    np.testing.assert_allclose(pipeline(x, training=False), 2 * x.reshape(2, 12))
    assert (pipeline(x).numpy() == 0).any()
    again = layers.deserialize(layers.serialize(pipeline))
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in pipeline.layers]
    assert pipeline(keras.Input((3, 4))).shape == (None, 12)
    with pytest.raises(ValueError, match="`layers` key"):
        layers.Pipeline.from_config({"name": "p"})
