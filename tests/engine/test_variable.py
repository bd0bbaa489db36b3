"""Variables as operands and as Python numbers."""

import numpy as np
import pytest

import kerasgpu as keras


def test_truth_operators_of_variables_and_symbolic_tensors():
    """As in Keras: & of a variable, or of a symbolic tensor, is logical_and; of a tensor it works on bits."""
    v, w = keras.Variable([0.0, 2.0, 3.0]), keras.ops.array([1.0, 0.0, 5.0])
    assert (v & w).tolist() == [False, False, True] and (v | w).tolist() == [True, True, True]
    assert (v ^ w).tolist() == [True, True, False] and (np.array([True, True, False]) & v).tolist() == [False, True, False]
    x, y = keras.Input((3,), dtype="int32"), keras.Input((3,), dtype="int32")
    model = keras.Model([x, y], [x & y, ~x])
    both, none = model([np.array([[1, 2, 0]], "int32"), np.array([[2, 2, 2]], "int32")])
    assert both.dtype == none.dtype == "bool"
    assert both.tolist() == [[True, True, False]] and none.tolist() == [[False, False, True]]
    assert (keras.ops.array([1, 2, 0]) & keras.ops.array([2, 2, 2])).tolist() == [0, 2, 0]


def test_only_scalars_become_python_numbers():
    v = keras.Variable(np.ones((2, 2)))
    with pytest.raises(TypeError, match=r"cannot be used as a boolean(.|\n)*\(2, 2\)"):
        bool(v)
    for convert in (int, float):
        with pytest.raises(TypeError, match=r"Only scalar arrays can be converted to Python scalars.*\(2, 2\)"):
            convert(v)
    assert bool(keras.Variable(3.0)) and int(keras.Variable([3.0])) == 3
