"""FeatureSpace: widths, crosses, models on top, files, errors."""

import json

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.utils import FeatureSpace

N = 10
DATA = {
    **{f"float_{k}": [i / 10 for i in range(N)] for k in (1, 2, 3)},
    **{f"int_{k}": list(range(N)) for k in (1, 2, 3)},
    **{f"string_{k}": [str(i) for i in range(N)] for k in (1, 2)},
}
FEATURES = {
    "float_1": "float",
    "float_2": "float_normalized",
    "float_3": "float_discretized",
    "int_1": "integer_categorical",
    "int_2": "integer_hashed",
    "int_3": "integer_categorical",
    "string_1": "string_categorical",
    "string_2": "string_hashed",
}
NUMBERS = {k: v for k, v in FEATURES.items() if "string" not in k}


def only(names, data=DATA):
    return {k: data[k] for k in names}


def test_concatenation():
    space = FeatureSpace(FEATURES, crosses=[("int_1", "int_2"), ("int_2", "string_1")])
    with pytest.raises(ValueError, match="need to call `.adapt"):
        space(DATA)
    space.adapt(DATA)
    width = 1 + 1 + 32 + 11 + 32 + 11 + 11 + 32 + 2 * 32
    out = space(DATA)
    assert out.shape == (N, width) and out.dtype == "float32"
    np.testing.assert_allclose(out[:, 0], DATA["float_1"], rtol=1e-6)
    normal = np.asarray(out[:, 1])
    assert abs(normal.mean()) < 1e-5 and abs(normal.std() - 1) < 1e-3
    assert set(np.unique(out[:, 2:])) == {0, 1} and np.asarray(out[:, 2:]).sum() == N * 8
    np.testing.assert_array_equal(space({k: v[3] for k, v in DATA.items()}), out[3])
    np.testing.assert_array_equal(space({k: np.array(v)[:, None] for k, v in DATA.items()}), out)
    assert space.get_encoded_features().shape == (None, width)


def test_dict_of_features():
    space = FeatureSpace(FEATURES, output_mode="dict", crosses=[("int_1", "int_2")], crossing_dim=7)
    space.adapt(DATA)
    out = space(DATA)
    assert list(out) == [*sorted(FEATURES), "int_1_X_int_2"] and out["int_1_X_int_2"].shape == (N, 7)
    own = FeatureSpace(
        {
            "float_1": FeatureSpace.float_rescaled(2.0, 1.0),
            "float_3": FeatureSpace.float_discretized(3, output_mode="int"),
            "int_1": FeatureSpace.integer_categorical(max_tokens=5, output_mode="int"),
            "int_2": FeatureSpace.feature("int32", layers.Hashing(4), "int"),
        },
        output_mode="dict",
        crosses=[FeatureSpace.cross(("int_1", "int_2"), 5, output_mode="int")],
    )
    own.adapt(only(["float_1", "float_3", "int_1", "int_2"]))
    out = own(only(["float_1", "float_3", "int_1", "int_2"]))
    np.testing.assert_allclose(out["float_1"][:, 0], 2 * np.array(DATA["float_1"]) + 1, rtol=1e-6)
    assert np.asarray(out["int_1"]).max() == 4 and out["int_1_X_int_2"].dtype == "int64"


def test_datasets_and_a_model():
    space = FeatureSpace(NUMBERS, crosses=[("int_1", "int_2")])
    space.adapt({k: DATA[k][i] for k in NUMBERS} for i in range(N))
    one = np.asarray(space(only(NUMBERS)))
    space.adapt({k: np.array(DATA[k][i : i + 4]) for k in NUMBERS} for i in range(0, N, 4))
    np.testing.assert_allclose(space(only(NUMBERS)), one, rtol=1e-4, atol=1e-5)
    features = space.get_encoded_features()
    model = keras.Model(features, layers.Dense(1)(features))
    model.compile("adam", "mse")
    model.fit(space(only(NUMBERS)), np.arange(N), epochs=1, verbose=0)
    whole = keras.Model(space.get_inputs(), layers.Dense(1)(features))
    assert whole({k: np.array(v)[:, None] for k, v in only(NUMBERS).items()}).shape == (N, 1)


def test_files(tmp_path):
    space = FeatureSpace(FEATURES, crosses=[("int_1", "string_1")])
    space.adapt(DATA)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(space)))
    assert (config["module"], config["class_name"]) == ("keras.utils", "FeatureSpace")
    again = keras.saving.deserialize_keras_object(config)
    assert list(again.features) == list(FEATURES) and again.crosses[0].name == "int_1_X_string_1"
    space.save(tmp_path / "space.keras")
    again = keras.models.load_model(tmp_path / "space.keras")
    np.testing.assert_allclose(again(DATA), space(DATA), rtol=1e-6)


def test_nothing_to_learn():
    text = layers.TextVectorization(vocabulary=["this", "is"], output_sequence_length=3)
    space = FeatureSpace(
        {
            "int_1": "integer_hashed",
            "text": FeatureSpace.feature("string", text, "int"),
            "float_1": FeatureSpace.feature("float32", layers.Normalization(mean=1.0, variance=4.0), "float"),
        },
        output_mode="dict",
    )
    out = space({"int_1": [1, 2], "text": ["This is", "it"], "float_1": [3.0, 5.0]})
    assert out["text"].tolist() == [[2, 3, 0], [1, 0, 0]] and out["float_1"].tolist() == [[1.0], [2.0]]


def test_bad_arguments():
    for make, message in [
        (lambda: FeatureSpace({}), "cannot be None or empty"),
        (lambda: FeatureSpace({"a": "int"}), "Invalid feature type"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), "unknown features"),
        (
            lambda: FeatureSpace({"a": "integer_hashed", "b": "integer_hashed"}, crosses=[("a", "b")], crossing_dim=0),
            "crossing_dim",
        ),
        (lambda: FeatureSpace.feature("int32", layers.Hashing(3), "hot"), "output_mode"),
        (lambda: FeatureSpace({"a": "float"}).adapt([1.0]), "adapt"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), "with a dict"),
        (lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]}), "Cannot concatenate"),
        (
            lambda: FeatureSpace({"a": FeatureSpace.feature("float32", layers.Rescaling(2.0), "one_hot")})({"a": [1]}),
            "integer dtype",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
