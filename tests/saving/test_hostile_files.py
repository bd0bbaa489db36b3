"""Archives and HDF5 files that lie about sizes, point elsewhere, or are damaged. docs/security.md has the list."""

import io
import os
import re
import resource
import stat
import struct
import time
import zipfile

import h5py
import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.saving.reader import BadModelFile
from tests.saving import hostile

KERNEL = "layers/dense/vars/0"
MB = 1 << 20


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "model.keras")


def refused(path, match=None):
    """Loading ends in a clean error, soon, and without much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with pytest.raises(BadModelFile, match=match):
        keras.saving.load_model(path)
    assert time.perf_counter() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def replace_kernel(make):
    """A change of the weights file that puts what make(file, name) creates in place of a kernel."""

    def change(file):
        del file[KERNEL]
        make(file, KERNEL)

    return change


# -- archives ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "C:\\x",
        "c:/x",
        "assets\\x",
        "assets/../../x",
        "..",
        ".",
        "a//b",
        "./config.json",
        "\\\\host\\x",
    ],
)
def test_member_names(path, name):
    hostile.pack([*hostile.parts().items(), (name, b"x")], path)
    refused(path, "unsafe name|twice")


def test_name_with_a_zero_byte(path):
    hostile.pack([*hostile.parts().items(), ("assets/xAA", b"x")], path)
    with open(path, "r+b") as f:
        data = f.read().replace(b"assets/xAA", b"assets/x\0/")
        f.seek(0)
        f.write(data)
    refused(path)


def test_symbolic_link_member(path):
    hostile.pack(hostile.parts(), path)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("assets/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(path, "symbolic link")


def test_members_twice(path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        hostile.pack([*hostile.parts().items(), ("config.json", b"{}")], path)
    refused(path, "twice")


def test_too_many_members(path):
    hostile.pack([*hostile.parts().items(), *((f"m{k}", b"") for k in range(10_001))], path)
    refused(path, "at most 10000")


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5", "assets/x"])
def test_zip_bomb(path, member):
    """A member that expands a thousandfold is refused before it is read."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in hostile.parts().items():
            if name != member:
                archive.writestr(name, data)
        with archive.open(member, "w") as f:
            for _ in range(200):
                f.write(bytes(MB))
    with open(path, "wb") as f:
        f.write(bomb.getvalue())
    refused(path, "would expand")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(path, compression):
    hostile.pack(hostile.parts(), path, compression)
    refused(path, "only deflate is read")


def test_deflated_archives_are_read(path):
    hostile.pack(hostile.parts(), path, zipfile.ZIP_DEFLATED)
    assert keras.saving.load_model(path).count_params() == 26


def test_sizes_that_lie(path):
    """Sizes in the directory of the archive that are not those of its members."""
    for offset in (20, 24):  # the compressed size, the size
        for value in (0, 1, 2**31, 2**32 - 2):
            hostile.pack(hostile.parts(), path)
            with open(path, "rb") as f:
                data = bytearray(f.read())
            at = data.rfind(b"PK\1\2")
            data[at + offset : at + offset + 4] = struct.pack("<I", value)
            with open(path, "wb") as f:
                f.write(data)
            refused(path)


def test_encrypted_member(path):
    hostile.pack(hostile.parts(), path)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    data[data.find(b"PK\1\2") + 8] |= 1
    with open(path, "wb") as f:
        f.write(data)
    refused(path, "encrypted")


@pytest.mark.parametrize("missing", ["config.json", "model.weights.h5"])
def test_missing_members(path, missing):
    members = hostile.parts()
    del members[missing]
    refused(hostile.pack(members, path), "has no")


def test_weights_of_another_format_are_not_looked_for(path):
    members = hostile.parts()
    members["model.weights.npz"] = members.pop("model.weights.h5")
    refused(hostile.pack(members, path), "npz")


