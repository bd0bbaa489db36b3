"""Configs that try to run code, read files, change settings or use up memory. docs/security.md has the list."""

import base64
import copy
import json
import marshal
import time

import numpy as np
import pytest

import kerasgpu as keras
from tests.saving import hostile

REFUSED = (ValueError, TypeError)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "model.keras")


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch, tmp_path):
    """A file that says "run" would leave a trace."""
    import os
    import subprocess
    import urllib.request

    def caught(*args, **kwargs):
        raise AssertionError(f"the file ran code: {args}")

    hostile.model()  # the search for a GPU, done once, asks the linker for its driver
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "system", caught)
    monkeypatch.setattr(subprocess, "Popen", caught)
    monkeypatch.setattr(urllib.request, "urlopen", caught)


def refused(path, match=None, safe_modes=(True, None, False), **kwargs):
    for mode in safe_modes:
        with pytest.raises(REFUSED, match=match):
            keras.saving.load_model(path, safe_mode=mode, **kwargs)


def code():
    function = lambda x: __import__("os").system("echo caught")
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


@pytest.mark.parametrize(
    "function",
    [
        {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}},
        {"class_name": "__lambda__", "config": {"value": code()}},
        [code(), None, None],
        {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    ],
)
def test_lambda_with_code(path, function):
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "x", "function": function}}
    refused(hostile.with_layer(path, {**layer, "registered_name": None}))


