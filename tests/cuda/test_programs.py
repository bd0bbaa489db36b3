"""Captured programs on the shim: graphs, rebinding, host calls in between, and fit() giving the CPU's training curve."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda, elementwise, movement, reduce
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.gpu.plans.plan import Plan
from kerasgpu.kernels.spec import read as spec_of


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


class Watch:
    """Counts what the driver is asked for."""

    def __init__(self, driver, monkeypatch):
        self.seen = []
        for name in ("empty", "function", "run", "graph", "put"):
            self.wrap(driver, name, monkeypatch)

    def wrap(self, driver, name, monkeypatch):
        inner = getattr(driver, name)

        def outer(*args):
            self.seen.append(name)
            return inner(*args)

        monkeypatch.setattr(driver, name, outer)


@pytest.fixture
def tower():
    """y = sum(relu(x @ w)) as a jitted function of x."""
    w = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(5, 4)).astype("float32"))
    return lambda x: ops.sum(ops.relu(ops.matmul(x, w)), axis=0)


def test_jit_replays_on_the_device(on_gpu, tower):
    captured = keras.jit(tower)
    for k in range(5):
        x = ops.convert_to_tensor(np.random.default_rng(k).normal(size=(3, 5)).astype("float32"))
        got, want = captured(x), tower(x)
        assert got.device == "gpu:0"
        np.testing.assert_array_equal(got.numpy(), want.numpy())


def test_a_replay_allocates_nothing_and_reads_nothing(on_gpu, monkeypatch):
    x, y = put(np.arange(12, dtype="float32")), put(np.zeros(12, "float32"))
    program = programs.Program(0)
    a, b = program.add_buffer(x), program.add_buffer(y)
    program.add_call("copy", [a], [b])
    program.add_call("reduce", [b], [b], spec_of("reduce", (0, 1, 12, 1)))
    program.run()
    watch = Watch(on_gpu, monkeypatch)
    monkeypatch.setattr(type(x), "get", lambda self: pytest.fail("a replay reads a value on the host"))
    program.run(3)
    assert set(watch.seen) <= {"run"}


def test_graphs_hold_the_launches_in_order(on_gpu):
    x, y, z = (put(np.full(8, v, "float32")) for v in (1, 2, 3))
    program = programs.Program(0)
    a, b, c = map(program.add_buffer, (x, y, z))
    calls = []
    program.add_call("copy", [a], [b])
    program.add_host_call(lambda: calls.append(y.get().copy()))
    program.add_call("copy", [b], [c])
    program.run()
    np.testing.assert_array_equal(calls[0], np.ones(8))
    np.testing.assert_array_equal(z.get(), np.ones(8))
    assert len(program) == 3 and len(program.profile()) == 3
    # Rebinding changes the parameters of the launches that use the array, in the graph that exists.
    graphs = program._graphs()
    program.rebind(a, put(np.full(8, 7, "float32")))
    program.run()
    np.testing.assert_array_equal(z.get(), np.full(8, 7))
    assert graphs == program._graphs()
    program.rebind(a, np.empty(0, "float32"))
    with pytest.raises(ValueError, match="released"):
        program.run()
    with pytest.raises(ValueError, match="dtype"):
        program.rebind(a, put(np.zeros(8, "int32")))
    program.rebind(a, put(np.zeros(4, "float32")))
    with pytest.raises(ValueError, match="copy"):
        program.run()


def test_many_steps_share_a_graph(on_gpu):
    counter = put(np.zeros(1, "int64"))
    program = programs.Program(0)
    a = program.add_buffer(counter)
    program.add_call("advance", [a], [a], spec_of("advance", (3,)))
    for steps in (1, 20, 3, 8):
        program.run(steps)
    assert counter.get()[0] == 3 * 32


def test_scratch_memory_grows_with_the_largest_call(on_gpu):
    x, y = put(np.random.default_rng(0).normal(size=60000).astype("float32")), put(np.zeros(1, "float32"))
    program = programs.Program(0)
    a, b = program.add_buffer(x), program.add_buffer(y)
    program.add_call("reduce", [a], [b], spec_of("reduce", (0, 1, 60000, 1)))
    program.run()
    np.testing.assert_allclose(y.get(), x.get().sum(), rtol=1e-4)


def test_calls_without_a_cuda_kernel_run_on_the_host(on_gpu, monkeypatch):
    monkeypatch.setattr("kerasgpu.kernels.gpu.plans.plan.ON_HOST", frozenset({"tri_mask"}))
    cuda.forget()
    x = np.arange(12, dtype="float32").reshape(3, 4)
    np.testing.assert_array_equal(movement.band(put(x), -1, 0).get(), movement.band(x, -1, 0))
    captured = keras.jit(lambda t: ops.exp(ops.tril(t)) * 2)
    for _ in range(3):
        np.testing.assert_allclose(captured(ops.convert_to_tensor(x)).numpy(), np.exp(np.tril(x)) * 2, rtol=1e-5)
    cuda.forget()


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 12)).astype("float32")
    return x, (x[:, :3].argmax(1)).astype("int32")


def train(device, capture=True, optimizer="adam", epochs=2):
    """The initial weights, loss curve, final weights and predictions of a small classifier with dropout."""
    with devices.device(device):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [layers.Dense(16, activation="relu"), layers.Dropout(0.3), layers.Dense(3, activation="softmax")]
        )
        model.build((None, 12))
        first = [w.copy() for w in model.get_weights()]
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=not capture)
        x, y = data()
        history = model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
        tested = model.evaluate(x, y, batch_size=64, verbose=0)
        return first, history.history["loss"], model.get_weights(), model.predict(x, verbose=0), tested, model


def test_fit_on_the_device_follows_the_cpu(gpu):
    on_cpu, on_gpu = train("cpu:0"), train("gpu:0")
    for a, b in zip(on_cpu[0], on_gpu[0]):
        np.testing.assert_array_equal(a, b)  # the same initial weights, bit for bit
    np.testing.assert_allclose(on_gpu[1], on_cpu[1], rtol=1e-4)
    for a, b in zip(on_cpu[2], on_gpu[2]):
        np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(on_gpu[3], on_cpu[3], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(on_gpu[4], on_cpu[4], rtol=1e-4)
    assert all(v.value.device == "gpu:0" for v in on_gpu[5].variables)


def test_captured_and_eager_are_the_same_bits(gpu):
    captured, eager = train("gpu:0"), train("gpu:0", capture=False)
    assert captured[1] == eager[1]
    for a, b in zip(captured[2], eager[2]):
        np.testing.assert_array_equal(a, b)


def test_fit_replays_programs(gpu, monkeypatch):
    runs = []
    inner = programs.Program.run
    monkeypatch.setattr(programs.Program, "run", lambda self, steps=1, k=1: (runs.append(steps), inner(self, steps, k))[1])
    train("gpu:0", epochs=3)
    assert sum(runs) > 10


def test_dropout_masks_are_the_same_bits(gpu):
    masks = []
    for device in ("cpu:0", "gpu:0"):
        with devices.device(device):
            seed = keras.random.SeedGenerator(5)
            masks.append(keras.random.dropout(ops.ones((40, 9)), 0.4, seed=seed).numpy())
    np.testing.assert_array_equal(*masks)


def test_a_model_moves_between_files_and_devices(gpu, tmp_path):
    model = train("gpu:0", epochs=1)[5]
    path = tmp_path / "model.keras"
    model.save(path)
    x, _ = data()
    want = model.predict(x, verbose=0)
    with devices.device("cpu:0"):
        again = keras.models.load_model(path)
        assert again.variables[0].value.device == "cpu:0"
        np.testing.assert_allclose(again.predict(x, verbose=0), want, rtol=1e-5, atol=1e-6)


def test_mixed_devices_are_refused(gpu):
    x = np.zeros(3, "float32")
    with pytest.raises(TypeError, match="on the CPU"):
        elementwise.add(put(x), x)
    t = ops.convert_to_tensor(x).to("gpu:0")
    assert (t + x).device == "gpu:0"  # host operands follow
    assert t.cpu().device == "cpu:0"
    assert isinstance(cuda.plan_for("copy", (("bool", 0),), (("bool", 0),), spec_of("copy", ())), Plan)
    assert reduce.sum(put(np.ones(3, "float32"))).get() == 3
