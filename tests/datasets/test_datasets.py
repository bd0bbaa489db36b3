"""Data sets from the cache, and data files that try to run code or to fill the memory."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.datasets import arrays
from tests import data


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERASGPU_OFFLINE", "1")
    return tmp_path


def test_mnist_from_the_cache(home):
    data.fill_cache(home)
    (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
    assert x.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28) and x.dtype == y.dtype == "uint8"
    assert y.shape == (60000,) and set(np.unique(y_test)) == set(range(10))


def test_california_housing_from_the_cache(home):
    data.fill_cache(home)
    (x, y), (x_test, y_test) = keras.datasets.california_housing.load_data(test_split=0.25)
    assert x.shape == (15480, 8) and x_test.shape == (5160, 8) and len(y) == 15480 and len(y_test) == 5160
    assert len(keras.datasets.california_housing.load_data("small", test_split=0)[0][0]) == 600


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "imdb", "reuters", "cifar10", "cifar100", "boston_housing"])
def test_without_a_connection(home, name):
    with pytest.raises(ConnectionError, match=r"KERASGPU_OFFLINE=1 forbids downloads\. Fetch https?://.* put it at"):
        getattr(keras.datasets, name).load_data()


class Runs:
    def __reduce__(self):
        return (os.system, ("touch ran",))


@pytest.mark.parametrize("make", [lambda: Runs(), lambda: [1, Runs()], lambda: np.array([Runs()], dtype=object), lambda: print])
def test_pickles_run_nothing(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="only arrays are read"):
        arrays.unpickle(pickle.dumps(make()))
    buffer = io.BytesIO()
    np.save(buffer, np.array([make(), None], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(ValueError, match="only arrays are read"):
        arrays.read_npz(tmp_path / "x.npz", ["x"])
    assert os.listdir(tmp_path) == ["x.npz"]


def test_arrays_of_lists_are_read(tmp_path):
    rows = np.empty(2, dtype=object)
    rows[:] = [[1, 2], [3]]
    np.savez(tmp_path / "x.npz", x=rows, y=np.arange(3))
    x, y = arrays.read_npz(tmp_path / "x.npz", ["x", "y"])
    assert x.tolist() == [[1, 2], [3]] and y.tolist() == [0, 1, 2]


def npy(header: str) -> bytes:
    text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"12345678"


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-5,), }"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': 'x', }"),
        npy("__import__('os').system('touch ran')"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        b"\x93NUMPY",
        b"",
        b"nonsense",
    ],
)
def test_headers_that_lie(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match="not the expected data file"):
        arrays.read_npz(tmp_path / "x.npz", ["x"])
    assert os.listdir(tmp_path) == ["x.npz"]


def test_member_that_expands(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as f:
        f.write(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3000000000,), }"))
        for _ in range(64):
            f.write(bytes(1 << 20))
    with pytest.raises(ValueError, match="declares"):
        arrays.read_npz(tmp_path / "x.npz", ["x"])


def test_a_damaged_file_in_the_cache_is_not_used(home):
    (home / "datasets").mkdir()
    (home / "datasets" / "mnist.npz").write_bytes(b"PK damaged")
    with pytest.raises(ConnectionError):
        keras.datasets.mnist.load_data()
