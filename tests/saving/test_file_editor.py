"""KerasFileEditor: what it shows, changes and saves, and files that it must not trust."""

import io

import h5py
import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.saving.hdf5 import WeightsReader
from kerasgpu.saving.reader import BadModelFile
from kerasgpu.saving.weight_tree import read_tree
from tests.saving import hostile
from tests.saving.models import MODELS, X, same_weights, sequential, trained

Editor = keras.saving.KerasFileEditor


def leaves(tree):
    return [leaf for value in tree.values() for leaf in (leaves(value) if isinstance(value, dict) else [value])]


def small(units=(3, 3)):
    return keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(n, name=f"my_{k}") for k, n in enumerate(units))])


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.weights.h5")


@pytest.fixture
def editor(path):
    model = small()
    model.compile(keras.optimizers.SGD(name="sgd"), "mse")
    model.save_weights(path)
    return Editor(path)


# -- whole models -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_every_variable_is_there_and_survives_a_save(make, name, tmp_path):
    model = trained(make)
    (model.save if name == "m.keras" else model.save_weights)(tmp_path / name)
    editor = Editor(str(tmp_path / name))
    variables = [*model.variables, *model.optimizer.variables]
    assert len(leaves(editor.weights_dict)) == len(variables)
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": len(variables)}
    editor.save(tmp_path / "again.weights.h5")
    other = trained(make, epochs=1)
    other.load_weights(tmp_path / "again.weights.h5")
    same_weights(model, other)
    assert (editor.config is None) == (editor.metadata is None) == (name != "m.keras")
    if name == "m.keras":
        assert editor.config["class_name"] == type(model).__name__ and "keras_version" in editor.metadata


def test_weights_of_the_model_itself_and_objects_named_vars(tmp_path):
    class Block(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(2,), name="scale")
            self.vars = [keras.layers.Dense(2)]
            self.vars[0].build(shape)

        def call(self, x):
            return self.vars[0](x) * self.scale

    class Own(keras.Model):
        def build(self, shape):
            self.scale = self.add_weight(shape=(2,), name="scale")
            self.block = Block()
            self.block.build(shape)

        def call(self, x):
            return self.block(x) * self.scale

    model = Own()
    model(np.ones((1, 3), "float32"))
    model.save_weights(tmp_path / "own.weights.h5")
    editor = Editor(tmp_path / "own.weights.h5")
    assert sorted(editor.weights_dict) == ["0", "block"]
    assert sorted(editor.weights_dict["block"]) == ["0", "vars"]
    assert sorted(editor.weights_dict["block"]["vars"]["dense"]) == ["0", "1"]
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": 4}
    editor.save(tmp_path / "again.weights.h5")
    assert Editor(tmp_path / "again.weights.h5").compare(model)["match_count"] == 4


def test_bfloat16(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="bfloat16")])
    model.save_weights(tmp_path / "a.weights.h5")
    editor = Editor(tmp_path / "a.weights.h5")
    assert editor.weights_dict["layers"]["dense"]["0"].dtype.name == "bfloat16"
    editor.save(tmp_path / "a.weights.h5")  # onto the file that it was read from
    before = model.get_weights()
    model.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


# -- what it prints ---------------------------------------------------------------------------------------------
def test_summary(editor, path, capsys):
    Editor(path).summary()
    assert capsys.readouterr().out.splitlines() == [
        f"Keras model file '{path}'",
        "Weights structure",
        "  > layers",
        "      ├─ dense ('my_0')",
        "      │   ├─ 0: shape=(2, 3), dtype=float32",
        "      │   └─ 1: shape=(3,), dtype=float32",
        "      └─ dense_1 ('my_1')",
        "          ├─ 0: shape=(3, 3), dtype=float32",
        "          └─ 1: shape=(3,), dtype=float32",
        "  > optimizer ('sgd')",
        "      ├─ 0: shape=(), dtype=int32",
        "      └─ 1: shape=(), dtype=float32",
    ]
    editor.add_object("layers/new", {"0": [1.0, 2.0]})
    editor.summary()
    assert "0: shape=(2,), dtype=float64" in capsys.readouterr().out


