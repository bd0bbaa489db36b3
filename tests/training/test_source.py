"""How many steps an epoch has, and where the next epoch continues."""

import warnings

import numpy as np
import pytest

from kerasgpu.training.adapters import get_data_adapter
from kerasgpu.training.source import ArraySource, make_source


def epochs(source, count):
    """Labels of the batches of each epoch."""
    found = []
    for _ in range(count):
        source.begin_epoch()
        labels = []
        while source.has_next():
            labels.append(int(np.asarray(source.next()[1])[0]))
        source.end_epoch()
        found.append(labels)
    return found


def arrays(batches=4):
    return get_data_adapter(np.zeros((batches, 1)), np.arange(batches), batch_size=1)


def loader(batches=4, length=True):
    class Data:
        def __iter__(self):
            return iter([(np.zeros((1, 1)), np.array([k])) for k in range(batches)])

    if length:
        Data.__len__ = lambda self: batches
    return get_data_adapter(Data())


KINDS = pytest.mark.parametrize("make", [arrays, loader])


@KINDS
def test_without_steps_an_epoch_is_a_pass(make):
    assert epochs(make_source(make()), 2) == [[0, 1, 2, 3]] * 2


@KINDS
def test_fewer_steps_continue_where_the_epoch_before_stopped(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert epochs(make_source(make(), 2), 3) == [[0, 1], [2, 3], [0, 1]]


@KINDS
def test_data_that_ends_within_an_epoch_ends_it_with_a_warning(make):
    with pytest.warns(UserWarning, match="ran out of data"):
        assert epochs(make_source(make(), 3), 3) == [[0, 1, 2], [3], [0, 1, 2]]
    with pytest.warns(UserWarning, match="ran out of data"):
        assert epochs(make_source(make(), 9), 2) == [[0, 1, 2, 3]] * 2


def test_unknown_length():
    assert epochs(make_source(loader(length=False)), 2) == [[0, 1, 2, 3]] * 2
    with pytest.warns(UserWarning, match="ran out of data"):
        assert epochs(make_source(loader(length=False), 3), 3) == [[0, 1, 2], [3], [0, 1, 2]]


def test_an_exhausted_generator_says_so_and_ends():
    source = make_source(get_data_adapter((np.zeros((1, 1)), np.array([k])) for k in range(2)))
    with pytest.warns(UserWarning, match="ran out of data"):
        assert epochs(source, 2) == [[0, 1], []]
    assert source.ran_out


def test_array_sources_can_be_read_through_order_and_position():
    source = make_source(get_data_adapter(np.zeros((10, 1)), np.arange(10), batch_size=3, shuffle=True), 3)
    assert isinstance(source, ArraySource)
    source.begin_epoch()
    assert sorted(source.order) == list(range(10)) and (source.position, source.remaining) == (0, 3)
    source.advance(2)
    assert (source.position, source.remaining) == (2, 1)
    source.next()
    assert not source.has_next()
    source.begin_epoch()
    assert (source.position, source.remaining) == (3, 1)


def test_steps_must_be_positive():
    with pytest.raises(ValueError, match="positive integer"):
        make_source(arrays(), 0)
