"""Configs in the format of Keras 3: written, read back, and refused when they name what they must not."""

import json
import subprocess
import sys

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.configs import public_names, registry, serialization
from kerasgpu.configs.identifiers import get


def round_trip(obj, **arguments):
    plain = json.loads(json.dumps(serialization.serialize_keras_object(obj)))
    return plain, serialization.deserialize_keras_object(plain, **arguments)


@pytest.fixture
def clean():
    names = dict(registry.GLOBAL_CUSTOM_NAMES)
    objects = dict(registry.GLOBAL_CUSTOM_OBJECTS)
    yield
    for table, before in ((registry.GLOBAL_CUSTOM_NAMES, names), (registry.GLOBAL_CUSTOM_OBJECTS, objects)):
        table.clear()
        table.update(before)


@pytest.mark.parametrize("obj", ["a", 1, 1.5, True, None, [1, "a"], {"a": [None, False]}, b"xy", ..., slice(None, 3, 2)])
def test_plain_values(obj):
    assert round_trip(obj)[1] == obj


def test_arrays_tensors_and_numpy_scalars():
    for array in (np.array([0, 1]), np.array([[0.5, 1.0]], "float32"), np.array([True]), np.array(["a", "b"])):
        plain, back = round_trip(array)
        assert plain["class_name"] == "__numpy__" and np.array_equal(back, array)
    plain, back = round_trip(keras.ops.ones((2, 1)))
    assert plain == {"class_name": "__tensor__", "config": {"value": [[1.0], [1.0]], "dtype": "float32"}}
    assert type(back).__name__ == "Tensor" and back.shape == (2, 1)
    assert round_trip({"a": np.float32(0.5), "b": np.int64(3)})[1] == {"a": 0.5, "b": 3}
    plain, back = round_trip(keras.KerasTensor((None, 2), "int32"))
    assert back.shape == (None, 2) and back.dtype == "int32"


def test_public_names_are_those_of_keras():
    names = {
        keras.layers.Dense: ("keras.layers", "Dense"),
        keras.initializers.glorot_normal: ("keras.initializers", "GlorotNormal"),
        keras.Layer: ("keras", "Layer"),
        keras.Model: ("keras", "Model"),
        keras.Sequential: ("keras", "Sequential"),
        keras.losses.MeanSquaredError: ("keras.losses", "MeanSquaredError"),
        keras.metrics.Mean: ("keras.metrics", "Mean"),
        keras.optimizers.Adam: ("keras.optimizers", "Adam"),
        keras.optimizers.schedules.CosineDecay: ("keras.optimizers.schedules", "CosineDecay"),
        keras.initializers.GlorotUniform: ("keras.initializers", "GlorotUniform"),
        keras.regularizers.L2: ("keras.regularizers", "L2"),
        keras.constraints.MaxNorm: ("keras.constraints", "MaxNorm"),
        keras.DTypePolicy: ("keras", "DTypePolicy"),
        keras.random.SeedGenerator: ("keras.random", "SeedGenerator"),
    }
    for cls, name in names.items():
        assert public_names.public_name(cls) == name
        assert public_names.lookup(*name) is cls
    assert public_names.lookup("keras.src.layers.core.dense", "Dense") is keras.layers.Dense
    assert public_names.lookup_function("relu") is keras.activations.relu


def test_a_layer_is_written_as_keras_writes_it():
    layer = keras.layers.Dense(3, activation="relu", kernel_regularizer="l2", name="d")
    layer.build((None, 2))
    plain, back = round_trip(layer)
    assert (plain["module"], plain["class_name"], plain["registered_name"]) == ("keras.layers", "Dense", None)
    assert plain["build_config"] == {"input_shape": [None, 2]}
    assert plain["config"]["activation"] == "relu"
    assert plain["config"]["kernel_regularizer"]["module"] == "keras.regularizers"
    assert back.built and back.kernel.shape == (2, 3) and serialization.serialize_keras_object(back)["config"]["units"] == 3


def test_a_functional_model_is_written_as_keras_writes_it():
    x = keras.Input((2,))
    plain, back = round_trip(keras.Model(x, keras.layers.Dense(1)(x)))
    assert [plain[k] for k in ("module", "class_name", "registered_name")] == [
        "keras.src.models.functional",
        "Functional",
        "Functional",
    ]
    assert back.count_params() == 3


def test_models_keep_their_compilation():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.3), "mse", metrics=["mae"])
    plain, back = round_trip(model)
    assert plain["module"] == "keras" and plain["compile_config"]["loss"] == "mse"
    assert back.compiled and float(back.optimizer.learning_rate) == pytest.approx(0.3)