# -- HDF5 -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "make,match",
    [
        (lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4"), "nothing is allocated"),
        (lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4", chunks=(1000, 1000)), "nothing is allocated"),
        (
            lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip"),
            "nothing is allocated",
        ),
        (lambda f, n: f.create_dataset(n, data=np.zeros((8000, 8000), "f4"), compression="gzip"), "nothing is allocated"),
        (lambda f, n: f.create_dataset(n, (3, 4), "f4", chunks=(8192, 8192), maxshape=(None, None)), "chunks of"),
        (lambda f, n: f.create_dataset(n, data=np.zeros((3, 4), "f4"), chunks=(3, 4), compression="lzf"), "HDF5 filter"),
        (lambda f, n: f.create_dataset(n, data=np.zeros((3, 4), "i4"), chunks=(3, 4), scaleoffset=0), "HDF5 filter"),
        (lambda f, n: f.__setitem__(n, h5py.SoftLink("/layers/dense_1/vars/0")), "SoftLink"),
        (lambda f, n: f.__setitem__(n, h5py.SoftLink("/nowhere")), "SoftLink"),
        (lambda f, n: f.__setitem__(n, h5py.ExternalLink("/etc/passwd", "/x")), "ExternalLink"),
        (lambda f, n: f.__setitem__(n, h5py.ExternalLink("other.h5", "/x")), "ExternalLink"),
        (lambda f, n: f.create_dataset(n, (3, 4), "f4", external=[("/etc/passwd", 0, 48)]), "another file"),
        (lambda f, n: f.create_dataset(n, data=["x"] * 3, dtype=h5py.string_dtype()), "dtype object"),
        (lambda f, n: f.create_dataset(n, data=np.array([b"abc"])), "dtype"),
        (lambda f, n: f.create_dataset(n, (3,), dtype=h5py.vlen_dtype(np.float32)), "dtype object"),
        (lambda f, n: f.create_dataset(n, (3,), dtype=h5py.ref_dtype), "dtype object"),
        (lambda f, n: f.create_dataset(n, (3,), dtype=h5py.regionref_dtype), "dtype object"),
        (lambda f, n: f.create_dataset(n, (3,), dtype=np.dtype([("a", "f4")])), "dtype"),
        (lambda f, n: f.create_dataset(n, (3, 4), dtype=np.dtype(("f4", (1000,)))), "dtype"),
        (lambda f, n: f.create_dataset(n, data=np.zeros((3, 4), "V2")), "dtype"),
        (lambda f, n: f.create_dataset(n, data=np.zeros((3, 4), "c8")), "dtype"),
        (lambda f, n: f.create_dataset(n, data=h5py.Empty("f4")), "empty"),
        (lambda f, n: f.create_group(n), "not a variable"),
        (lambda f, n: f.__setitem__(n, np.dtype("f4")), "not a variable"),
    ],
)
def test_datasets(path, make, match):
    refused(hostile.with_weights(path, replace_kernel(make)), match)


def test_virtual_dataset(path, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones((3, 4), "f4")
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3, 4))
    make = lambda f, n: f.create_virtual_dataset(n, layout)
    refused(hostile.with_weights(path, replace_kernel(make)), "another file")


@pytest.mark.parametrize("link", [h5py.SoftLink("/layers/dense_1"), h5py.ExternalLink("/dev/zero", "/")])
@pytest.mark.parametrize("place", ["layers", "layers/dense", "layers/dense/vars", "optimizer"])
def test_links_instead_of_groups(path, link, place):
    def change(file):
        del file[place]
        file[place] = link

    refused(hostile.with_weights(path, change), "Link")


