"""Weights in several files: limits, what the index may name, and saves that fail."""

import json
import os

import h5py
import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.saving.reader import BadModelFile
from tests.saving.models import MODELS, RNG, X, Y, sequential, trained

KB = 1 / (1 << 20)  # in GB
INDEX = "m.weights.json"


def saved(folder, size=1 * KB, make=sequential):
    model = trained(make)
    model.save_weights(folder / INDEX, max_shard_size=size)
    return model


def randomized(make=sequential):
    model = trained(make, epochs=1)
    for v in [*model.variables, *model.optimizer.variables]:
        if "float" in v.dtype:
            v.assign(RNG.normal(size=v.shape))
    return model


def index_of(folder):
    return json.loads((folder / INDEX).read_text())


def change_index(folder, change):
    index = index_of(folder)
    (folder / INDEX).write_text(json.dumps(change(index) or index))


def values(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("size", [0.2 * KB, 0.5 * KB, 1.0, np.float32(1)])
def test_weights_and_optimizer_state_come_back(make, size, tmp_path):
    model = saved(tmp_path, size, make)
    shards = sorted(p.name for p in tmp_path.glob("*.h5"))
    assert shards == [f"m_{k:05}.weights.h5" for k in range(len(shards))]
    assert (len(shards) == 1) == (size >= 1)
    other = randomized(make)
    other.load_weights(tmp_path / INDEX)
    for a, b in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_shard_is_larger_than_asked_and_the_index_knows_all(tmp_path):
    model = saved(tmp_path, 0.5 * KB)
    index, total = index_of(tmp_path), 0
    for shard in tmp_path.glob("*.h5"):
        held = 0
        with h5py.File(shard) as file:

            def visit(name, x, shard=shard):
                nonlocal held
                if isinstance(x, h5py.Dataset):
                    held += x.nbytes
                    where = index["weight_map"]["/" + os.path.dirname(name)]
                    assert shard.name in (where if isinstance(where, list) else [where])

            file.visititems(visit)
        assert 0 < held <= 512
        total += held
    assert total == index["metadata"]["total_size"]
    assert total >= sum(v.nbytes for v in values(model) if v.size > 1)
    assert len(index["weight_map"]["/optimizer/vars"]) > 1


def test_an_object_over_several_shards(tmp_path):
    """The mapping that save_own_variables() and load_own_variables() see."""

    class Wide(keras.layers.Layer):
        def build(self, shape):
            self.parts = [self.add_weight(shape=(64,), initializer="random_normal", name=f"w{k}") for k in range(3)]

        def call(self, x):
            return x + sum(self.parts)

        def save_own_variables(self, store):
            for k in range(3):
                store[f"part{k}"] = self.parts[k]
            store["extra"] = np.zeros(64, "float32")
            assert "part0" in store and "other" not in store and len(store) == 4
            del store["extra"]
            assert store.keys() == ["part0", "part1", "part2"]
            with pytest.raises(ValueError, match="already written"):
                store["part0"]

        def load_own_variables(self, store):
            assert sorted(store) == sorted(k for k, _ in store.items()) == ["part0", "part1", "part2"]
            assert store.get("other") is None and "part1" in store and len(store) == 3
            with pytest.raises(KeyError, match="no variable 'other'"):
                store["other"]
            for k in range(3):
                self.parts[k].assign(store[f"part{k}"])

    models = [keras.Sequential([keras.Input((64,)), Wide()]) for _ in range(2)]
    models[0].save_weights(tmp_path / INDEX, max_shard_size=0.3 * KB)
    assert index_of(tmp_path)["weight_map"]["/layers/wide/vars"] == [f"m_{k:05}.weights.h5" for k in range(4)]
    models[1].load_weights(tmp_path / INDEX)
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_extension_becomes_json(tmp_path):
    model = trained(sequential)
    with pytest.warns(UserWarning, match=r"requires `\*\.json`"):
        model.save_weights(tmp_path / "a.weights.h5", max_shard_size=1)
    assert sorted(os.listdir(tmp_path)) == ["a.weights.json", "a_00000.weights.h5"]
    model.load_weights(tmp_path / "a.weights.json")


def test_arguments(tmp_path):
    model = trained(sequential)
    with pytest.raises(ValueError, match=r"must end in `\.weights\.json` when"):
        model.save_weights(tmp_path / "a.h5", max_shard_size=1)
    with pytest.raises(ValueError, match=r"must end in `\.weights\.h5`"):
        model.save_weights(tmp_path / INDEX)
    for size in (0, -1, float("nan"), "5", True):
        with pytest.raises(ValueError, match="positive number of GB"):
            model.save_weights(tmp_path / INDEX, max_shard_size=size)
    with pytest.raises(ValueError, match=r"size of layers/dense/0 is 120.* exceeds the maximum shard size 102"):
        model.save_weights(tmp_path / INDEX, max_shard_size=0.1 * KB)
    with pytest.raises(ValueError, match="not yet been built"):
        keras.Sequential([keras.layers.Dense(1)]).save_weights(tmp_path / INDEX, max_shard_size=1)
    assert not os.listdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / INDEX)


