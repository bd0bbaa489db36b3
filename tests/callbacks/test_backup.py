"""A fit() that was interrupted and resumed with BackupAndRestore ends in the bits of one that was not."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.callbacks import backup_file

X = np.random.default_rng(0).normal(size=(44, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
callbacks = keras.callbacks


class PowerCut(Exception):
    pass


class CutAt(callbacks.Callback):
    """Interrupts training before or after some batch, counted over epochs."""

    def __init__(self, at, before=False):
        super().__init__()
        self.at, self.before, self.count = at, before, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.before and self.count == self.at:
            raise PowerCut

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if not self.before and self.count == self.at:
            raise PowerCut


def make_model(**compiled):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, "relu"),
            layers.GaussianNoise(0.1),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
    model.compile(keras.optimizers.Adam(rate), "mse", **{"metrics": ["mae"], **compiled})
    return model


def arrays():
    return dict(x=X, y=Y, batch_size=8)


def data_set():
    both = keras.data.Dataset.from_tensor_slices((X, Y)).shuffle(20).cache().map(_noisy).shuffle(44, seed=3)
    return dict(x=both.batch(8).prefetch(2))


def _noisy(x, y):
    return x + keras.random.normal(x.shape, stddev=0.01), y


def endless_data_set():
    return dict(x=keras.data.Dataset.from_tensor_slices((X, Y)).shuffle(44).repeat().batch(8), steps_per_epoch=4)


def generator():
    def batches():
        while True:
            rows = np.random.permutation(44)[:8]
            yield X[rows], Y[rows]

    return dict(x=batches(), steps_per_epoch=6, shuffle=False)


class Rows(keras.utils.PyDataset):
    """Changes at the end of an epoch, with the global generator, and makes noise."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.order = np.arange(44)

    def __len__(self):
        return 5

    def __getitem__(self, index):
        rows = self.order[index * 8 : index * 8 + 8]
        return X[rows], Y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


def py_dataset():
    return dict(x=Rows())


def py_dataset_in_threads():
    return dict(x=Rows(workers=2))


def validated():
    return dict(x=X, y=Y, batch_size=8, validation_data=keras.data.Dataset.from_tensor_slices((X, Y)).shuffle(9).batch(16))


def steps_of_arrays():
    return dict(x=X, y=Y, batch_size=8, steps_per_epoch=3)


DATA = [
    arrays,
    data_set,
    endless_data_set,
    generator,
    py_dataset,
    py_dataset_in_threads,
    validated,
    steps_of_arrays,
]


def train(folder, data=arrays, cut=(), more=lambda: [], epochs=4, compiled={}, last=True, **options):
    """One process: (weights and optimizer state, History), or None where it was interrupted."""
    keras.utils.set_random_seed(5)
    model = make_model(**compiled)
    backup = [callbacks.BackupAndRestore(folder, **options)]
    listed = [*more(), *backup] if last else [*backup, *more()]
    try:
        history = model.fit(**data(), epochs=epochs, verbose=0, callbacks=[*listed, *cut])
    except PowerCut:
        return None
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]], history


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


def check_resumed(folder, cuts, **options):
    straight, whole = train(folder, cut=[CutAt(-1)], **options)
    for at in cuts:
        assert train(folder, cut=[CutAt(at, before=at % 2 == 0)], **options) is None
        np.random.seed(77)
        resumed, history = train(folder, cut=[CutAt(-1)], **options)
        assert same(straight, resumed), f"interrupted after {at} batches"
        assert history.history["loss"] == whole.history["loss"][-len(history.epoch) :] and not folder.exists()


@pytest.mark.parametrize("save_freq", ["epoch", 1, 3])
@pytest.mark.parametrize("data", DATA)
def test_bits_after_an_interruption(data, save_freq, tmp_path):
    check_resumed(tmp_path / "b", [2, 7, 10, 11], data=data, save_freq=save_freq)


@pytest.mark.parametrize("shuffle", [False, "batch"])
def test_other_orders(shuffle, tmp_path):
    check_resumed(tmp_path / "b", [2, 8], data=lambda: dict(arrays(), shuffle=shuffle), save_freq=2)


@pytest.mark.parametrize("compiled", [dict(steps_per_execution=4), dict(run_eagerly=True)])
def test_steps_per_execution_and_eager_steps(compiled, tmp_path):
    check_resumed(tmp_path / "b", [2, 5], compiled=compiled, save_freq=2)


def test_interrupted_again_and_again(tmp_path):
    straight, _ = train(tmp_path / "b", cut=[CutAt(-1)], save_freq=1)
    interruptions, found = 0, None
    while found is None and interruptions < 40:
        found = train(tmp_path / "b", cut=[CutAt(2)], save_freq=1)
        interruptions += found is None
    assert interruptions > 8 and same(found[0], straight)