def test_link_to_a_pipe_does_not_wait(path, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    make = lambda f, n: f.__setitem__(n, h5py.ExternalLink(str(tmp_path / "pipe"), "/x"))
    refused(hostile.with_weights(path, replace_kernel(make)), "ExternalLink")


def test_group_that_contains_itself(path):
    def change(file):
        file["layers/dense/vars/layers"] = file["layers"]

    with pytest.raises(ValueError, match="expected 2 variables"):
        keras.saving.load_model(hostile.with_weights(path, change))


@pytest.mark.parametrize(
    "change,match",
    [
        (lambda f: f.__delitem__(KERNEL), "expected 2 variables, but received 1"),
        (lambda f: f.__delitem__("layers/dense/vars"), "expected 2 variables, but received 0"),
        (lambda f: f.__delitem__("layers"), "2 objects could not be loaded"),
        (lambda f: f.__delitem__("optimizer/vars"), "the file holds 0 for it"),
        (lambda f: f.__delitem__("optimizer/vars/3"), "optimizer 'adam.*' has 10 variables, the file holds 9"),
        (lambda f: f.move(KERNEL, "layers/dense/vars/7"), "has no variable '0'"),
        (replace_kernel(lambda f, n: f.create_dataset(n, data=np.zeros((4, 3), "f4"))), r"\(4, 3\)"),
        (replace_kernel(lambda f, n: f.create_dataset(n, data=np.zeros((12,), "f4"))), r"\(12,\)"),
        (replace_kernel(lambda f, n: f.create_dataset(n, data=np.float32(1))), r"\(\)"),
    ],
)
def test_variables_that_do_not_fit_are_errors(path, change, match):
    with pytest.raises(ValueError, match=match):
        keras.saving.load_model(hostile.with_weights(path, change))


def test_damage_is_an_error_when_mismatches_are_skipped(tmp_path):
    made = hostile.model()
    path = str(tmp_path / "a.weights.h5")
    made.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        file[KERNEL] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(BadModelFile, match="ExternalLink"):
        made.load_weights(path, skip_mismatch=True)


def test_weights_that_are_compressed_honestly_are_read(path):
    value = np.random.default_rng(0).normal(size=(3, 4)).astype("f4")
    make = lambda f, n: f.create_dataset(n, data=value, compression="gzip", shuffle=True, fletcher32=True)
    loaded = keras.saving.load_model(hostile.with_weights(path, replace_kernel(make)))
    np.testing.assert_array_equal(loaded.layers[0].kernel.numpy(), value)


# -- legacy files -----------------------------------------------------------------------------------------------
def legacy(tmp_path, change):
    path = str(tmp_path / "model.h5")
    hostile.model().save(path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def swap(file, name, make):
    del file[name]
    make(file, name)


LEGACY_KERNEL = "model_weights/one/"


def kernel_of(file):
    return LEGACY_KERNEL + next(n.decode() for n in file["model_weights/one"].attrs["weight_names"] if b"kernel" in n)


@pytest.mark.parametrize(
    "change,match",
    [
        (lambda f: f.attrs.__delitem__("model_config"), "weights only"),
        (lambda f: f.attrs.__setitem__("model_config", b"{"), "not valid JSON"),
        (lambda f: f.attrs.__setitem__("model_config", 3), "not a text"),
        (lambda f: f.attrs.__setitem__("model_config", "[" * 5000), "nested more than"),
        (lambda f: f.attrs.__setitem__("model_config", h5py.Empty("f4")), "declares more|not a text"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [1, 2]), "not a list of names"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"..", b"two"]), "has no group"),
        (lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"", b"two"]), "not the name of a member"),
        (lambda f: f["model_weights/one"].attrs.__setitem__("weight_names", [b"/etc/x", b"y"]), "has no weight"),
        (
            lambda f: swap(f, "model_weights/one", lambda f, n: f.__setitem__(n, h5py.SoftLink("/model_weights/two"))),
            "SoftLink",
        ),
        (lambda f: swap(f, "model_weights", lambda f, n: f.__setitem__(n, h5py.ExternalLink("x.h5", "/"))), "ExternalLink"),
        (lambda f: swap(f, "optimizer_weights", lambda f, n: f.__setitem__(n, h5py.SoftLink("/x"))), "SoftLink"),
        (lambda f: swap(f, kernel_of(f), lambda f, n: f.create_dataset(n, (10**6, 10**6), "f4")), "nothing is allocated"),
        (lambda f: swap(f, kernel_of(f), lambda f, n: f.create_dataset(n, (3,), dtype=h5py.string_dtype())), "dtype object"),
    ],
)
def test_legacy_files(tmp_path, change, match):
    path = legacy(tmp_path, change)
    refused(path, match)