def test_asks_before_overwriting(tmp_path, monkeypatch):
    model = saved(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    model.fit(X, Y, verbose=0)
    monkeypatch.setattr("builtins.input", lambda text: "n")
    model.save_weights(tmp_path / INDEX, max_shard_size=1 * KB, overwrite=False)
    assert before == {p: p.read_bytes() for p in tmp_path.iterdir()}


def test_skipped_objects_and_mismatches(tmp_path):
    model = saved(tmp_path, 0.3 * KB)
    other = randomized()
    before = other.layers[0].kernel.numpy()
    other.load_weights(tmp_path / INDEX, objects_to_skip=[other.layers[0]])
    np.testing.assert_array_equal(other.layers[0].kernel.numpy(), before)
    np.testing.assert_array_equal(other.layers[-1].kernel.numpy(), model.layers[-1].kernel.numpy())
    wide = keras.Sequential([keras.Input((6,)), keras.layers.Dense(9)])
    with pytest.raises(ValueError, match="could not be loaded"):
        wide.load_weights(tmp_path / INDEX)
    with pytest.warns(UserWarning, match="could not be loaded"):
        wide.load_weights(tmp_path / INDEX, skip_mismatch=True)


# -- hostile and damaged ----------------------------------------------------------------------------------------
def refused(folder, match, error=BadModelFile):
    with pytest.raises(error, match=match):
        randomized().load_weights(folder / INDEX, skip_mismatch=True)


@pytest.mark.parametrize(
    "name",
    [
        "../m_00000.weights.h5",
        "..",
        "",
        ".",
        "/etc/passwd",
        "/etc/x.weights.h5",
        "sub/m.weights.h5",
        "sub\\m.weights.h5",
        "C:\\m.weights.h5",
        "m.weights.h5\0",
        "m.weights.h5\0.weights.h5",
        "m_00000.h5",
        "m.weights.json",
        3,
        None,
        {"a": 1},
        ["m_00000.weights.h5", "../x.weights.h5"],
        [["m_00000.weights.h5"]],
    ],
)
def test_shards_are_names_in_the_same_folder(name, tmp_path):
    saved(tmp_path)
    change_index(tmp_path, lambda index: index["weight_map"].update({"/layers/dense/vars": name}))
    refused(tmp_path, "names the shard")


@pytest.mark.parametrize("name", ["\ud800.weights.h5", "x" * 5000 + ".weights.h5"])
def test_names_that_no_file_can_have(name, tmp_path):
    saved(tmp_path)
    change_index(tmp_path, lambda index: index["weight_map"].update({"/a/vars": name}))
    refused(tmp_path, "cannot be opened")


def test_missing_shard(tmp_path):
    saved(tmp_path, 0.3 * KB)
    (tmp_path / "m_00001.weights.h5").unlink()
    refused(tmp_path, r"needs the shard 'm_00001\.weights\.h5', which is missing from", FileNotFoundError)


@pytest.mark.parametrize("absolute", [True, False])
def test_links_that_leave_the_folder(absolute, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    saved(inside)
    shard = inside / "m_00000.weights.h5"
    shard.rename(tmp_path / "elsewhere.weights.h5")
    shard.symlink_to(tmp_path / "elsewhere.weights.h5" if absolute else "../elsewhere.weights.h5")
    refused(inside, "link to another folder")


def test_links_inside_the_folder_and_to_it(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    model = saved(inside, 1)
    (inside / "m_00000.weights.h5").rename(inside / "real.weights.h5")
    (inside / "m_00000.weights.h5").symlink_to("real.weights.h5")
    (tmp_path / "link").symlink_to(inside, target_is_directory=True)
    other = randomized()
    other.load_weights(tmp_path / "link" / INDEX)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), other.layers[0].kernel.numpy())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_shards_and_indices_that_are_no_files(make, tmp_path):
    saved(tmp_path, 1)
    os.unlink(tmp_path / "m_00000.weights.h5")
    make(tmp_path / "m_00000.weights.h5")
    refused(tmp_path, "is not a file")
    os.unlink(tmp_path / INDEX)
    make(tmp_path / INDEX)
    refused(tmp_path, "is not a file")


@pytest.mark.parametrize(
    "index,match",
    [
        ([], "no weight_map"),
        ({"metadata": {}}, "no weight_map"),
        ({"weight_map": []}, "no weight_map"),
        ({"weight_map": {}, "metadata": {"total_size": 10**12}}, "declares 1000000000000 bytes"),
        ({"weight_map": {}, "metadata": {"total_size": float("nan")}}, "no number of bytes"),
        ({"weight_map": {}, "metadata": {"total_size": float("inf")}}, "no number of bytes"),
        ({"weight_map": {}, "metadata": {"total_size": -1}}, "no number of bytes"),
        ({"weight_map": {}, "metadata": {"total_size": "1"}}, "no number of bytes"),
        ({"weight_map": {f"/{k}": f"{k}.weights.h5" for k in range(10_001)}}, "at most 10000"),
    ],
)
def test_indices_that_lie(index, match, tmp_path):
    (tmp_path / INDEX).write_text(json.dumps(index))
    refused(tmp_path, match)


def test_texts_that_are_no_index(tmp_path):
    for text, match in ((b"", "valid JSON"), (b"[" * 10**6, "nested more than"), (b"\xff", "UTF-8"), (b"{", "valid JSON")):
        (tmp_path / INDEX).write_bytes(text)
        refused(tmp_path, match)
    with open(tmp_path / INDEX, "wb") as file:
        file.truncate(1 << 40)  # a sparse file: nothing on the disk
    refused(tmp_path, "bytes of JSON")


def test_truncated_shard(tmp_path):
    saved(tmp_path, 1)
    shard = tmp_path / "m_00000.weights.h5"
    shard.write_bytes(shard.read_bytes()[:100])
    refused(tmp_path, "one is incomplete")
    change_index(tmp_path, lambda index: index.pop("metadata") and None)
    refused(tmp_path, "not a readable HDF5 file")


@pytest.mark.parametrize(
    "make,match",
    [
        (lambda f, n: f.__setitem__(n, h5py.SoftLink("/x")), "SoftLink"),
        (lambda f, n: f.__setitem__(n, h5py.ExternalLink("/etc/passwd", "/x")), "ExternalLink"),
        (
            lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip"),
            "nothing is allocated",
        ),
    ],
)
def test_hostile_shards(make, match, tmp_path):
    saved(tmp_path, 1)
    with h5py.File(tmp_path / "m_00000.weights.h5", "r+") as file:
        del file["layers/dense/vars/0"]
        make(file, "layers/dense/vars/0")
    refused(tmp_path, match)


def test_a_variable_in_two_shards_or_none(tmp_path):
    saved(tmp_path, 1)
    shard = tmp_path / "m_00000.weights.h5"
    (tmp_path / "m_00001.weights.h5").write_bytes(shard.read_bytes())
    change_index(tmp_path, lambda i: i["weight_map"].update({"/layers/dense/vars": [shard.name, "m_00001.weights.h5"]}))
    refused(tmp_path, "in two shards")
    change_index(tmp_path, lambda i: i["weight_map"].pop("/layers/dense/vars") and None)
    with pytest.raises(ValueError, match="expected 2 variables, but received 0"):
        randomized().load_weights(tmp_path / INDEX)
