"""What a captured step asks of a GPU: one graph, a budget of launches, and nothing of the host between steps."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.engine.program import Program
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.training import checks
from kerasgpu.training.adapters import get_data_adapter
from kerasgpu.training.runners import make_runner

SAMPLES, BATCH = 56, 8
METHODS = ("empty", "put", "function", "prepare", "run", "graph", "synchronize", "pinned", "address")


def mlp():
    return keras.Sequential([keras.Input((20,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])


def mlp_with_dropout():
    hidden = [layer for _ in range(2) for layer in (layers.Dense(16, activation="relu"), layers.Dropout(0.2))]
    return keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(3, activation="softmax")])


def convnet():
    stack = [layer for n in (4, 8) for layer in (layers.Conv2D(n, 3, activation="relu"), layers.MaxPooling2D(2))]
    return keras.Sequential(
        [keras.Input((12, 12, 1)), *stack, layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, activation="softmax")]
    )


def residual():
    inputs = keras.Input((8, 8, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    for filters, short in ((4, False), (4, True), (4, True)):
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))
        x = layers.ReLU()(layers.Add()([x, y]) if short else y)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


# Launches of one training, test and prediction step; lower them when a pass learns something, never raise them unseen.
BUDGETS = {mlp: (9, 4, 4), mlp_with_dropout: (16, 5, 5), convnet: (21, 7, 7), residual: (45, 13, 13)}
MODES = ("train", "test", "predict")


def data(model):
    rng = np.random.default_rng(0)
    shape = model.input_shape[1:]
    return rng.normal(size=(SAMPLES, *shape)).astype("float32"), rng.integers(0, 3, SAMPLES).astype("int32")


class Calls:
    """Counts what is asked of the driver and of graphs."""

    def __init__(self, driver, monkeypatch):
        self.counts: dict = {}
        self.driver = driver
        for name in METHODS:
            self.wrap(driver, name, name, monkeypatch)
        graph = type(driver.graph([], 0))
        self.wrap(graph, "run", "graph run", monkeypatch)
        self.reset()

    def wrap(self, owner, name, label, monkeypatch):
        inner = getattr(owner, name)

        def outer(*args):
            self.counts[label] = self.counts.get(label, 0) + 1
            return inner(*args)

        monkeypatch.setattr(owner, name, outer)

    def reset(self):
        self.counts.clear()
        self.host = self.driver.host_copies, self.driver.waits, len(self.driver.copies)

    def of_the_host(self):
        now = self.driver.host_copies, self.driver.waits, len(self.driver.copies)
        return [a - b for a, b in zip(now, self.host)]


def program(model, runner):
    found = [p for p in runner._feed.programs.by_size.values() if isinstance(p, Program)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("build", BUDGETS)
def test_a_step_is_one_graph_that_needs_nothing_of_the_host(on_gpu, monkeypatch, build, mode):
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data(model)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    adapter = get_data_adapter(x, *(() if mode == "predict" else (y,)), batch_size=BATCH)
    runner = make_runner(model, mode, adapter)
    for _ in range(2):
        runner.begin_epoch()
        runner.run(99)
    one = program(model, runner)
    (segment,) = one._core._segments  # one: the host takes part nowhere
    launches = segment.launches
    assert launches <= BUDGETS[build][MODES.index(mode)], [[c.name for c in unit.calls] for unit in segment.units]
    runner.begin_epoch()
    runner.run(2)
    calls = Calls(on_gpu, monkeypatch)
    for _ in range(5):
        assert runner.run(1) == 1
    assert calls.counts == {"graph run": 5, "run": 5 * launches}  # of which a card sees one call a step
    assert calls.of_the_host() == [0, 0, 0]


def test_an_epoch_reads_its_metrics_in_one_wait(on_gpu, monkeypatch):
    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data(model)
    model.fit(x, y, batch_size=BATCH, verbose=0, epochs=2)
    before = on_gpu.host_copies, on_gpu.waits, len(on_gpu.copies)
    model.fit(x, y, batch_size=BATCH, verbose=0, epochs=5, shuffle=False)
    # Two arrays and their order go up; each epoch brings four numbers back (sum and count of the loss and of the accuracy) and waits
    # for them once; the last wait is for the memory of the order.
    assert (on_gpu.host_copies - before[0], on_gpu.waits - before[1], len(on_gpu.copies) - before[2]) == (2, 5 + 1, 1 + 5 * 4)


def test_callbacks_that_look_at_no_numbers_wait_for_nothing(on_gpu):
    class Count(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1

    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data(model)
    model.fit(x, y, batch_size=BATCH, verbose=0, epochs=2)
    before, count = on_gpu.waits, Count()
    model.fit(x, y, batch_size=BATCH, verbose=0, callbacks=[count])
    assert count.steps == 7 and on_gpu.waits - before == 2  # at the end of the epoch, and for the memory of its order


@pytest.mark.parametrize("together", [1, 4])
def test_steps_per_execution_is_one_graph(on_gpu, monkeypatch, together):
    model = mlp_with_dropout()
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=together)
    x, y = data(model)
    runner = make_runner(model, "train", get_data_adapter(x, y, batch_size=4))
    for _ in range(2):
        runner.begin_epoch()
        runner.run(99)
    runner.begin_epoch()
    sizes = []
    graph = type(on_gpu.graph([], 0))
    inner = graph.run
    monkeypatch.setattr(graph, "run", lambda self: (sizes.append(len(self.steps)), inner(self))[1])
    one = program(model, runner)
    for _ in range(2):
        assert runner.run(together) == together
    (segment,) = one._core._segments
    # What a step leaves to be done at its end is done with the small calls of the next one.
    assert len(sizes) == 2 and all(size <= together * segment.launches - (together - 1) for size in sizes)
    assert int(model.optimizer.iterations.numpy()) == 14 * 2 + 2 * together


def test_what_changes_between_steps_lies_on_the_device(on_gpu):
    """Step, learning rate, random state, loss scale: changed on the device, or read there at every step."""
    keras.utils.set_random_seed(0)
    model = mlp_with_dropout()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    x, y = data(model)
    model.fit(x, y, batch_size=BATCH, verbose=0, epochs=3)
    programs = {id(p) for s in model._programs.values() for p in s.by_size.values() if isinstance(p, Program)}
    model.optimizer.learning_rate = 0.0
    weights = model.get_weights()
    seeds = [v.numpy() for v in model.non_trainable_variables]
    model.fit(x, y, batch_size=BATCH, verbose=0)
    for a, b in zip(weights, model.get_weights()):
        if a.dtype == np.float32:
            np.testing.assert_array_equal(a, b)
    assert all((a != v.numpy()).any() for a, v in zip(seeds, model.non_trainable_variables))
    assert programs == {id(p) for s in model._programs.values() for p in s.by_size.values() if isinstance(p, Program)}
    assert all(drivers.current() is p._core.driver for s in model._programs.values() for p in s.by_size.values())


def test_a_progress_bar_shows_the_piece_before_the_one_that_runs(on_gpu, monkeypatch):
    """At its pace, with the numbers of the step that it names, and with work left for the GPU while the host waits."""
    from kerasgpu.callbacks.callback_list import CallbackList
    from kerasgpu.training import loops

    def model():
        keras.utils.set_random_seed(3)
        made = mlp()
        made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return made

    exact = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            exact.append(dict(logs))

    watched, shown = model(), []
    x, y = data(watched)
    watched.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False, callbacks=[Watch()])

    class Bar:
        def show(self, steps, runner):
            shown.append((steps, started[-1], runner.mode, runner.logs()))

    made, started = model(), []
    runner = make_runner(made, "train", get_data_adapter(x, y, batch_size=BATCH))
    checks.build_on(made, (x[:1], y[:1]))
    inner = runner.run
    monkeypatch.setattr(runner, "run", lambda n: (ran := inner(min(n, 2)), started.append(sum(started[-1:]) + ran))[0])
    loop = loops.StepLoop(made, "train", runner, CallbackList())
    loop.progress = Bar()
    on_gpu.late = "all"
    try:
        made.reset_metrics()
        runner.begin_epoch()
        assert loop.run_epoch() == 7 and runner.epoch_logs() == exact[-1]
    finally:
        on_gpu.finish()
        on_gpu.late = False
    assert len(shown) >= 3
    for steps, under_way, mode, logs in shown:
        assert under_way > steps and mode == "train" and logs == exact[steps - 1]
