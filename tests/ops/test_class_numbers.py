"""Class numbers that are NaN or infinite are refused in one sentence, by operations, losses, metrics and the training loop."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops
from kerasgpu.metrics.thresholds import confusion_matrix

P = np.array([[0.7, 0.3], [0.4, 0.6]], "float32")

TAKERS = {
    "one_hot": lambda y: ops.one_hot(y, 2),
    "in_top_k": lambda y: ops.in_top_k(y, P, 1),
    "sparse_categorical_crossentropy": lambda y: keras.losses.sparse_categorical_crossentropy(y, P),
    "categorical_generalized_cross_entropy": lambda y: keras.losses.CategoricalGeneralizedCrossEntropy()(y, P),
    "circle": lambda y: keras.losses.Circle()(y, P),
    "sparse_categorical_accuracy": lambda y: keras.metrics.SparseCategoricalAccuracy()(y, P),
    "sparse_top_k_categorical_accuracy": lambda y: keras.metrics.SparseTopKCategoricalAccuracy(k=1)(y, P),
    "metric 'iou'": lambda y: keras.metrics.MeanIoU(2, name="iou")(y, np.array([0, 1])),
    "confusion_matrix": lambda y: confusion_matrix(y, [0, 1], 2),
    "to_categorical": lambda y: keras.utils.to_categorical(y, 2),
}


@pytest.mark.parametrize("bad, word", [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")])
@pytest.mark.parametrize("name", TAKERS)
def test_refused_by_name(name, bad, word):
    labels = np.array([0.0, bad], "float32")
    with pytest.raises(ValueError, match=rf"{name}: class numbers must be finite, but 1 of 2 .* at \[1\], is {word}"):
        TAKERS[name](labels)
    TAKERS[name](np.array([0.0, 1.0], "float32"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("how", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("ignore_class", [None, -1])
def test_training_refuses_them_before_the_first_step(bad, how, ignore_class):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=ignore_class))
    before = model.get_weights()
    with pytest.raises(ValueError, match="class numbers must be finite"):
        getattr(model, how)(P, np.array([0.0, bad], "float32"))
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_pairs_out_of_range_count_nowhere():
    assert confusion_matrix([0, 1, 0, -1, 5], [0, 1, 3, 1, 0], 2).numpy().tolist() == [[1, 0], [0, 1]]
