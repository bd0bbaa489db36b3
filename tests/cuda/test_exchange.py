"""Arrays given to and taken from other libraries without a copy, and models that move between devices."""

import importlib.util
import os
import subprocess
import sys
import types

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.engine import device as devices
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import exchange


class Foreign:
    """An array of another library on the shim's GPU. `__array__` fails, as that of PyTorch's CUDA tensors does."""

    def __init__(self, values, offset=0):
        values = np.asarray(values)
        self.memory = cuda.empty((values.nbytes + offset + 16,), np.dtype("uint8"), 0)
        self.at = (self.memory.ctypes.data + 15) // 16 * 16 + offset
        self.shape, self.dtype = values.shape, values.dtype
        view = self.memory.view(np.ndarray)[self.at - self.memory.ctypes.data :][: values.nbytes]
        view[...] = values.reshape(-1).view(np.uint8)
        self.view = view.view(values.dtype).reshape(values.shape)

    @property
    def __cuda_array_interface__(self):
        about = {"shape": self.shape, "typestr": self.dtype.str, "data": (self.at, False), "version": 3}
        return {**about, "strides": None, "stream": 1}

    def __array__(self, dtype=None, copy=None):
        raise TypeError("this array is on a GPU")


def test_a_gpu_array_of_another_library_shares_its_memory(gpu):
    given = Foreign(np.arange(6, dtype="float32").reshape(2, 3))
    tensor = ops.convert_to_tensor(given)
    assert type(tensor) is Tensor and tensor.device == "gpu:0" and tensor.__cuda_array_interface__["data"][0] == given.at
    given.view[0, 0] = 7
    np.testing.assert_array_equal((tensor + 1).numpy(), [[8, 2, 3], [4, 5, 6]])
    assert ops.convert_to_tensor(given, "int32").dtype == "int32"
    del given
    assert float(tensor[0, 0]) == 7  # the memory lives as long as the tensor


def test_arrays_that_kernels_cannot_read_in_place_are_copied(gpu):
    given = Foreign(np.arange(5, dtype="float32"), offset=4)
    tensor = ops.convert_to_tensor(given)
    np.testing.assert_array_equal((tensor * 2).numpy(), [0, 2, 4, 6, 8])
    assert tensor.__cuda_array_interface__["data"][0] % 16 == 0


def test_gpu_arrays_are_data_for_fit(on_gpu):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40).astype("int32")
    losses = []
    for data in ((x, y), (Foreign(x), Foreign(y))):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        losses.append(model.fit(*data, batch_size=8, epochs=2, verbose=0).history["loss"])
        assert model.predict(data[0], verbose=0).shape == (40, 3)
    assert losses[0] == losses[1]


def test_without_a_gpu_the_sentence_says_why(monkeypatch):
    monkeypatch.setattr(devices, "gpu_count", lambda: (0, "CuPy is not installed; run: pip install 'kerasgpu[cuda12]'"))
    for_torch = types.SimpleNamespace(__cuda_array_interface__={"version": 3})
    with pytest.raises(RuntimeError, match=r"on a GPU: CuPy is not installed; run: pip install 'kerasgpu\[cuda12\]'. Or copy"):
        ops.convert_to_tensor(for_torch)


def test_tensors_give_their_memory_away(on_gpu):
    tensor, variable = ops.ones((2, 3)), keras.Variable(np.zeros(4, "float32"))
    for x, data in ((tensor, tensor._data), (variable, variable.value._data)):
        assert x.__cuda_array_interface__["data"][0] == data.ctypes.data
        assert tuple(x.__cuda_array_interface__["shape"]) == x.shape
    again = ops.convert_to_tensor(types.SimpleNamespace(__cuda_array_interface__=tensor.__cuda_array_interface__))
    assert again._data.ctypes.data == tensor._data.ctypes.data
    with pytest.raises(AttributeError):
        _ = tensor.cpu().__cuda_array_interface__
    assert not hasattr(tensor.cpu(), "__cuda_array_interface__")


def test_the_stream_of_the_consumer_reaches_the_array():
    """Who takes a tensor by DLPack names the stream on which he will use it; CuPy makes that stream wait."""
    asked = []

    class Array:
        shape, dtype = (3,), np.dtype("float32")

        def __dlpack__(self, **options):
            asked.append(options)
            return "capsule"

        def __dlpack_device__(self):
            return exchange.CUDA, 1

    tensor = Tensor(Array())
    assert tensor.__dlpack_device__() == (2, 1)
    assert tensor.__dlpack__(stream=77) == "capsule" and tensor.__dlpack__(stream=2, max_version=(1, 0)) == "capsule"
    assert asked == [{"stream": 77}, {"stream": 2, "max_version": (1, 0)}]


