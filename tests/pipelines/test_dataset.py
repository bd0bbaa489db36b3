"""keras.data.Dataset: what each transformation yields, and that a data set is lazy, repeatable and the same for the same seed."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, TensorSpec


def values(ds):
    """The elements with everything as plain Python."""
    return [keras.tree.map_structure(lambda x: x.tolist() if hasattr(x, "tolist") else x, e) for e in ds.as_numpy_iterator()]


def count(n=10):
    return Dataset.range(n)


@pytest.mark.parametrize(
    "ds, expected",
    [
        (Dataset.range(2, 8, 3), [2, 5]),
        (count(5).map(lambda x: x * 2), [0, 2, 4, 6, 8]),
        (count(5).batch(2), [[0, 1], [2, 3], [4]]),
        (count(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
        (count(4).batch(2).unbatch(), [0, 1, 2, 3]),
        (count(5).batch(2).rebatch(3), [[0, 1, 2], [3, 4]]),
        (count(5).take(2), [0, 1]),
        (count(3).take(-1), [0, 1, 2]),
        (count(5).skip(3), [3, 4]),
        (count(3).skip(-1), []),
        (count(2).repeat(3), [0, 1, 0, 1, 0, 1]),
        (count().repeat().skip(8).take(4), [8, 9, 0, 1]),
        (count(0).repeat(), []),
        (count(6).shard(3, 1), [1, 4]),
        (count(6).filter(lambda x: x % 2 == 0), [0, 2, 4]),
        (count(2).enumerate(start=5), [(5, 0), (6, 1)]),
        (count(2).concatenate(Dataset.range(7, 9)), [0, 1, 7, 8]),
        (Dataset.zip(count(2), count(5).skip(3)), [(0, 3), (1, 4)]),
        (Dataset.zip((count(2), {"a": count(9)})), [(0, {"a": 0}), (1, {"a": 1})]),
        (count(2).flat_map(lambda x: Dataset.from_tensors(x).repeat(2)), [0, 0, 1, 1]),
        (
            Dataset.range(1, 6).interleave(lambda x: Dataset.from_tensors(x).repeat(6), 2, 4),
            [1] * 4 + [2] * 4 + [1] * 2 + [2] * 2 + [3] * 4 + [4] * 4 + [3] * 2 + [4] * 2 + [5] * 6,
        ),
        (count(7).window(3).flat_map(lambda w: w.batch(3)), [[0, 1, 2], [3, 4, 5], [6]]),
        (count(7).window(2, shift=3, stride=2, drop_remainder=True).flat_map(lambda w: w.batch(2)), [[0, 2], [3, 5]]),
        (count(9).window(2, shift=4).flat_map(lambda w: w.batch(2)), [[0, 1], [4, 5], [8]]),
        (count(4).apply(lambda d: d.take(1)), [0]),
        (count(3).map(lambda x: np.arange(int(x))).padded_batch(3), [[[0, 0], [0, 0], [0, 1]]]),
        (
            count(3).map(lambda x: np.arange(int(x))).padded_batch(2, padded_shapes=(3,), padding_values=-1),
            [[[-1] * 3, [0, -1, -1]], [[0, 1, -1]]],
        ),
        (count(4).map(lambda x: x, num_parallel_calls=2).prefetch(1).cache().prefetch(AUTOTUNE), [0, 1, 2, 3]),
        (Dataset.from_tensor_slices({"a": [1, 2], "b": ["x", "y"]}), [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        (Dataset.from_tensor_slices((np.eye(2), ["x", "y"])).batch(2), [([[1, 0], [0, 1]], ["x", "y"])]),
        (Dataset.from_tensors([1, 2, 3]), [[1, 2, 3]]),
        (count(4).map(lambda x: (x, {"twice": [x, x]})).batch(2).take(1), [([0, 1], {"twice": [[0, 0], [1, 1]]})]),
    ],
)
def test_what_it_yields(ds, expected):
    assert values(ds) == expected
    assert values(ds) == expected  # every pass anew
    known = ds.cardinality().numpy()
    assert known in (UNKNOWN_CARDINALITY, len(expected))
    if known >= 0:
        assert len(ds) == known


def test_generators():
    def words():
        for k in range(3):
            yield np.float64(k), "w" * k

    ds = Dataset.from_generator(words)
    assert values(ds) == [(0.0, ""), (1.0, "w"), (2.0, "ww")]
    signature = (TensorSpec((), "float32"), TensorSpec((), "string"))
    ds = Dataset.from_generator(words, output_signature=signature)
    assert ds.element_spec == signature and next(iter(ds))[0].dtype == "float32"
    assert values(Dataset.from_generator(lambda n: range(n), args=(4,)).batch(4)) == [[0, 1, 2, 3]]
    assert values(Dataset.from_generator(lambda: [1], "float32", ()))[0] == 1.0
    with pytest.raises(TypeError, match=r"element 1 of the generator has shape \(\)"):
        list(Dataset.from_generator(lambda: [[1.0], 2.0], output_signature=TensorSpec((None,), "float32")))
    with pytest.raises(TypeError, match="must be a Python callable"):
        Dataset.from_generator(words())


def test_cardinality():
    assert count().repeat().cardinality() == INFINITE_CARDINALITY
    assert count().filter(bool).batch(2).cardinality() == UNKNOWN_CARDINALITY
    assert Dataset.zip(count(3), count().repeat()).cardinality() == 3
    with pytest.raises(TypeError, match="infinite"):
        len(count().repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(count().filter(bool))
    assert bool(count(0)) and "infinitely" in repr(count().repeat())


def test_element_spec():
    images = Dataset.from_tensor_slices((np.zeros((5, 4, 4, 3), "uint8"), np.zeros(5, "int32")))
    assert images.element_spec == (TensorSpec((4, 4, 3), "uint8"), TensorSpec((), "int32"))
    mapped = images.shuffle(5).batch(2).map(lambda x, y: (keras.ops.cast(x, "float32")[:, :2], y)).prefetch(1)
    assert mapped.element_spec == (TensorSpec((None, 2, 4, 3), "float32"), TensorSpec((None,), "int32"))
    assert images.batch(2, drop_remainder=True).element_spec[0].shape == (2, 4, 4, 3)
    assert images.take(0).batch(3).element_spec[1].shape == (None,)


def test_elements_are_cpu_tensors():
    images, labels = next(iter(Dataset.from_tensor_slices((np.ones((4, 2, 2, 3), "float32"), [1, 2, 3, 4])).batch(4)))
    assert np.array(images[1]).astype("uint8").shape == (2, 2, 3) and images[1].numpy().dtype == "float32"
    assert int(labels[2]) == 3 and labels.dtype == "int32" and images.device == "cpu:0"
    text = next(iter(Dataset.from_tensor_slices([b"a", b"\xc3\xa9"]).batch(2)))
    assert text.numpy().tolist() == ["a", "é"] and text[1] == "é"


def test_shuffles_are_repeatable_and_whole():
    keras.utils.set_random_seed(5)
    free = count(50).shuffle(10)
    first = values(free)
    assert sorted(first) == list(range(50)) and first != sorted(first)
    assert max(np.argsort(first) - np.arange(50)) < 50 and first[0] < 10  # drawn from the buffer
    assert values(free) != first
    keras.utils.set_random_seed(5)
    assert values(count(50).shuffle(10)) == first
    seeded = count(50).shuffle(50, seed=1)
    passes = [values(seeded), values(seeded)]
    assert passes[0] != passes[1]
    again = count(50).shuffle(50, seed=1)
    assert [values(again), values(again)] == passes
    fixed = count(50).shuffle(50, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)
    epochs = values(count(5).shuffle(5, seed=2).repeat(3))
    assert [sorted(epochs[k : k + 5]) for k in (0, 5, 10)] == [list(range(5))] * 3


def test_rows_and_elements_are_shuffled_alike():
    """Over arrays the numbers of rows are shuffled, over anything else the elements: with the same result."""
    data = np.arange(40) * 3
    over_rows = Dataset.from_tensor_slices(data).shuffle(7, seed=3).skip(2).repeat(2).batch(4)
    over_elements = Dataset.from_tensor_slices(data).map(lambda x: x).shuffle(7, seed=3).skip(2).repeat(2).batch(4)
    assert values(over_rows) == values(over_elements)


def test_random_functions_do_not_depend_on_threads():
    dropout = keras.layers.Dropout(0.5, seed=1)

    def noisy(x):
        return dropout(keras.ops.ones(8), training=True) + keras.random.uniform((8,)), x

    found = []
    for calls in (None, 1, 4):
        keras.utils.set_random_seed(9)
        ds = count(12).map(noisy, num_parallel_calls=calls)
        found.append([values(ds), values(ds)])
    assert found[0] == found[1] == found[2]
    assert found[0][0] != found[0][1]  # passes differ
    assert len({str(x) for x, _ in found[0][0]}) == 12  # and elements


def test_it_is_lazy():
    calls = []
    ds = count(10).map(lambda x: calls.append(int(x)) or x).filter(lambda x: x >= 2)
    assert not calls
    assert int(next(iter(ds))) == 2 and calls == [0, 1, 2]


def test_cache_computes_once():
    calls = []
    ds = count(4).map(lambda x: calls.append(int(x)) or x).cache()
    next(iter(ds))
    assert len(calls) == 1
    assert values(ds) == values(ds) == [0, 1, 2, 3]
    assert len(calls) == 5
    with pytest.raises(NotImplementedError, match="in memory only"):
        count(4).cache("file")


def test_functions_run_on_the_cpu_without_gradients():
    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    with keras.GradientTape():
        found = next(iter(Dataset.from_tensors(np.ones((1, 3), "float32")).map(dense)))
    assert found._node is None and found.shape == (1, 2)


def test_reduce_and_errors_left_out():
    assert count(5).reduce(0, lambda s, x: s + x) == 10

    def picky(x):
        if int(x) == 1:
            raise ValueError("not one")
        return x

    assert values(count(3).map(picky).ignore_errors()) == [0, 2]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Dataset.from_tensor_slices((np.zeros(3), np.zeros(4))), ValueError, "as many rows"),
        (lambda: Dataset.from_tensor_slices(3), ValueError, "at least one dimension"),
        (lambda: Dataset.from_tensors(object()), (TypeError, ValueError), "Elements of a Dataset are"),
        (lambda: count().batch(0), ValueError, "batch_size"),
        (lambda: count().shuffle(0), ValueError, "buffer_size"),
        (lambda: count().map(3), TypeError, "must be a function"),
        (lambda: count().map(abs, num_parallel_calls=0), ValueError, "num_parallel_calls"),
        (lambda: count().shard(2, 2), ValueError, "below `num_shards`"),
        (lambda: Dataset.zip(3), TypeError, "takes data sets"),
        (lambda: list(count().flat_map(lambda x: x)), TypeError, "must return a Dataset"),
        (
            lambda: list(count(4).map(lambda x: np.zeros(int(x))).batch(4)),
            ValueError,
            r"shape \(0,\).*element 1.*\(1,\).*padded_batch",
        ),
        (lambda: count().scan, NotImplementedError, "Dataset.scan is not available"),
        (lambda: count().no_such_thing, AttributeError, "no_such_thing"),
    ],
)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