def watchers():
    return [
        callbacks.EarlyStopping("loss", patience=2, min_delta=0.01, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.3, cooldown=1),
        callbacks.SwapEMAWeights(swap_on_epoch=True),
    ]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_callbacks_with_a_memory(save_freq, last, tmp_path):
    def optimizer():
        return dict(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, use_ema=True))

    def run(cut):
        keras.utils.set_random_seed(5)
        model = make_model()
        model.compile(loss="mse", **optimizer())
        backup = [callbacks.BackupAndRestore(tmp_path / "b", save_freq=save_freq)]
        listed = [*watchers(), *backup] if last else [*backup, *watchers()]
        try:
            history = model.fit(X, Y, batch_size=8, epochs=12, verbose=0, callbacks=[*listed, cut])
        except PowerCut:
            return None
        return [v.numpy() for v in [*model.variables, *model.optimizer.variables]], history.epoch[-1], history

    straight, last_epoch, _ = run(CutAt(-1))
    for at in (4, 13, 24, 31):
        if run(CutAt(at, before=True)) is not None:
            continue
        resumed, end, _ = run(CutAt(-1))
        assert same(straight, resumed) and end == last_epoch, at


def test_relative_schedule_of_the_learning_rate_is_applied_once(tmp_path):
    def run(cut):
        keras.utils.set_random_seed(5)
        model = make_model()
        model.compile("sgd", "mse")
        halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        try:
            model.fit(
                **arrays(), epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b", save_freq=1), halve, cut]
            )
        except PowerCut:
            return None
        return float(model.optimizer.learning_rate), model.get_weights()

    straight = run(CutAt(-1))
    assert run(CutAt(8)) is None
    resumed = run(CutAt(-1))
    assert resumed[0] == straight[0] and same(resumed[1], straight[1])


def test_a_training_that_was_stopped_stays_stopped(tmp_path):
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    def run():
        return train(tmp_path / "b", more=lambda: [Stop()], delete_checkpoint=False)

    first, history = run()
    assert history.epoch == [0, 1]
    again, history = run()
    assert history.epoch == [] and same(first, again)


# -- the files ------------------------------------------------------------------------------------------------------
def test_files(tmp_path):
    folder = tmp_path / "b"
    train(folder, delete_checkpoint=False)
    assert sorted(p.name for p in folder.iterdir()) == [backup_file.NAME, backup_file.PREVIOUS]
    (folder / ".saving-0-left by a kill").write_bytes(b"x")
    train(folder, epochs=5, delete_checkpoint=False)
    assert sorted(p.name for p in folder.iterdir()) == [backup_file.NAME, backup_file.PREVIOUS]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_the_backup_before_a_damaged_one_is_used(damage, tmp_path):
    folder = tmp_path / "b"
    straight, _ = train(folder)
    assert train(folder, cut=[CutAt(14)]) is None
    newest = folder / backup_file.NAME
    data = newest.read_bytes()
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    newest.write_bytes({"empty": b"", "cut": data[:middle], "flipped": flipped}[damage])
    with pytest.warns(UserWarning, match="damaged .*training goes on from the one before"):
        resumed, history = train(folder)
    assert history.epoch == [1, 2, 3] and same(straight, resumed)


def test_no_backup_is_whole(tmp_path):
    folder = tmp_path / "b"
    train(folder, delete_checkpoint=False)
    for path in folder.iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"No backup in .* can be read .* Remove the folder"):
        train(folder)


def test_backups_of_another_fit(tmp_path):
    folder = tmp_path / "b"
    train(folder, delete_checkpoint=False)
    with pytest.raises(ValueError, match="no validation data and the callbacks .*EarlyStopping"):
        train(folder, more=lambda: [callbacks.EarlyStopping("loss")])
    with pytest.raises(ValueError, match=r"has validation data.*fit\(\) with the same arguments"):
        train(folder, data=validated)
    other = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError):
        other.fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])


def test_files_that_keras_wrote(tmp_path):
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.save_weights(tmp_path / "latest.weights.h5")
    (tmp_path / "training_metadata.json").write_text('{"epoch": 2, "batch": 0}')
    _, history = train(tmp_path)
    assert history.epoch == [2, 3]
    tmp_path.mkdir()
    model.save_weights(tmp_path / "latest.weights.h5")
    (tmp_path / "training_metadata.json").write_text("")
    with pytest.raises(ValueError, match="does not say which epoch"):
        train(tmp_path)
