"""The training path on a GPU: streams that really overlap, numbers read late, half precision, arrays of other libraries."""

import gc

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda
from kerasgpu.training.runners import streamed as streaming

pytestmark = pytest.mark.gpu
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6000, 64)).astype("float32")
Y = X[:, :10].argmax(1).astype("int32")


def model(**options):
    keras.utils.set_random_seed(5)
    made = keras.Sequential(
        [keras.Input((64,)), layers.Dense(128, activation="relu"), layers.Dropout(0.3), layers.Dense(10, activation="softmax")]
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return made


def results(made, *data, **arguments):
    return made.fit(*data, epochs=3, verbose=0, **arguments).history, made.get_weights()


def same(a, b):
    assert a[0] == b[0]
    for p, q in zip(a[1], b[1]):
        np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("slot", [1, 1 << 16, 1 << 24])
def test_streamed_and_resident_data_give_the_same_bits(on_gpu, monkeypatch, slot):
    resident = results(model(), X, Y, batch_size=32)
    predicted = model().predict(X, batch_size=100, verbose=0)
    monkeypatch.setenv("KERASGPU_RESIDENT", "0")
    monkeypatch.setattr(streaming, "SLOT_BYTES", slot)
    same(results(model(), X, Y, batch_size=32), resident)
    np.testing.assert_array_equal(model().predict(X, batch_size=100, verbose=0), predicted)


def test_generators_give_the_bits_of_arrays(on_gpu):
    arrays = results(model(), X, Y, batch_size=100, shuffle=False)
    batches = [(X[k : k + 100], Y[k : k + 100]) for k in range(0, 6000, 100)]
    same(results(model(), iter(batches * 3), steps_per_epoch=60, shuffle=False), arrays)


@pytest.mark.parametrize("together", [2, 7, 32])
def test_steps_in_one_graph_give_the_bits_of_single_ones(on_gpu, together):
    same(results(model(steps_per_execution=together), X, Y, batch_size=32), results(model(), X, Y, batch_size=32))


def test_callbacks_see_the_numbers_of_their_step(on_gpu):
    seen: dict = {True: [], False: []}
    for eagerly, logs_of in seen.items():

        class Watch(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None, found=logs_of):
                found.append(logs)

        model(run_eagerly=eagerly).fit(X[:640], Y[:640], batch_size=32, verbose=0, callbacks=[Watch()])
    assert seen[True] == seen[False] and len(seen[True]) == 20


def test_epochs_do_not_grow(on_gpu, monkeypatch):
    monkeypatch.setenv("KERASGPU_RESIDENT", "0")
    made = model()
    for _ in range(2):
        made.fit(X, Y, batch_size=32, verbose=0)
    gc.collect()
    before = keras.memory_stats("gpu")["in_use"]
    for _ in range(5):
        made.fit(X, Y, batch_size=32, verbose=0)
    gc.collect()
    assert keras.memory_stats("gpu")["in_use"] <= before + (1 << 12)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_follows_the_cpu(policy):
    keras.config.set_dtype_policy(policy)
    try:
        losses = []
        for where in ("cpu:0", "gpu:0"):
            with devices.device(where):
                made = model()
                losses.append(results(made, X, Y, batch_size=32)[0]["loss"])
        assert {v.dtype for v in made.trainable_variables} == {"float32"}
        np.testing.assert_allclose(losses[1], losses[0], rtol=3e-2)
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_model_moves_with_its_optimizer():
    keras.utils.set_random_seed(1)
    made = model()
    made.to("gpu:0").fit(X, Y, batch_size=32, verbose=0)
    here = made.predict(X[:100], verbose=0)
    assert {v.device for v in [*made.variables, *made.optimizer.variables]} == {"gpu:0"}
    np.testing.assert_allclose(made.to("cpu").predict(X[:100], verbose=0), here, atol=5e-3)


def test_exchange_with_torch(on_gpu):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    ours = ops.arange(12, dtype="float32")
    theirs = torch.from_dlpack(ours)
    assert theirs.data_ptr() == cuda.address(ours._data)
    assert torch.as_tensor(ours, device="cuda").data_ptr() == theirs.data_ptr()
    with torch.cuda.stream(torch.cuda.Stream()):
        made = torch.full((1 << 20,), 3.0, device="cuda") * 2  # not finished when it is handed over
        back = ops.convert_to_tensor(made)
    assert cuda.address(back._data) == made.data_ptr() and float(ops.sum(back)) == 6 << 20
    for dtype in (torch.bfloat16, torch.float16, torch.int64):
        there = torch.arange(8, device="cuda").to(dtype)
        assert ops.convert_to_tensor(there).numpy().astype("int64").tolist() == list(range(8))
    assert ops.convert_to_tensor(torch.ones(4, 6, device="cuda").T).shape == (6, 4)
    assert ops.convert_to_tensor(torch.arange(9.0, device="cuda")[1:]).numpy().tolist() == list(range(1, 9))


def test_exchange_with_jax(on_gpu):
    jax = pytest.importorskip("jax")
    if jax.default_backend() != "gpu":
        pytest.skip("this JAX has no CUDA")
    ours = ops.arange(12, dtype="float32")
    np.testing.assert_array_equal(jax.dlpack.from_dlpack(ours), np.arange(12))
    theirs = jax.numpy.arange(12.0) * 2
    np.testing.assert_array_equal(ops.convert_to_tensor(theirs).numpy(), np.arange(12) * 2)