@pytest.mark.parametrize("where", ["layer", "activation", "initializer", "loss", "metric", "optimizer", "root"])
@pytest.mark.parametrize(
    "module,name,config",
    [
        ("os", "system", "system"),
        ("os", "system", {"command": "echo caught"}),
        ("builtins", "eval", "eval"),
        ("builtins", "exec", {"object": "1"}),
        ("subprocess", "Popen", {"args": ["echo", "caught"]}),
        ("keras.utils", "get_file", {"fname": "x", "origin": "file:///etc/passwd"}),
        ("keras.src.utils.file_utils", "get_file", "get_file"),
        ("keras.config", "enable_unsafe_deserialization", "enable_unsafe_deserialization"),
        ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", {}),
        ("kerasgpu.saving.api", "load_model", {"filepath": "x"}),
        ("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
        ("keras.layers", "TorchModuleWrapper", {"module": "gASVAAAA"}),
        ("keras.src.utils.torch_utils", "TorchModuleWrapper", {"module": "gASVAAAA"}),
        ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
        ("keras.layers", "TextVectorization", {"vocabulary": "http://localhost/x"}),
        ("keras.datasets.mnist", "load_data", "load_data"),
        ("numpy", "load", {"file": "x"}),
        ("keras.layers.__init__", "__import__", "os"),
        ("keras.layers", "__class__", {}),
    ],
)
def test_names_of_anything_else(path, where, module, name, config):
    is_function = isinstance(config, str)
    gadget = {
        "module": module,
        "class_name": "function" if is_function else name,
        "config": name if is_function else config,
        "registered_name": name,
    }

    def change(c):
        dense = c["config"]["layers"][1]
        if where == "root":
            return gadget
        if where == "layer":
            c["config"]["layers"][1] = gadget
        elif where == "activation":
            dense["config"]["activation"] = gadget
        elif where == "initializer":
            dense["config"]["kernel_initializer"] = gadget
        elif where == "metric":
            c["compile_config"]["metrics"] = [gadget]
        else:
            c["compile_config"][where] = gadget

    refused(hostile.with_config(path, change), safe_modes=(True, False))


def test_no_setting_changes(path):
    config = {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"}
    before = keras.config.dtype_policy().name, keras.config.floatx()
    refused(hostile.with_layer(path, {**config, "registered_name": "function"}))
    refused(hostile.with_layer(path, {"class_name": "__lambda__", "config": {"value": code()}}))
    assert before == (keras.config.dtype_policy().name, keras.config.floatx())


def test_unset_safe_mode_is_safe():
    config = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    for mode in (True, None):
        with pytest.raises(ValueError, match="arbitrary code execution"):
            keras.saving.deserialize_keras_object(config, safe_mode=mode)
    layer = keras.layers.Lambda(lambda x: x)
    with pytest.warns(UserWarning, match="lambda"):
        saved = keras.saving.serialize_keras_object(layer)
    saved["config"]["function"] = config
    for read in (keras.layers.deserialize, keras.saving.deserialize_keras_object):
        with pytest.raises(ValueError, match="arbitrary code execution"):
            read(copy.deepcopy(saved))


def test_registered_name_spoofing(path):
    """A config may not pass a built-in off as a registered object, nor a registered one's name on to another class."""

    def change(c):
        c["config"]["layers"][1]["registered_name"] = "Trusted>Layer"

    refused(hostile.with_config(path, change), match="registered_name")


def test_model_asks_for_more_memory_than_the_file_could_fill(path):
    def change(c):
        c["config"]["layers"][1]["config"]["units"] = 10**9

    started = time.perf_counter()
    refused(hostile.with_config(path, change), match="its config asks for variables of")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("units", [-1, 0, 1.5, "4", [4], {"a": 1}, None, 10**30, float("nan"), True])
def test_numbers_that_are_none(path, units):
    def change(c):
        c["config"]["layers"][1]["config"]["units"] = units

    refused(hostile.with_config(path, change))


@pytest.mark.filterwarnings("ignore:Model .* had a build config")
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [[]], {"class_name": 3, "config": {}}, 1e308])
@pytest.mark.parametrize(
    "place",
    [
        (),
        ("class_name",),
        ("config",),
        ("config", "layers"),
        ("config", "layers", 0),
        ("config", "layers", 1),
        ("config", "layers", 1, "config"),
        ("config", "layers", 1, "class_name"),
        ("config", "layers", 1, "build_config"),
        ("config", "layers", 1, "config", "kernel_initializer"),
        ("config", "layers", 1, "config", "dtype"),
        ("config", "layers", 0, "config", "batch_shape"),
        ("compile_config",),
        ("compile_config", "optimizer"),
        ("compile_config", "loss"),
        ("build_config",),
    ],
)
def test_wrong_types_anywhere(path, place, value):
    """Loading ends in a model or in a clean error."""

    def change(c):
        for key in place[:-1]:
            c = c[key]
        if not place:
            return value
        c[place[-1]] = value

    path = hostile.with_config(path, change)
    try:
        keras.saving.load_model(path).predict(np.ones((1, 3), "float32"), verbose=0)
    except REFUSED as error:
        assert len(str(error)) > 20


def functional_parts():
    a = keras.Input((3,))
    b = keras.layers.Dense(3)(a)
    return hostile.parts(keras.Model(a, keras.layers.Add()([keras.layers.Dense(3)(b), b])))


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [["dense", 0, 0]], [["nobody", 0, 0]], [["input_layer", 10**9, 0]]])
@pytest.mark.parametrize("key", ["inbound_nodes", "input_layers", "output_layers", "layers", "name"])
def test_wrong_graphs(path, key, value):
    def change(c):
        if key in c["config"]:
            c["config"][key] = value
        else:
            c["config"]["layers"][-1][key] = value

    path = hostile.with_config(path, change, functional_parts())
    try:
        keras.saving.load_model(path)
    except REFUSED as error:
        assert len(str(error)) > 10


def test_graph_with_a_loop(path):
    def change(c):
        layers = c["config"]["layers"]
        layers[1]["inbound_nodes"] = copy.deepcopy(layers[-1]["inbound_nodes"])

    refused(hostile.with_config(path, change, functional_parts()))