def test_summary_of_a_model_names_the_version(tmp_path, capsys):
    trained(sequential).save(tmp_path / "m.keras")
    Editor(tmp_path / "m.keras")
    assert "Saved with Keras 3." in capsys.readouterr().out


def test_comparison_names_each_difference(editor, capsys):
    wanted = small((4, 3, 3))
    wanted.compile("sgd", "mse")
    editor.add_object("layers/odd", {"0": np.zeros(1)})
    editor.delete_weight("layers/dense_1", "1")
    capsys.readouterr()
    assert editor.compare(wanted) == {"status": "error", "error_count": 6, "match_count": 2}
    assert capsys.readouterr().out.splitlines() == [
        "Running comparison",
        "...Weight shape mismatch for /layers/dense/0",
        "    In reference model: shape=(2, 4)",
        "    In saved file: shape=(2, 3)",
        "...Weight shape mismatch for /layers/dense/1",
        "    In reference model: shape=(4,)",
        "    In saved file: shape=(3,)",
        "...Weight shape mismatch for /layers/dense_1/0",
        "    In reference model: shape=(4, 3)",
        "    In saved file: shape=(3, 3)",
        "...Weight /layers/dense_1/1 present in reference model, missing from saved file",
        "...Object /layers/dense_2 present in reference model, missing from saved file",
        "    In reference model, /layers/dense_2 contains the following keys: ['0', '1']",
        "...Object /layers/odd present in saved file, missing from reference model",
        "    In saved file, /layers/odd contains the following keys: ['0']",
        "─" * 21,
        "Found 6 errors: saved file is not compatible with the reference model",
    ]


def test_comparison_with_things_of_another_kind(editor):
    editor.weights_dict["layers"] = np.zeros(3)
    assert editor.compare(small())["error_count"] == 2  # and the optimizer, which that model does not have
    with pytest.raises(ValueError, match="Expected a model or layer"):
        editor.compare(3)


def test_terminals_without_the_characters(editor, monkeypatch):
    target = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stdout", target)
    editor.summary()


# -- changes ----------------------------------------------------------------------------------------------------
def test_a_layer_put_in_between(editor, tmp_path):
    old = {k: dict(v) for k, v in editor.weights_dict["layers"].items()}
    editor.rename_object("layers/dense_1", "dense_2")
    editor.add_object("layers/dense_1", {"0": np.eye(3), "1": np.zeros(3)})
    editor.delete_object("optimizer")
    wanted = small((3, 3, 3))
    assert editor.compare(wanted)["status"] == "success"
    editor.resave_weights(tmp_path / "b.weights.h5")
    wanted.load_weights(tmp_path / "b.weights.h5")
    np.testing.assert_array_equal(wanted.layers[2].get_weights()[0], old["dense_1"]["0"])
    np.testing.assert_array_equal(wanted.layers[1].get_weights()[0], np.eye(3))
    again = Editor(tmp_path / "b.weights.h5")
    assert sorted(again.weights_dict["layers"]) == ["dense", "dense_1", "dense_2"] and again.object_metadata == {}


def test_names(editor):
    editor.rename_object("dense", "first")  # unique, though the optimizer comes after it
    editor.rename_object("/layers/first", "first")  # onto itself
    editor.add_weights("first", {"2": np.zeros(2)})
    editor.delete_weight("first", "2")
    assert list(editor.weights_dict["layers"]["first"]) == ["0", "1"]
    editor.add_object("top", {"0": np.zeros(2)})
    editor.add_object("top/first", {"0": np.zeros(2)})
    with pytest.raises(ValueError, match="occurs more than once in the model; try passing a complete path"):
        editor.delete_object("first")
    editor.delete_object("top/first")
    editor.delete_object("first")
    assert list(editor.weights_dict["layers"]) == ["dense_1"]


