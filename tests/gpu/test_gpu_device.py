"""What only a GPU shows: memory, graphs replayed many times, training curves and masks equal to the CPU's, exchange with CuPy."""

import gc

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda, random

pytestmark = pytest.mark.gpu
STATE = np.array([1234567, 42], "uint32")


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_random_bits_are_those_of_the_cpu(dtype):
    for name, args in [("uniform", (-1.5, 2.0)), ("normal", (1.0, 2.0)), ("truncated_normal", (0.0, 0.05))]:
        draw = getattr(random, name)
        got, want = draw(put(STATE), (100003,), *args, dtype=dtype).get(), draw(STATE, (100003,), *args, dtype=dtype)
        np.testing.assert_array_equal(got.view("u1"), want.view("u1"))
    x = np.ones(100003, "float32")
    np.testing.assert_array_equal(random.dropout(put(x), put(STATE), 0.3).get(), random.dropout(x, STATE, 0.3))
    np.testing.assert_array_equal(random.permutation(put(STATE), 60000).get(), random.permutation(STATE, 60000))


def train(device, capture=True, epochs=2):
    with devices.device(device):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [layers.Dense(64, activation="relu"), layers.Dropout(0.3), layers.Dense(10, activation="softmax")]
        )
        model.build((None, 32))
        first = [w.copy() for w in model.get_weights()]
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=not capture)
        x = np.random.default_rng(0).normal(size=(2000, 32)).astype("float32")
        y = x[:, :10].argmax(1).astype("int32")
        history = model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
        return first, history.history["loss"], model.get_weights(), model.predict(x[:64], verbose=0), model


def test_training_follows_the_cpu():
    on_cpu, on_gpu = train("cpu:0"), train("gpu:0")
    for a, b in zip(on_cpu[0], on_gpu[0]):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(on_gpu[1], on_cpu[1], rtol=2e-2)
    np.testing.assert_allclose(on_gpu[3], on_cpu[3], atol=5e-2)


def test_captured_and_eager_are_the_same_bits():
    captured, eager = train("gpu:0", epochs=1), train("gpu:0", capture=False, epochs=1)
    assert captured[1] == eager[1]
    for a, b in zip(captured[2], eager[2]):
        np.testing.assert_array_equal(a, b)


def test_a_thousand_replays_do_not_grow(on_gpu):
    w = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(64, 64)).astype("float32"))
    step = keras.jit(lambda x: ops.sum(ops.relu(ops.matmul(x, w))))
    x = ops.ones((32, 64))
    for _ in range(5):
        step(x)
    gc.collect()
    cuda.synchronize()
    before = keras.memory_stats("gpu")["in_use"]
    for _ in range(1000):
        step(x)
    cuda.synchronize()
    gc.collect()
    assert keras.memory_stats("gpu")["in_use"] <= before + (1 << 12)


def test_memory_is_counted_and_given_back(on_gpu):
    gc.collect()
    before = keras.memory_stats("gpu")["in_use"]
    x = ops.zeros((1 << 20,))
    assert keras.memory_stats("gpu")["in_use"] >= before + (4 << 20)
    del x
    gc.collect()
    assert keras.memory_stats("gpu")["cached"] >= 4 << 20
    keras.empty_cache()
    assert keras.memory_stats("gpu")["cached"] == 0


def test_out_of_memory_is_a_sentence(on_gpu):
    with pytest.raises(MemoryError, match="is out of memory: an array of shape"):
        cuda.empty((1 << 42,), np.dtype("uint8"), 0)


def test_exchange_with_cupy(on_gpu):
    import cupy

    t = ops.convert_to_tensor(np.arange(6, dtype="float32"))
    shared = cupy.from_dlpack(t)
    assert shared.data.ptr == t._data.data.ptr
    np.testing.assert_array_equal(cupy.asarray(t).get(), np.arange(6))


def test_devices_mix_and_move():
    x = ops.convert_to_tensor(np.arange(3, dtype="float32"))
    y = x.to("gpu:0")
    assert y.device == "gpu:0" and (y + x.numpy()).device == "gpu:0"
    np.testing.assert_array_equal((y + x).cpu().numpy(), [0, 2, 4])