@pytest.mark.parametrize("name", ["../..", "/etc/cron.d/x", "..\\..", "a/../../b", "C:\\x", ""])
def test_layer_names_are_not_paths(tmp_path, name):
    path = str(tmp_path / "in" / "model.keras")
    (tmp_path / "in").mkdir()

    def change(c):
        c["config"]["layers"][1]["config"]["name"] = name
        c["config"]["name"] = name

    path = hostile.with_config(path, change)
    try:
        keras.saving.load_model(path).save(str(tmp_path / "in" / "again.keras"))
    except REFUSED:
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]
    assert {p.name for p in (tmp_path / "in").iterdir()} <= {"model.keras", "again.keras"}


@pytest.mark.parametrize(
    "text,match",
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{\x00", "not valid JSON"),
        ("{}".encode("utf-16"), "not valid JSON"),
        (b"[" * 100_000, "nested more than"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested more than"),
        (b'{"class_name": "Sequential"', "not valid JSON"),
        (b"import os", "not valid JSON"),
        (b"[1, 2]", "not an object"),
        (b"9" * 100_000, "not valid JSON"),
        (b"\x80\x04\x95", "not valid JSON"),
    ],
)
def test_config_is_not_json(path, text, match):
    refused(hostile.pack({**hostile.parts(), "config.json": text}, path), match=match)


def test_config_too_large(path, monkeypatch):
    from kerasgpu.saving import json_text, reader

    for module in (reader, json_text):
        monkeypatch.setattr(module, "MAX_JSON_BYTES", 1000)
    refused(hostile.pack({**hostile.parts(), "config.json": b" " * 1001}, path), match="at most 1000 are read")
    with pytest.raises(ValueError, match="more than the 1000"):
        keras.models.model_from_json(" " * 1001)


def test_brackets_in_strings_are_no_depth():
    from kerasgpu.saving.reader import parse_json

    text = json.dumps({"a": "[" * 1000 + '\\"' + "{" * 1000, "b": '"[' * 300})
    assert parse_json(text.encode(), "text") == json.loads(text)


def test_ops_on_constants_do_not_run_before_the_model_is_checked(path):
    """A node without tensors would be computed while the graph is read."""
    config = {"name": "o", "sorted": None}
    node = {"args": [[10**12]], "kwargs": {}}
    op = {"module": "keras.src.ops.numpy", "class_name": "Zeros", "config": config, "registered_name": "Zeros", "name": "o"}
    full = {**op, "class_name": "Full", "config": {"name": "o", "shape": [10**12]}}
    for gadget in (op, full):
        entry = {**gadget, "inbound_nodes": [{**node, "args": [1.0]}]}
        bad = hostile.with_config(path, lambda c, entry=entry: c["config"]["layers"].append(entry), functional_parts())
        started = time.perf_counter()
        refused(bad, safe_modes=(True,))
        assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "make,key,value",
    [
        (lambda x: keras.ops.array_split(x, 2, axis=1)[0], "indices_or_sections", 2**31),
        (lambda x: keras.ops.split(x, 3, axis=1)[0], "indices_or_sections", 2**40),
        (lambda x: keras.ops.diff(x, 1), "n", 2**40),
        (lambda x: keras.ops.repeat(x, [1, 1, 1], axis=1), "repeats", [2**31, 1, 1]),
    ],
)
def test_counts_that_operations_loop_over(path, make, key, value):
    """A number in a config costs no more than the file is large, or ends where the dimension does."""
    x = keras.Input((3,))
    members = hostile.parts(keras.Model(x, make(x)))
    changes = []

    def change(config):
        for layer in config["config"]["layers"]:
            for node in layer["inbound_nodes"]:
                for holder in (layer["config"], node["kwargs"]):
                    if key in holder:
                        holder[key] = value
                        changes.append(key)
                args = node["args"]
                if key not in node["kwargs"] and len(args) > 1:
                    args[1] = value
                    changes.append(key)

    bad = hostile.with_config(path, change, members)
    assert changes
    started = time.perf_counter()
    try:
        keras.saving.load_model(bad)
    except REFUSED as error:
        assert len(str(error)) > 20
    assert time.perf_counter() - started < 10
