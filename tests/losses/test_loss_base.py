"""The Loss base: reductions, weights, masks, dtypes, errors, custom losses."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.losses import LossFunctionWrapper
from kerasgpu.losses.reduction import apply_mask, reduce_weighted_values, squeeze_or_expand_to_same_rank


def tensor(*shape):
    return keras.ops.zeros(shape)


@pytest.mark.parametrize(
    "a,b,expected",
    [
        ((4, 1), (4,), ((4, 1), (4, 1))),
        ((4,), (4, 1), ((4, 1), (4, 1))),
        ((4, 3, 1), (4, 3), ((4, 3), (4, 3))),
        ((4, 3), (4, 3, 1), ((4, 3), (4, 3))),
        ((4, 3), (4,), ((4, 3), (4,))),
        ((4, 3), (4, 3), ((4, 3), (4, 3))),
        ((1,), (), ((), ())),
    ],
)
def test_same_rank(a, b, expected):
    x, y = squeeze_or_expand_to_same_rank(tensor(*a), tensor(*b))
    assert (x.shape, y.shape) == expected


def test_reductions():
    values = keras.ops.convert_to_tensor([[1.0, 2.0], [3.0, 6.0]])
    weights = keras.ops.convert_to_tensor([1.0, 3.0])
    for reduction, expected in {"sum": 12.0, "mean": 3.0, "sum_over_batch_size": 3.0, "mean_with_sample_weight": 3.0}.items():
        assert float(reduce_weighted_values(values, reduction=reduction)) == expected
    for reduction, expected in {"sum": 30.0, "mean": 7.5, "mean_with_sample_weight": 7.5}.items():
        assert float(reduce_weighted_values(values, weights[:, None], reduction=reduction)) == expected
    assert reduce_weighted_values(values, reduction=None).shape == (2, 2)
    assert float(reduce_weighted_values(keras.ops.zeros((0, 3)))) == 0.0
    with pytest.raises(ValueError, match="Invalid value for argument `reduction`"):
        keras.losses.MeanSquaredError(reduction="average")


def test_a_mask_changes_the_divisor():
    values = keras.ops.convert_to_tensor([1.0, 2.0, 30.0])
    mask = keras.ops.convert_to_tensor([True, True, False])
    assert float(reduce_weighted_values(values, mask=mask)) == 1.5
    assert float(reduce_weighted_values(values, mask=mask, reduction="sum")) == 3.0
    assert float(reduce_weighted_values(values, mask=keras.ops.zeros((3,), dtype="bool"))) == 0.0
    assert apply_mask(None, None, "float32", "sum") is None


def test_custom_loss_and_structures():
    class Pair(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.mean(y_true["a"] - y_pred["a"], -1) + keras.ops.mean(y_pred["b"], -1)

    loss = Pair()
    data = {"a": np.ones((2, 3)), "b": np.zeros((2, 3))}
    assert loss.name == "pair"
    assert float(loss(data, data)) == 0.0
    wrapped = LossFunctionWrapper(lambda t, p: keras.ops.abs(t[0] - p[0]))
    assert float(wrapped([np.ones((2, 1))], [np.zeros((2,))])) == 1.0


def test_dtype_policy():
    loss = keras.losses.MeanSquaredError(dtype="mixed_float16")
    assert loss.dtype == "float16"
    assert loss([1.0], [2.0]).dtype == "float16"


def test_integer_labels_are_not_cast():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    labels = keras.ops.convert_to_tensor([2**24 + 1, 1], dtype="int32")
    assert loss._convert_label(labels) is labels


def test_gradients_of_probabilities_use_the_logits():
    """A softmax that saturates has no gradient of its own; the loss must see the logits behind it."""
    logits = keras.ops.convert_to_tensor([[200.0, 0.0, -200.0]])
    logits.requires_grad = True
    loss = keras.losses.SparseCategoricalCrossentropy()([2], keras.ops.softmax(logits))
    assert float(loss) == pytest.approx(400.0)
    loss.backward()
    np.testing.assert_allclose(logits.grad.numpy(), [[1.0, 0.0, -1.0]], atol=1e-6)


@pytest.mark.parametrize("identifier", ["no_such_loss", 3])
def test_unknown(identifier):
    with pytest.raises(ValueError, match="Could not interpret loss identifier"):
        keras.losses.get(identifier)


def test_get():
    assert keras.losses.get(None) is None
    assert keras.losses.get("mse") is keras.losses.mean_squared_error
    assert isinstance(keras.losses.get("MeanSquaredError"), keras.losses.MeanSquaredError)
    config = keras.losses.serialize(keras.losses.Huber(delta=3.0))
    assert keras.losses.get(config).delta == 3.0
    assert keras.losses.deserialize("mse") is keras.losses.mean_squared_error


def test_argument_errors():
    with pytest.raises(ValueError, match="must be of type `int`"):
        keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]], axis=True)
    with pytest.raises(ValueError, match=r"interval \(0, 1\)"):
        keras.losses.CategoricalGeneralizedCrossEntropy(q=1.5)
    with pytest.raises(ValueError, match="Targets `y_true`"):
        keras.losses.ctc(tensor(3), tensor(3, 4, 5))
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        keras.losses.categorical_crossentropy([[1.0]], [[1.0]])
