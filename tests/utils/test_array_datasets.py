"""timeseries_dataset_from_array and split_dataset."""

import random

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.data import Dataset

windows = keras.utils.timeseries_dataset_from_array


def test_windows():
    data = np.arange(100)
    ds = windows(data, data * 2, sequence_length=9, batch_size=5)
    batches = list(ds)
    assert [x.shape for x, _ in batches] == [(5, 9)] * 18 + [(2, 9)]
    for k, (x, y) in enumerate(batches):
        np.testing.assert_array_equal(x.numpy()[:, 0] * 2, y.numpy())
        np.testing.assert_array_equal(x.numpy()[0], np.arange(9) + 5 * k)


@pytest.mark.parametrize("stride, rate, start, end", [(1, 1, None, None), (3, 2, None, None), (2, 3, 10, 90), (5, 1, 7, None)])
def test_which_steps_they_have(stride, rate, start, end):
    data = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    found = [x.numpy() for x in windows(data, None, 6, stride, rate, batch_size=None, start_index=start, end_index=end)]
    part = data[start:end]
    expected = [part[i : i + 6 * rate : rate] for i in range(0, len(part) - 5 * rate, stride)]
    np.testing.assert_array_equal(found, expected)


def test_windows_are_shuffled_with_their_targets():
    data = np.arange(50)
    ds = windows(data[:-5], data[5:], 5, shuffle=True, seed=3, batch_size=4)
    rows = lambda: [(x.tolist(), int(y)) for batch in ds for x, y in zip(batch[0].numpy(), batch[1].numpy())]
    first = rows()
    assert all(y == x[-1] + 1 for x, y in first) and sorted(y for _, y in first) == list(range(5, 46))
    assert rows() != first
    begins = np.arange(0, 41)
    np.random.RandomState(3).shuffle(begins)
    assert set(x[0] for x, _ in first[:4]) <= set(begins[: 32 + 4].tolist())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"start_index": -1}, "`start_index` must be 0"),
        ({"start_index": 11}, "`start_index` must be lower"),
        ({"end_index": -1}, "`end_index` must be higher than 0"),
        ({"end_index": 11}, "`end_index` must be lower"),
        ({"start_index": 5, "end_index": 4}, "`end_index` must be higher than `start_index`"),
        ({"sampling_rate": 0}, "`sampling_rate` must be higher"),
        ({"sequence_stride": 0}, "`sequence_stride` must be higher"),
        ({"sequence_stride": 10}, "`sequence_stride` must be lower"),
        ({"format": "csv"}, "`format` should be"),
    ],
)
def test_mistakes_in_windows(options, message):
    with pytest.raises(ValueError, match=message):
        windows(np.arange(10), None, 3, **options)


@pytest.mark.parametrize("left, right, sizes", [(0.8, None, (8, 2)), (None, 0.3, (7, 3)), (3, 2, (3, 2)), (0.5, 0.2, (5, 2))])
def test_sizes_of_a_split(left, right, sizes):
    a, b = keras.utils.split_dataset(np.arange(10), left, right)
    assert (len(a), len(b)) == sizes
    assert [int(x) for x in a] == list(range(sizes[0])) and [int(x) for x in b] == list(range(10 - sizes[1], 10))


def test_what_can_be_split():
    x, y = np.arange(12).reshape(6, 2), np.arange(6)
    for data in ((x, y), [x, y]):
        left, right = keras.utils.split_dataset(data, left_size=4)
        assert [int(b) for _, b in left] == [0, 1, 2, 3] and next(iter(right))[0].numpy().tolist() == [8, 9]
    nested = Dataset.from_tensor_slices(({"a": x}, y)).batch(2).prefetch(1)
    left, right = keras.utils.split_dataset(nested, right_size=2)
    assert [b.shape for _, b in left] == [(2,), (2,)] and next(iter(left))[0]["a"].shape == (2, 2)

    class Torchlike:
        def __len__(self):
            return 4

        def __getitem__(self, k):
            return np.float32(k), k

    assert len(keras.utils.split_dataset(Torchlike(), left_size=0.5)[1]) == 2


def test_a_shuffled_split_is_that_of_python():
    order = list(range(10))
    random.Random(4).shuffle(order)
    left, right = keras.utils.split_dataset(np.arange(10), left_size=6, shuffle=True, seed=4)
    assert [int(x) for x in left] + [int(x) for x in right] == order


@pytest.mark.parametrize(
    "data, options, error, message",
    [
        (np.arange(4), {}, ValueError, "At least one of"),
        (np.arange(4), {"left_size": 0}, ValueError, "`left_size` should be"),
        (np.arange(4), {"right_size": 1.5}, ValueError, "`right_size` should be"),
        (np.arange(4), {"left_size": "a"}, TypeError, "Invalid `left_size` Type"),
        (np.arange(4), {"left_size": 0.8, "right_size": 0.8}, ValueError, "greater than 1"),
        (np.arange(4), {"left_size": 3, "right_size": 3}, ValueError, "smaller than the 4"),
        (np.arange(4), {"left_size": 0.01}, ValueError, "would be empty"),
        ([], {"left_size": 1}, ValueError, "empty list"),
        ([np.arange(3), np.arange(4)], {"left_size": 1}, ValueError, "different lengths"),
        ([[1, 2]], {"left_size": 1}, ValueError, "Expected a list of `numpy.ndarray`"),
        (3, {"left_size": 1}, TypeError, "`dataset` argument must be"),
    ],
)
def test_mistakes_in_splits(data, options, error, message):
    with pytest.raises(error, match=message):
        keras.utils.split_dataset(data, **options)