@pytest.mark.parametrize(
    "change,match",
    [
        (lambda e: e.rename_object("dense", "a/b"), "should be a leaf name, not a full path name"),
        (lambda e: e.rename_object("nothing", "a"), "Source name 'nothing' does not appear"),
        (lambda e: e.rename_object("layers/nothing", "a"), "Path 'layers/nothing' not found in model"),
        (lambda e: e.delete_object("layers/dense/0/1"), "Path 'layers/dense/0/1' not found"),
        (lambda e: e.delete_object("nothing/dense"), "not found in model"),
        (lambda e: e.add_object("nothing/dense", {}), "Path 'nothing' not found in model"),
        (lambda e: e.add_object("layers/dense/0/x", {}), "Path 'layers/dense/0' not found in model"),
        (lambda e: e.add_object("x", [np.zeros(2)]), "`weights` should be a dict"),
        (lambda e: e.add_weights("dense", np.zeros(2)), "`weights` should be a dict"),
        (lambda e: e.add_weights("layers/dense/0", {}), "is a weight, not an object"),
        (lambda e: e.delete_weight("dense", "7"), r"Weight 7 not found in object dense. Weights found: \['0', '1'\]"),
        (lambda e: e.save("b.h5"), r"expected a `.weights.h5` extension"),
        (lambda e: Editor("b.h5"), r"expected a `.keras` `.weights.h5` extension"),
        (lambda e: (e.add_weights("dense", {"a/b": 1.0}), e.save("b.weights.h5")), "names of objects and weights"),
        (lambda e: (e.add_weights("dense", {3: 1.0}), e.save("b.weights.h5")), "names of objects and weights"),
        (lambda e: (e.add_weights("dense", {"2": "text"}), e.save("b.weights.h5")), "weights are arrays of numbers"),
        (lambda e: (e.add_weights("dense", {"2": None}), e.save("b.weights.h5")), "weights are arrays of numbers"),
    ],
)
def test_mistakes(editor, change, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=match):
        change(editor)
    assert not (tmp_path / "b.weights.h5").exists()


def test_missing_files(tmp_path):
    for name in ("a.weights.h5", "a.keras"):
        with pytest.raises(FileNotFoundError):
            Editor(tmp_path / name)


# -- files from strangers ---------------------------------------------------------------------------------------
def refused(path, change, match):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(BadModelFile, match=match):
        Editor(path)


def put(make, name="layers/dense/vars/0"):
    def change(file):
        del file[name]
        made = make(file, name)
        if name not in file:
            file[name] = made

    return change


def virtual(file, name):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
    return file.create_virtual_dataset(name, layout)


BOMB = dict(chunks=(1000, 1000), compression="gzip")