def test_thousands_of_names_that_share_one_long_text(tmp_path):
    """A file of half a megabyte that would need gigabytes: every name is a reference to the same text."""
    count, size = 3500, 400_000

    def change(file):
        file["model_weights"].attrs["layer_names"] = [f"y{k:06}" for k in range(count)]
        file["model_weights"].attrs["long"] = "z" * size

    path = legacy(tmp_path, change)
    with open(path, "rb") as f:
        data = f.read()
    record = lambda length: re.compile(struct.pack("<I", length) + rb".{6}\0\0..\0\0", re.DOTALL)
    long = record(size).search(data).group()
    data, replaced = record(7).subn(long.replace(b"\\", rb"\\"), data)
    assert replaced >= count and len(data) < 1_000_000
    with open(path, "wb") as f:
        f.write(data)
    refused(path, "3500 texts of attribute 'layer_names'")


@pytest.mark.parametrize(
    "gadget",
    [
        {"class_name": "Lambda", "config": {"name": "x", "function": ["4wAAAA==", None, None], "function_type": "lambda"}},
        {"class_name": "Lambda", "config": {"name": "x", "function": "system", "function_type": "function", "module": "os"}},
        {"class_name": "system", "config": {"command": "x"}},
        {"class_name": "os>system", "config": {}},
        {"class_name": "TFOpLambda", "config": {"name": "x", "function": "io.read_file"}},
    ],
)
def test_legacy_configs(tmp_path, gadget):
    import json

    def change(file):
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1] = gadget
        file.attrs["model_config"] = json.dumps(config)

    path = legacy(tmp_path, change)
    for mode in (True, None, False):
        with pytest.raises((ValueError, TypeError)):
            keras.saving.load_model(path, safe_mode=mode)


# -- damage at random -------------------------------------------------------------------------------------------
def survives(data, path):
    """A damaged file either loads or ends in a clean error; returns whether it loaded."""
    with open(path, "wb") as f:
        f.write(data)
    try:
        keras.saving.load_model(path)
        return True
    except (ValueError, TypeError) as error:
        assert str(error)
        return False


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_truncated_files(tmp_path, kind):
    path = str(tmp_path / f"model.{kind}")
    hostile.model().save(path)
    with open(path, "rb") as f:
        data = f.read()
    for n in [*range(0, 64), *range(64, len(data), max(1, len(data) // 100)), len(data) - 1]:
        assert not survives(data[:n], path), n
    assert survives(data, path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["weights", "keras", "h5"])
def test_random_bytes(tmp_path, kind, seed):
    """Bytes changed at random: in the whole file, or in the HDF5 part alone so that no checksum of the archive protects it."""
    path = str(tmp_path / ("model.h5" if kind == "h5" else "model.keras"))
    hostile.model().save(path)
    members = hostile.parts() if kind == "weights" else None
    with open(path, "rb") as f:
        original = members["model.weights.h5"] if members else f.read()
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    for _ in range(40):
        data = bytearray(original)
        for at in rng.integers(0, len(data), size=rng.integers(1, 8)):
            data[at] = rng.integers(0, 256)
        if members:
            hostile.pack({**members, "model.weights.h5": bytes(data)}, path)
            with open(path, "rb") as f:
                data = f.read()
        survives(data, path)
    assert time.perf_counter() - started < 60
