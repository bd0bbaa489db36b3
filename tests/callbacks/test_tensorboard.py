"""Event files: read back with a decoder of their own here, and with TensorBoard where it is installed."""

import struct

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.callbacks import event_file


def fields(data):
    """[(number, value)] of a protocol buffer message."""
    found, at = [], 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            found.append((number, varint()))
        else:
            size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
            found.append((number, data[at : at + size]))
            at += size
    return found


def records(path):
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == event_file.masked_crc32c(data[:8])
        body = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == event_file.masked_crc32c(body)
        yield dict(fields(body))
        data = data[16 + length :]


def scalars(folder):
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in records(path):
            if 5 in event:
                value = dict(fields(dict(fields(event[5]))[1]))
                tensor = dict(fields(value[8]))
                if tensor[1] == 1:  # float
                    found.setdefault(value[1].decode(), {})[event.get(2, 0)] = struct.unpack("<f", tensor[4])[0]
    return found


def test_checksum():
    # RFC 3720, B.4: CRC-32C of 32 zero bytes is 0x8A9136AA
    crc = 0x8A9136AA
    assert event_file.masked_crc32c(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def train(tmp_path, **arguments):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.25), "mse")
    x, y = np.ones((8, 3)), np.ones((8, 2))
    callback = keras.callbacks.TensorBoard(tmp_path, **arguments)
    return model.fit(x, y, batch_size=4, epochs=2, validation_data=(x, y), verbose=0, callbacks=[callback]).history


def test_scalars_per_epoch(tmp_path):
    history = train(tmp_path)
    found = scalars(tmp_path / "train")
    assert found["epoch_loss"] == pytest.approx(dict(enumerate(history["loss"])))
    assert found["epoch_learning_rate"] == {0: 0.25, 1: 0.25}
    validation = scalars(tmp_path / "validation")
    assert validation["epoch_loss"] == pytest.approx(dict(enumerate(history["val_loss"])))
    assert sorted(validation["evaluation_loss_vs_iterations"]) == [2, 4]


def test_scalars_per_batch_and_weights(tmp_path):
    train(tmp_path, update_freq="batch", histogram_freq=1, write_images=True, write_steps_per_second=True)
    found = scalars(tmp_path / "train")
    assert sorted(found["batch_loss"]) == [1, 2, 3, 4] and "epoch_steps_per_second" in found


def test_tensorboard_reads_them(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = train(tmp_path, histogram_freq=1, write_images=True)
    events = accumulator.EventAccumulator(str(tmp_path / "train"))
    events.Reload()
    tags = events.Tags()["tensors"]
    assert "epoch_loss" in tags and any("histogram" in t for t in tags) and any("image" in t for t in tags) and "keras" in tags
    values = [float(accumulator.tensor_util.make_ndarray(e.tensor_proto)) for e in events.Tensors("epoch_loss")]
    assert values == pytest.approx(history["loss"])


@pytest.mark.parametrize("arguments", [dict(profile_batch=2), dict(embeddings_freq=1)])
def test_what_is_not_there_says_so(arguments):
    with pytest.raises(NotImplementedError, match="is not supported"):
        keras.callbacks.TensorBoard(**arguments)
    with pytest.raises(ValueError, match="update_freq"):
        keras.callbacks.TensorBoard(update_freq="never")
