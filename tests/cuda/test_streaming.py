"""Data that does not lie on the GPU: slots, the second stream, events; the same results as from memory."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.data import Dataset
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import transfer
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.training.adapters import get_data_adapter
from kerasgpu.training.runners import make_runner
from kerasgpu.training.runners import streamed as streaming
from kerasgpu.training.runners.captured import CapturedRunner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6)).astype("float32")
Y = X[:, :3].argmax(1).astype("int32")


def model(**options):
    keras.utils.set_random_seed(5)
    made = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("adam", loss, metrics=["accuracy"], **options)
    return made


def results(made, *data, **arguments):
    fitted = made.fit(*data, epochs=3, verbose=0, **arguments).history
    return fitted, made.get_weights()


def same(a, b):
    assert a[0] == b[0]
    for p, q in zip(a[1], b[1]):
        np.testing.assert_array_equal(p, q)


@pytest.fixture
def streams(on_gpu, monkeypatch):
    """Arrays never fit; slots hold few batches."""
    monkeypatch.setenv("KERASGPU_RESIDENT", "0")
    monkeypatch.setattr(streaming, "SLOT_BYTES", 1100)
    return on_gpu


@pytest.fixture(params=["copies", "kernels", "all"])
def late(request, on_gpu):
    on_gpu.late = request.param != "copies" and request.param
    yield on_gpu
    on_gpu.finish()
    on_gpu.late = False


def test_large_arrays_are_streamed_with_the_bits_of_resident_ones(late, on_gpu, monkeypatch):
    resident = results(model(), X, Y, batch_size=8)
    tested = model().evaluate(X, Y, batch_size=16, verbose=0)
    predicted = model().predict(X, batch_size=16, verbose=0)
    monkeypatch.setenv("KERASGPU_RESIDENT", "0")
    monkeypatch.setattr(streaming, "SLOT_BYTES", 1100)  # four batches
    on_gpu.copies.clear()
    streamed = model()
    assert type(make_runner(streamed, "train", get_data_adapter(X, Y))) is streaming.StreamedRunner
    same(results(streamed, X, Y, batch_size=8), resident)
    up = [n for what, n in on_gpu.copies if what == "upload"]
    assert len(up) == 3 * 2 * 3 + 2 and max(up) == 4 * 8 * 6 * 4  # epochs, arrays, slots of 4, 4 and 1 batches; two orders
    assert model().evaluate(X, Y, batch_size=16, verbose=0) == tested
    np.testing.assert_array_equal(model().predict(X, batch_size=16, verbose=0), predicted)


@pytest.mark.parametrize("kind", ["generator", "dataset", "sequence"])
def test_batches_are_streamed_with_the_bits_of_arrays(late, streams, kind):
    arrays = results(model(), X, Y, batch_size=8, shuffle=False)
    batches = [(X[k : k + 8], Y[k : k + 8]) for k in range(0, 70, 8)]

    class Sequence(keras.utils.PyDataset):
        def __len__(self):
            return len(batches)

        def __getitem__(self, k):
            return batches[k]

    made = model()
    if kind == "generator":
        got = results(made, (b for _ in range(3) for b in batches), steps_per_epoch=len(batches), shuffle=False)
    elif kind == "dataset":
        got = results(made, Dataset.from_tensor_slices((X, Y)).batch(8))
    else:
        got = results(made, Sequence(), shuffle=False)
    same(got, arrays)
    assert any(what == "upload" for what, _ in streams.copies)


def test_steps_per_execution_fills_slots_with_as_many_batches_as_are_left(streams):
    batches = [(X[k : k + 10], Y[k : k + 10]) for k in range(0, 70, 10)]
    one = results(model(), iter(batches * 3), steps_per_epoch=7, shuffle=False)
    streams.copies.clear()
    four = model(steps_per_execution=4)
    got = four.fit(iter(batches * 3), steps_per_epoch=7, epochs=2, shuffle=False, verbose=0).history
    assert [n // 240 for what, n in streams.copies if what == "upload" and n % 240 == 0][:2] == [4, 3]
    assert len(got["loss"]) == 2 and got["loss"][0] == one[0]["loss"][0]  # an epoch is 7 steps, not two calls of 4


def test_slots_for_many_steps_stay_small(streams, monkeypatch):
    monkeypatch.setattr(streaming, "MOST_BYTES", 3 * 280 + 1)
    made = model(steps_per_execution=5)
    streams.copies.clear()
    batches = [(X[k : k + 10], Y[k : k + 10]) for k in range(0, 70, 10)] * 3
    loss = made.fit(iter(batches), steps_per_epoch=20, shuffle=False, verbose=0).history["loss"]
    assert max(n for what, n in streams.copies if what == "upload") == 3 * 240
    assert loss == model().fit(iter(batches), steps_per_epoch=20, shuffle=False, verbose=0).history["loss"]


def test_batches_of_changing_shapes(streams):
    def ragged():
        for n in (3, 3, 5, 3, 5, 5, 1, 3):
            yield RNG.normal(size=(2, n, 4)).astype("float32"), np.zeros((2, 1), "float32")

    def made():
        keras.utils.set_random_seed(1)
        one = keras.Sequential([keras.Input((None, 4)), layers.GlobalAveragePooling1D(), layers.Dense(1)])
        one.compile("sgd", "mse")
        return one

    state = RNG.bit_generator.state
    first = made().fit(ragged(), steps_per_epoch=8, shuffle=False, verbose=0).history
    RNG.bit_generator.state = state
    eager = made()
    eager.run_eagerly = True
    assert eager.fit(ragged(), steps_per_epoch=8, shuffle=False, verbose=0).history == first


def test_callbacks_see_the_numbers_of_their_step(streams):
    seen = {"lazy": [], "eager": []}

    class Watch(keras.callbacks.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_train_batch_end(self, batch, logs=None):
            seen[self.name].append(logs)  # looked at later

    model().fit(X, Y, batch_size=8, verbose=0, callbacks=[Watch("lazy")])
    model(run_eagerly=True).fit(X, Y, batch_size=8, verbose=0, callbacks=[Watch("eager")])
    assert len(seen["lazy"]) == 9
    for lazy, eager in zip(seen["lazy"], seen["eager"]):
        assert lazy == eager and isinstance(lazy, dict) and list(lazy) == ["accuracy", "loss"] and {**lazy} == dict(eager)


def test_logs_that_are_kept_stay_those_of_their_step_when_metrics_are_reset(streams):
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs)

    class Reset(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.evaluate(X, Y, batch_size=8, verbose=0)

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    model().fit(X, Y, batch_size=8, verbose=0, callbacks=[Keep(), Reset(), Look()])
    on_gpu, seen = seen, []
    model(run_eagerly=True).fit(X, Y, batch_size=8, verbose=0, callbacks=[Keep(), Reset(), Look()])
    assert on_gpu == seen


def test_the_order_drawn_ahead_is_that_of_the_generator(on_gpu):
    """Also where a callback draws from it between epochs, or sets it."""

    def orders(draws, where):
        found = []

        class Watch(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                found.append(logs["loss"])
                if draws == "one":
                    np.random.rand()
                elif draws == "seed":
                    np.random.seed(epoch % 2)

        with devices.device(where):
            made = model(run_eagerly=where == "cpu:0")
            made.fit(X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[Watch()])
        return [*found, np.random.rand()]

    for draws in ("none", "one", "seed"):
        np.testing.assert_allclose(orders(draws, "gpu:0"), orders(draws, "cpu:0"), rtol=1e-5)


def test_training_can_stop_within_an_epoch(streams):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    made = model()
    made.fit(X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[Stop()])
    assert int(made.optimizer.iterations.numpy()) == 3
    made.fit(X, Y, batch_size=8, verbose=0)
    assert int(made.optimizer.iterations.numpy()) == 12


def test_arrays_on_the_device_beside_others_keep_the_order(streams, monkeypatch):
    right = results(model(), X, Y, batch_size=8)
    with devices.device("gpu:0"):
        x = keras.ops.convert_to_tensor(X)
    same(results(model(), x, Y, batch_size=8), right)


def test_predictions_that_do_not_fit_come_back_batch_by_batch(on_gpu, monkeypatch):
    large = keras.Sequential([keras.Input((6,)), layers.Dense(1000)])
    want = large.predict(X, batch_size=8, verbose=0)
    assert type(make_runner(large, "predict", get_data_adapter(X))) is CapturedRunner
    monkeypatch.setattr(on_gpu, "free_memory", lambda index: 2 * (X.nbytes + 70 * 1000 * 4 - 1))
    assert type(make_runner(large, "predict", get_data_adapter(X))) is streaming.StreamedRunner
    monkeypatch.setattr(on_gpu, "late", "all")
    np.testing.assert_array_equal(large.predict(X, batch_size=8, verbose=0), want)


def test_windows_of_shapes_that_are_gone_are_given_back(streams, monkeypatch):
    made = keras.Sequential([keras.Input((None, 4)), layers.GlobalAveragePooling1D(), layers.Dense(1)])
    made.compile("sgd", "mse")
    batches = [(np.ones((2, n, 4), "float32"), np.zeros((2, 1), "float32")) for n in range(1, 11) for _ in range(3)]
    runner = make_runner(made, "train", get_data_adapter(iter(batches)))
    made.train_on_batch(*batches[0])
    runner.begin_epoch()
    assert runner.run(99) == 30
    assert len(runner._windows) == streaming.MOST_WINDOWS == len(runner._feeds)
    runner.close()
    assert not runner._windows and not runner._feeds


def test_arrays_on_the_device_pass_by(streams):
    x = keras.ops.convert_to_tensor(X)
    assert x.device == "gpu:0"
    batches = [(x, Y[:70]), (X, Y)]
    made = model()
    assert np.isfinite(made.fit(iter(batches * 2), steps_per_epoch=4, shuffle=False, verbose=0).history["loss"][0])


# -- the queues themselves ------------------------------------------------------------------------------------------
def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


def test_an_upload_that_nobody_waits_for_is_not_there(on_gpu):
    copies, compute = on_gpu.copy_queue(0), on_gpu.compute_queue(0)
    host, array = on_gpu.pinned(32).view("float32"), put(np.zeros(8, "float32"))
    host[:] = 3
    copies.upload(array, host)
    event = copies.record()
    assert np.isnan(array.get()).all() and not event.done()
    compute.wait(event)
    np.testing.assert_array_equal(array.get(), np.full(8, 3))


def test_an_upload_that_does_not_wait_destroys_what_kernels_read(on_gpu, monkeypatch):
    monkeypatch.setattr(on_gpu, "late", "kernels")
    copies, compute = on_gpu.copy_queue(0), on_gpu.compute_queue(0)
    for waits, value in ((False, 3), (True, 1)):
        x, y, host = put(np.ones(8, "float32")), put(np.zeros(8, "float32")), on_gpu.pinned(32).view("float32")
        host[:] = 3
        cuda.launch("copy", (x,), (y,))
        if waits:
            copies.wait(compute.record())
        copies.upload(x, host)
        np.testing.assert_array_equal(y.get(), np.full(8, value))


@pytest.mark.parametrize("missing", ["compute for the copy", "copy for the steps", "host for the copy"])
def test_a_missing_wait_shows(streams, monkeypatch, missing):
    """Without any one of the waits training goes wrong on the shim."""
    monkeypatch.setattr(streaming, "SLOT_BYTES", 300)  # a batch: every slot is filled many times in an epoch
    right = results(model(), X, Y, batch_size=8)[0]["loss"]
    if missing == "host for the copy":
        monkeypatch.setattr(streaming.Window, "next_slot", lambda self: self.slots[0])
        monkeypatch.setattr(streams, "late", "all")
    else:
        queue = streams.compute_queue(0) if missing.startswith("compute") else streams.copy_queue(0)
        monkeypatch.setattr(queue, "wait", lambda event: None)
        monkeypatch.setattr(streams, "late", missing.startswith("copy") and "kernels")
    wrong = results(model(), X, Y, batch_size=8)[0]["loss"]
    assert not np.allclose(wrong, right)


def test_downloads_have_the_values_of_their_moment(on_gpu):
    x = put(np.arange(5, dtype="float32"))
    download = transfer.Download(on_gpu, [x, put(np.ones((2, 3), "int64"))], 0)
    cuda.launch("fill", (), (x,), spec_of("fill", (0,), (7.0,)))
    first, second = download.arrays()
    np.testing.assert_array_equal(first, np.arange(5))
    assert second.shape == (2, 3) and second.dtype == np.int64 and download.done()


def test_the_model_decides_where_data_goes(gpu):
    """Outside of `with device`, on a model that lies on the GPU."""
    with devices.device("gpu:0"):
        made = model()
    history = made.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    assert all(v.device == "gpu:0" for v in made.variables) and np.isfinite(history["loss"]).all()
    assert np.isfinite(made.train_on_batch(X, Y)).all() and made.predict_on_batch(X).shape == (70, 3)