@pytest.mark.parametrize(
    "change,match",
    [
        (put(lambda f, n: h5py.SoftLink("/layers/dense_1/vars/0")), "SoftLink"),
        (put(lambda f, n: h5py.ExternalLink("/etc/passwd", "/")), "ExternalLink"),
        (put(lambda f, n: h5py.SoftLink("/layers"), "layers/dense/vars"), "SoftLink"),
        (put(lambda f, n: h5py.ExternalLink("b.h5", "/"), "layers"), "ExternalLink"),
        (put(virtual), "virtual|another file"),
        (put(lambda f, n: f.create_dataset(n, (3,), "f4", external=[("/etc/passwd", 0, 12)])), "another file"),
        (put(lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4", **BOMB)), "would expand"),
        (put(lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4")), "nothing is allocated"),
        (put(lambda f, n: f.create_dataset(n, (3,), dtype=h5py.string_dtype())), "dtype object"),
        (put(lambda f, n: f["layers"]), "under another name"),
        (put(lambda f, n: f["layers/dense_1/vars/0"]), "under another name"),
        (put(lambda f, n: f["layers/dense_1/vars"], "layers/dense/vars"), "under another name"),
        (put(lambda f, n: f["/"], "layers/dense"), "under another name"),
        (lambda f: f["layers/dense"].create_group("0").create_dataset("1", data=1.0), "both a weight and an object"),
        (lambda f: f.create_group("/".join("x" * 300)).create_dataset("1", data=1.0), "nested more than"),
        (lambda f: f["layers"].attrs.__setitem__("a", ["x", "y"]), "not a text"),
        (lambda f: f["layers"].attrs.__setitem__("a", f["layers"].ref), "not a text"),
        (
            lambda f: f["layers"].attrs.create(
                "a", np.array([np.zeros(2, "f4")] * 3 + [None], object)[:3], (3,), h5py.vlen_dtype("f4")
            ),
            "not a text",
        ),
        (lambda f: f["layers"].attrs.__setitem__("a", h5py.Empty("f4")), "declares more"),
    ],
)
def test_hostile_files(editor, path, change, match):
    refused(path, change, match)


def test_many_bombs_that_are_each_allowed(editor, path):
    def change(file):
        for k in range(40):
            file.create_dataset(f"layers/dense/vars/x{k}", (2048, 2048), "f4", chunks=(256, 256), compression="gzip")

    refused(path, change, "far more bytes than it stores")


def test_groups_that_share_groups(editor, path):
    """2**60 paths through 60 groups."""

    def change(file):
        below = file.create_group("g0")
        below["1"] = 1.0
        for k in range(60):
            above = file.create_group(f"h{k}")
            above["a"] = above["b"] = below
            below = above

    refused(path, change, "under another name")


def test_things_that_are_no_weights_are_passed_over(editor, path):
    with h5py.File(path, "r+") as file:
        file["layers/type"] = np.dtype("f4")
        file.create_group("layers/empty/vars")
    assert sorted(Editor(path).weights_dict["layers"]) == ["dense", "dense_1"]


def test_names_cannot_steer_the_terminal(editor, path, capsys):
    with h5py.File(path, "r+") as file:
        file["layers/dense"].create_group("\x1b[2Jx/vars").create_dataset("\x1b]0;y", data=1.0)
        file["layers/dense/vars"].attrs["name"] = "\x1b[31m"
    edited = Editor(path)
    edited.summary()
    edited.compare(small())
    assert "\x1b" not in capsys.readouterr().out


def test_a_keras_file_is_checked_as_everywhere(tmp_path):
    bad = hostile.with_weights(str(tmp_path / "m.keras"), put(lambda f, n: h5py.SoftLink("/x")))
    with pytest.raises(BadModelFile, match="SoftLink"):
        Editor(bad)
    hostile.pack([*hostile.parts().items(), ("../x", b"x")], bad)
    with pytest.raises(BadModelFile, match="unsafe name"):
        Editor(bad)
    members = hostile.parts()
    del members["model.weights.h5"]
    with pytest.raises(BadModelFile, match="no weights"):
        Editor(hostile.pack(members, bad))
    Editor(hostile.pack({**hostile.parts(), "metadata.json": b"[]"}, bad))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_random_bytes(editor, path, seed):
    with open(path, "rb") as f:
        original = f.read()
    rng = np.random.default_rng(seed)
    for _ in range(60):
        data = bytearray(original)
        for at in rng.integers(0, len(data), size=rng.integers(1, 20)):
            data[at] = rng.integers(0, 256)
        try:
            with WeightsReader(io.BytesIO(bytes(data)), "it") as file:
                read_tree(file)
        except BadModelFile as error:
            assert str(error)


def test_the_model_is_left_alone(path):
    model = trained(sequential)
    model.save_weights(path)
    Editor(path).weights_dict["layers"]["dense"]["0"][:] = 0
    out = model.predict(X, verbose=0)
    model.load_weights(path)
    np.testing.assert_array_equal(model.predict(X, verbose=0), out)