def test_memory_that_leaves_is_in_no_program(on_gpu):
    leaked = []
    step = keras.jit(lambda x: (leaked.append((x + 1).__cuda_array_interface__), ops.sum(x))[1])
    for k in range(4):
        assert float(step(ops.ones((3,)) * k)) == 3 * k
    assert len(leaked) == 4  # it never was replayed


def test_numpy_shares_cpu_memory():
    tensor, variable = ops.arange(6, dtype="float32"), keras.Variable([1.0, 2.0])
    shared = np.from_dlpack(tensor)
    assert shared.ctypes.data == tensor._data.ctypes.data and tensor.__dlpack_device__()[0] == 1
    live = np.from_dlpack(variable)
    variable.assign([3.0, 4.0])
    np.testing.assert_array_equal(live, [3, 4])


SHARING = """
import numpy as np
import kerasgpu as keras
tensor = keras.ops.arange(6, dtype="float32")
"""
LIBRARIES = {
    "jax.numpy": """
import jax.numpy as jnp
np.testing.assert_array_equal(jnp.from_dlpack(tensor), np.arange(6))
there = jnp.ones((2, 2))
""",
    "torch": """
import torch
assert torch.from_dlpack(tensor).data_ptr() == tensor._data.ctypes.data
there = torch.ones(2, 2)
""",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_other_libraries_share_cpu_memory(library):
    """In a process of its own: their threads would disturb tests that fork."""
    if importlib.util.find_spec(library.split(".")[0]) is None:
        pytest.skip(f"{library} is not installed")
    last = "np.testing.assert_array_equal(keras.ops.convert_to_tensor(there).numpy(), np.ones((2, 2)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", SHARING + LIBRARIES[library] + last], check=True, env=environment)


# -- moving ---------------------------------------------------------------------------------------------------------
X = np.random.default_rng(0).normal(size=(48, 6)).astype("float32")
Y = X[:, :3].argmax(1).astype("int32")


def model():
    keras.utils.set_random_seed(4)
    made = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Normalization(mean=[0.0] * 6, variance=[1.0] * 6),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def everything(made):
    return [*made.variables, *made.optimizer.variables, *made.metrics_variables]


def fit(made, epochs=2):
    return made.fit(X, Y, batch_size=8, epochs=epochs, verbose=0).history["loss"]


def test_models_and_optimizer_state_move_both_ways(gpu):
    curve = fit(model(), 6)
    moves = model()
    seen = []
    for where in ("cpu:0", "gpu:0", "cpu:0"):
        assert moves.to(where) is moves and {v.device for v in everything(moves)} == {where}
        seen += fit(moves)
        assert {v.device for v in everything(moves)} == {where}
        assert moves(X).device == where
    np.testing.assert_allclose(seen, curve, rtol=1e-4)


@pytest.mark.parametrize("first, second", [("cpu:0", "gpu:0"), ("gpu:0", "cpu:0")])
def test_files_do_not_know_devices(gpu, tmp_path, first, second):
    with devices.device(first):
        made = model()
        fit(made)
        made.save(tmp_path / "model.keras")
        made.save_weights(tmp_path / "model.weights.h5")
        state = [v.numpy() for v in [*made.variables, *made.optimizer.variables]]
        np.random.seed(8)
        want = fit(made), made.predict(X, verbose=0)
    with devices.device(second):
        again = keras.models.load_model(tmp_path / "model.keras")
        for v, value in zip([*again.variables, *again.optimizer.variables], state):
            assert v.device == second
            np.testing.assert_array_equal(v.numpy(), value)
        np.random.seed(8)
        np.testing.assert_allclose(fit(again), want[0], rtol=1e-4)
        np.testing.assert_allclose(again.predict(X, verbose=0), want[1], rtol=1e-3, atol=1e-5)
        again.load_weights(tmp_path / "model.weights.h5")
        np.testing.assert_array_equal(again.get_weights()[-1], state[len(made.variables) - 1])


def test_memory_is_asked_for_only_when_needed(on_gpu, monkeypatch):
    asked = []
    inner = on_gpu.empty
    monkeypatch.setattr(on_gpu, "empty", lambda shape, dtype, index: (asked.append(shape), inner(shape, dtype, index))[1])
    keras.memory_stats("gpu:0"), keras.empty_cache()
    model()
    assert asked and max(int(np.prod(shape)) for shape in asked) <= 48  # weights, and nothing beyond them