def test_custom_objects(clean):
    @keras.saving.register_keras_serializable("shop", "Half")
    class Halve(keras.layers.Layer):
        def call(self, x):
            return x / 2

    plain, back = round_trip(Halve(name="h"))
    assert plain["registered_name"] == "shop>Half" and type(back) is Halve
    assert keras.saving.get_registered_object("shop>Half") is Halve and keras.saving.get_registered_name(Halve) == "shop>Half"

    def double(x):
        return 2 * x

    plain = serialization.serialize_keras_object(double)
    assert plain == {"module": "builtins", "class_name": "function", "config": "double", "registered_name": "function"}
    with pytest.raises(TypeError, match="Could not locate function 'double'"):
        serialization.deserialize_keras_object(plain)
    assert serialization.deserialize_keras_object(plain, custom_objects={"double": double}) is double
    with keras.saving.custom_object_scope({"double": double}):
        assert serialization.deserialize_keras_object(plain) is double
    assert registry.scope_objects() == {}

    with pytest.raises(ValueError, match=r"does not have a get_config\(\) method"):
        keras.saving.register_keras_serializable()(type("Plain", (), {}))


def test_functions_of_older_files(clean):
    @keras.saving.register_keras_serializable("p")
    def custom(x):
        return x

    config = {"module": "builtins", "class_name": "function", "config": "custom", "registered_name": "function"}
    assert serialization.deserialize_keras_object(config) is custom


def test_shared_objects_stay_shared():
    policy = keras.DTypePolicy("float32")
    with serialization.ObjectSharingScope():
        plain = serialization.serialize_keras_object([policy, policy])
    assert plain[0]["shared_object_id"] == plain[1]["shared_object_id"]
    with serialization.ObjectSharingScope():
        a, b = serialization.deserialize_keras_object(json.loads(json.dumps(plain)))
    assert a is b


def test_lambdas_are_never_carried_by_data():
    function = lambda x: x**2
    with pytest.warns(UserWarning, match="includes a `lambda`"):
        plain = serialization.serialize_keras_object({"f": function})
    for safe_mode in (True, None):
        with pytest.raises(ValueError, match="arbitrary code execution"):
            serialization.deserialize_keras_object(plain, safe_mode=safe_mode)
    assert serialization.deserialize_keras_object(plain, safe_mode=False)["f"] is function  # alive in this process
    foreign = {"class_name": "__lambda__", "config": {"value": ["4wEAAAAAAAA=\n", None, None]}}
    with pytest.raises(ValueError, match="never executes code"):
        serialization.deserialize_keras_object(foreign, safe_mode=False)
    with serialization.SafeModeScope(True), pytest.raises(ValueError, match="arbitrary code execution"):
        serialization.deserialize_keras_object(plain, safe_mode=False)


ATTACKS = [
    # CVE-2025-1550: any module and function
    {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "eval"},
    {"class_name": "Popen", "module": "subprocess", "config": {"args": ["true"]}, "registered_name": None},
    {"class_name": "function", "module": "builtins", "config": "os.system", "registered_name": "function"},
    # CVE-2025-8747: helpers of the library itself
    {"class_name": "function", "module": "keras.utils", "config": "get_file", "registered_name": "get_file"},
    {"class_name": "function", "module": "keras.src.utils.file_utils", "config": "get_file", "registered_name": "get_file"},
    {"class_name": "function", "module": "keras.saving", "config": "load_model", "registered_name": None},
    {"class_name": "function", "module": "kerasgpu.saving", "config": "load_model", "registered_name": None},
    {"class_name": "function", "module": "keras.layers", "config": "deserialize", "registered_name": None},
    # CVE-2025-9906: settings
    {"class_name": "function", "module": "keras.config", "config": "enable_unsafe_deserialization", "registered_name": None},
    {"class_name": "function", "module": "keras.src.saving.serialization_lib", "config": "enable_unsafe_deserialization"},
    # classes that run or open something
    {"class_name": "TorchModuleWrapper", "module": "keras.layers", "config": {"module": "x"}, "registered_name": None},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "/tmp"}, "registered_name": None},
    {"class_name": "CSVLogger", "module": "keras.callbacks", "config": {"filename": "/tmp/x"}, "registered_name": None},
    {"class_name": "Variable", "module": "keras", "config": {"initializer": 1.0}, "registered_name": None},
    {"class_name": "Program", "module": "kerasgpu.engine.program", "config": {}, "registered_name": None},
    {"class_name": "Dense", "module": "kerasgpu.layers", "config": {"units": 1}, "registered_name": None},
    {"class_name": "__reduce__", "config": {}},
    {"class_name": "Dense.__init__", "module": "keras.layers", "config": {}, "registered_name": None},
]


