"""Data of every kind: batches, counts, order, and one clear sentence for what cannot be data."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.engine import nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.training.adapters import (
    ArrayAdapter,
    GeneratorAdapter,
    IterableAdapter,
    PyDataset,
    PyDatasetAdapter,
    get_data_adapter,
)
from kerasgpu.training.adapters.arrays import train_validation_split
from kerasgpu.training.adapters.pack import class_weight_to_sample_weights, pack_x_y_sample_weight, unpack_x_y_sample_weight

X = np.arange(20, dtype="float64").reshape(10, 2)
Y = np.arange(10)


def values(batch):
    return [None if part is None else np.asarray(part) for part in unpack_x_y_sample_weight(batch)]


def test_arrays_are_cut_into_batches_in_order():
    adapter = get_data_adapter(X, Y, batch_size=4)
    assert isinstance(adapter, ArrayAdapter)
    assert (adapter.num_batches, adapter.batch_size, adapter.num_samples) == (3, 4, 10)
    batches = [values(b) for b in adapter.batches()]
    assert [b[0].shape for b in batches] == [(4, 2), (4, 2), (2, 2)]
    assert np.array_equal(np.concatenate([b[1] for b in batches]), Y)


def test_floats_become_the_default_float_and_other_dtypes_stay():
    x, y, _ = values(next(get_data_adapter(X, Y.astype("uint8")).batches()))
    assert (x.dtype, y.dtype) == (np.float32, np.uint8)
    assert all(a.flags.c_contiguous for a in get_data_adapter(X.T[:, ::2], None).arrays)


def test_shuffled_rows_stay_together_and_follow_the_seed():
    def epoch():
        np.random.seed(3)
        parts = [values(b) for b in get_data_adapter(X, Y, batch_size=3, shuffle=True).batches()]
        return [np.concatenate([p[k] for p in parts]) for k in (0, 1)]

    x, y = epoch()
    assert sorted(y) == list(Y) and list(y) != list(Y)
    assert np.array_equal(x, X[y].astype("float32"))
    assert np.array_equal(epoch()[1], y)


def test_shuffle_batch_keeps_each_sample_in_its_batch():
    for k, batch in enumerate(get_data_adapter(X, Y, batch_size=5, shuffle="batch").batches()):
        assert sorted(values(batch)[1]) == list(range(5 * k, 5 * k + 5))


@pytest.mark.parametrize(
    "x, expected",
    [
        ([[1, 2], [3, 4], [5, 6]], (3, 2)),
        ([1.0, 2.0, 3.0], (3,)),
        ([np.float32(1), np.float32(2)], (2,)),
        ((np.ones((3, 1)), np.ones((3, 2))), [(3, 1), (3, 2)]),
        ([[1, 2, 3], np.ones((3, 2))], [(3,), (3, 2)]),
        ({"a": np.ones((3, 1)), "b": [1, 2, 3]}, {"a": (3, 1), "b": (3,)}),
    ],
)
def test_lists_mean_one_array_unless_they_hold_arrays(x, expected):
    found, _, _ = unpack_x_y_sample_weight(get_data_adapter(x).batch(0))
    shapes = nest.map_structure(lambda t: t.shape, found) if not isinstance(found, Tensor) else found.shape
    assert (list(shapes) if isinstance(shapes, tuple) and isinstance(expected, list) else shapes) == expected


def test_tensors_pandas_and_sparse_matrices():
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    table = pandas.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    x, y, _ = values(get_data_adapter(table, table["a"]).batch(0))
    assert x.shape == (3, 2) and x.dtype == np.float32 and y.shape == (3, 1)
    assert np.array_equal(values(get_data_adapter(sparse.eye(3)).batch(0))[0], np.eye(3))
    assert values(get_data_adapter(keras.Variable(X)).batch(0))[0].shape == (10, 2)


def test_none_inputs_are_kept():
    x, _, _ = unpack_x_y_sample_weight(get_data_adapter({"a": X, "b": None}, Y).batch(0))
    assert x["b"] is None and x["a"].shape == (10, 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(x=X, y=Y[:7]), "Data cardinality is ambiguous(.|\n)*'x' sizes: 10(.|\n)*'y' sizes: 7"),
        (dict(x=X[:0]), r"no samples: x has shape \(0, 2\)"),
        (dict(x=[[1, 2], [3]]), "x: The rows of a nested list differ in length"),
        (dict(x=X, y=np.array([[1], [1, 2]], dtype=object)), "y: An object array of shape .* rows of different lengths"),
        (dict(x=np.array(["a", "b"])), "x: .*convert text"),
        (dict(x=np.array([{}, {}])), "does not hold numbers"),
        (dict(x=np.array(1.0)), "a single number"),
        (dict(x="text"), "Unrecognized data type: x=text"),
        (dict(x=X, y=lambda: 1), "Unrecognized data type: y="),
        (dict(x=X, batch_size=-1), "`batch_size` must be a positive integer"),
        (dict(x=X, y=Y, sample_weight=np.ones(10), class_weight={0: 1}), "at the same time"),
        (dict(x=X, y=[Y, Y], class_weight={0: 1.0}), "single output"),
        (dict(x=X, y=[Y, Y], sample_weight=np.ones((10, 3))), r"should only have one scalar score per sample.*\(10, 3\)"),
        (dict(x=X, y=[Y, Y], sample_weight=[np.ones(10)]), "one `sample_weight` array per output"),
        (
            dict(
                x=(b for b in []),
            ),
            "at least one batch",
        ),
        (
            dict(
                x=(b for b in [X]),
            ),
            "must return a tuple",
        ),
        (dict(x=(b for b in [(X,)]), y=Y), "`y` should not be passed"),
    ],
)
def test_bad_data_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        get_data_adapter(**arguments)


def test_generators_are_used_once_and_peeked_without_loss():
    adapter = get_data_adapter((X[k : k + 2], Y[k : k + 2]) for k in range(0, 6, 2))
    assert isinstance(adapter, GeneratorAdapter) and adapter.num_batches is None
    assert values(adapter.example())[1].tolist() == [0, 1]
    assert np.concatenate([values(b)[1] for b in adapter.batches()]).tolist() == [0, 1, 2, 3, 4, 5]


class Loader:
    """Like a torch DataLoader: a length, and a new iterator of lists each time."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter([[X[:2], Y[:2]], [X[2:4], Y[2:4]]])


