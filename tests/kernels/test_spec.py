"""Named parameters: every kernel has a named tuple that agrees with its C++ side, and what does not agree is refused."""

from typing import NamedTuple

import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import spec as specs
from kerasgpu.kernels.gemm import GemmSpec
from kerasgpu.kernels.launch import launch
from kerasgpu.kernels.softmax import SoftmaxSpec
from kerasgpu.kernels.window import Window


@pytest.mark.parametrize("kernel", sorted(_core.kernel_names()))
def test_every_kernel_has_named_parameters(kernel):
    fields = specs.of(kernel)._fields
    ints, floats = ([name.removesuffix("...") for name in side.split(", ") if name] for side in _core.kernel_params(kernel))
    assert sorted(fields) == sorted(ints + floats)
    assert [f for f in fields if f in ints] == ints and [f for f in fields if f in floats] == floats


def test_fields_that_differ_from_the_kernel_are_refused():
    class Swapped(NamedTuple):
        n: int
        outer: int
        inner: int

    class Missing(NamedTuple):
        outer: int
        n: int

    class Extra(NamedTuple):
        outer: int
        n: int
        inner: int
        scale: float

    class Kind(NamedTuple):
        outer: int
        n: int
        inner: float

    for wrong in (Swapped, Missing, Extra, Kind):
        with pytest.raises(TypeError, match=r"softmax: the \w+ parameters of "):
            specs.parameters("softmax")(wrong)
    assert specs.of("softmax") is SoftmaxSpec


def test_a_field_of_an_unknown_kind_is_refused():
    class Text(NamedTuple):
        outer: str

    with pytest.raises(TypeError, match="outer is str"):
        specs.parameters("softmax")(Text)


def test_launch_refuses_what_is_not_the_kernels_parameters():
    x = np.zeros((2, 3), "float32")
    for bad in ((2, 3), (2, 3, 1, 1), (2, 3.0, 1), (2, 1 << 70, 1)):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            launch("softmax", (x,), (x.copy(),), bad)
    with pytest.raises(TypeError):
        launch("concatenate", (x,), (x.copy(),), (2, [3]))


def test_a_recorder_wants_the_named_tuple():
    from kerasgpu.engine.recorder import Recorder

    x = np.zeros((2, 3), "float32")
    with Recorder(), pytest.raises(TypeError, match="softmax: the parameters must be a SoftmaxSpec"):
        launch("softmax", (x,), (x.copy(),), (2, 3, 1))


def test_parameters_are_passed_in_the_order_of_their_names():
    """Fields of different kinds may be mixed: a and b are 4 x 3 and 3 x 5 only if every number arrives where it belongs."""
    a, b = np.random.default_rng(0).standard_normal((2, 15)).astype("float32")
    y = np.zeros((4, 5), "float32")
    spec = GemmSpec(1, 4, 5, 3, False, False, 0, 0, 0, 0, False, 2.0)
    launch("gemm", (a[:12], b), (y,), spec)
    np.testing.assert_allclose(y, 2 * a[:12].reshape(4, 3) @ b.reshape(3, 5), rtol=1e-5)


def test_keys_tell_zeros_apart():
    one = GemmSpec(1, 4, 5, 3, False, False, 0, 0, 0, 0, False, 0.0)
    other = one._replace(alpha=-0.0)
    assert one == other and specs.key("gemm", one) != specs.key("gemm", other)
    assert specs.key("gemm", one._replace(alpha=1.0)) == one._replace(alpha=1.0)


def test_read_is_the_inverse_of_the_encoding():
    window = Window((4,), (3,), (2,), (1,), (1,), (0,))
    conv = specs.of("conv")(2, 3, 4, 1, True, 1, window.whole())
    assert specs.read("conv", (2, 3, 4, 1, 1, 1, *window.ints())) == conv
    assert specs.read("sgd", (2, 5, 6, 1, 0, 1), (0.5, 0.9)) == (2, (5, 6), (1, 0), 1, 0.5, 0.9)
    assert specs.read("random", (1, 5, 0), (0.0, 1.0)) == (1, 5, 0, 0, 0, 0.0, 1.0)
    for ints, floats in (((1, 2), ()), ((1, 2, 3, 4), ()), ((1, 2, 3), (1.0,))):
        with pytest.raises(ValueError, match="number of"):
            specs.read("softmax", ints, floats)


def test_windows_are_made_whole_from_the_front():
    whole = Window((4, 5), (3, 4), (2, 2), (1, 1), (1, 1), (0, 1)).whole()
    assert whole == ((1, 4, 5), (1, 3, 4), (1, 2, 2), (1, 1, 1), (1, 1, 1), (0, 0, 1))