@pytest.mark.parametrize("config", ATTACKS, ids=[f"{a.get('module')}.{a['class_name']}.{a['config']}"[:60] for a in ATTACKS])
@pytest.mark.parametrize("safe_mode", [True, None, False])
def test_only_registered_objects_can_be_named(config, safe_mode):
    with pytest.raises((TypeError, ValueError), match=r"Could not locate|Unknown kind|resolved to"):
        serialization.deserialize_keras_object(config, safe_mode=safe_mode)


@pytest.mark.parametrize("name", ["builtins.eval", "my_pkg>MyDense"])
def test_a_builtin_cannot_hide_behind_a_registered_name(name):
    config = {"class_name": "Dense", "module": "keras.layers", "registered_name": name, "config": {"units": 1}}
    with pytest.raises(ValueError, match="resolved to a Keras built-in"):
        serialization.deserialize_keras_object(config)


def test_deep_and_circular_data_end_in_a_sentence():
    circle: list = []
    circle.append(circle)
    with pytest.raises(ValueError, match="nested more than"):
        serialization.serialize_keras_object(circle)
    deep: object = 1
    for _ in range(500):
        deep = {"class_name": "__slice__", "config": {"start": deep, "stop": None, "step": None}}
    with pytest.raises(ValueError, match="nested more than"):
        serialization.deserialize_keras_object(deep)
    assert serialization.deserialize_keras_object([1]) == [1]  # the depth is counted back after the error


@pytest.mark.parametrize(
    "config, message",
    [
        ({"class_name": "Dense", "config": [1]}, "Expected 'config' to be a dict"),
        ({"class_name": "function", "config": ["a"]}, "Expected 'config' to be a non-null str"),
        ({"class_name": "__typespec__", "config": "x"}, "Expected 'config' to be a list or a tuple"),
        ({"class_name": ["Dense"], "config": {}}, "Expected 'class_name' to be a str"),
        ({"class_name": "__slice__", "config": {}}, "misses the key"),
        ({"class_name": "Dense", "module": "keras.layers", "config": {"unitz": 1}}, "could not be deserialized properly"),
        (object(), "Could not parse config"),
    ],
)
def test_malformed_configs_are_named(config, message):
    with pytest.raises(TypeError, match=message):
        serialization.deserialize_keras_object(config)


def test_unserializable_objects_are_named():
    with pytest.raises(TypeError, match=r"must implement the `get_config\(\)` method"):
        serialization.serialize_keras_object(object())


def test_identifiers():
    table = {"Adam": keras.optimizers.Adam, "relu": keras.activations.relu}
    assert get(None, table, "thing") is None
    assert get("relu", table, "thing") is keras.activations.relu
    assert type(get("Adam", table, "thing")) is keras.optimizers.Adam
    assert type(get(keras.optimizers.Adam, table, "thing")) is keras.optimizers.Adam
    assert float(get({"class_name": "Adam", "config": {"learning_rate": 0.5}}, table, "thing").learning_rate) == 0.5
    with pytest.raises(ValueError, match=r"Could not interpret thing identifier: relo\. Did you mean 'relu'"):
        get("relo", table, "thing")
    with pytest.raises(ValueError, match="Could not interpret thing identifier: 3"):
        get(3, table, "thing")


def test_reading_imports_nothing_new():
    """A config that names a module does not make Python import it."""
    code = """
import sys
import kerasgpu.layers, kerasgpu.losses
from kerasgpu.configs.serialization import deserialize_keras_object
from kerasgpu.configs import public_names
public_names.lookup_class("Dense")
before = set(sys.modules)
for module in ("antigravity", "keras.this", "kerasgpu.cli.run"):
    try:
        deserialize_keras_object({"class_name": "X", "module": module, "config": {}, "registered_name": None})
    except TypeError:
        pass
assert set(sys.modules) == before, set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "SGD"])
def test_optimizers_that_keras_saved_on_pytorch(name):
    """Keras on PyTorch names the module of its own subclass of the optimizer."""
    module = f"keras.src.backend.torch.optimizers.torch_{name.lower()}"
    config = {"module": module, "class_name": name, "config": {"learning_rate": 0.5}, "registered_name": name}
    optimizer = keras.saving.deserialize_keras_object(config)
    assert type(optimizer) is getattr(keras.optimizers, name) and float(optimizer.learning_rate) == 0.5