def test_other_iterables_start_again_each_time():
    adapter = get_data_adapter(Loader())
    assert isinstance(adapter, IterableAdapter) and adapter.num_batches == 2
    for _ in range(2):
        assert np.concatenate([values(b)[1] for b in adapter.batches()]).tolist() == [0, 1, 2, 3]


class Squares(PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return np.full((2, 1), index), np.array([index, index**2])


@pytest.mark.parametrize("settings", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True}])
def test_py_datasets_give_their_batches_in_order(settings):
    adapter = get_data_adapter(Squares(**settings))
    assert isinstance(adapter, PyDatasetAdapter) and adapter.num_batches == 6
    for _ in range(2):
        adapter.on_epoch_begin()
        assert [values(b)[1][1] for b in adapter.batches()] == [0, 1, 4, 9, 16, 25]
        adapter.on_epoch_end()
    adapter.close()


def test_py_dataset_class_weights_and_mistakes():
    batch = next(get_data_adapter(Squares(), class_weight={1: 3.0}).batches())
    assert values(batch)[2].tolist() == [1.0, 1.0]

    class Wrong(PyDataset):
        num_batches = 1

        def __getitem__(self, index):
            return "no"

    with pytest.raises(ValueError, match="must return a tuple"):
        next(get_data_adapter(Wrong(), shuffle=False).batches())

    class NoLength(PyDataset):
        pass

    with pytest.raises(NotImplementedError, match="num_batches"):
        get_data_adapter(NoLength())


def test_class_weights_per_sample():
    weights = {0: 2.0, 2: 0.5}
    expected = [2.0, 1.0, 0.5]
    for y in ([0, 1, 2], [[0], [1], [2]], np.eye(3)):
        assert class_weight_to_sample_weights(np.asarray(y), weights).tolist() == expected
    with pytest.raises(ValueError, match="one label per sample"):
        class_weight_to_sample_weights(np.zeros((2, 3, 1)), weights)


def test_validation_split_takes_the_last_rows():
    (x, _, w), (vx, vy, vw) = train_validation_split((X, Y, None), 0.3)
    assert (len(x), len(vx)) == (7, 3) and vy.tolist() == [7, 8, 9] and w is None and vw is None
    with pytest.raises(ValueError, match="not sufficient to split"):
        train_validation_split((X[:1], Y[:1], None), 0.5)
    with pytest.raises(ValueError, match="only supported for tensors or NumPy arrays"):
        train_validation_split((Loader(), None, None), 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        train_validation_split((X, Y, None), 1.5)


def test_packing():
    assert (
        pack_x_y_sample_weight(1) == 1
        and pack_x_y_sample_weight([1]) == ([1],)
        and pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    )
    assert unpack_x_y_sample_weight([1, 2]) == (1, 2, None)
    with pytest.raises(ValueError, match="expected to be in format"):
        unpack_x_y_sample_weight((1, 2, 3, 4))


def test_an_iterator_is_read_once_and_wholly():
    batches = [[np.ones((2, 3), "float32") * k, np.zeros(2, "int32")] for k in range(3)]
    adapter = get_data_adapter(iter(batches))
    assert float(adapter.example()[0][0, 0]) == 0
    assert [float(x[0, 0]) for x, _ in adapter.batches()] == [0, 1, 2]
