"""Losses and metrics of several outputs: which goes where, what it is called, and what does not fit."""

from collections import namedtuple

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.training.compile_utils import CompileLoss, CompileMetrics

A, B = np.full((2, 1), 1.0, "float32"), np.full((2, 1), 3.0, "float32")
ZERO = np.zeros((2, 1), "float32")


def tensors(structure):
    return keras.tree.map_structure(keras.ops.convert_to_tensor, structure)


def loss_of(loss, y_pred, y_true=None, weights=None, names=None, sample_weight=None):
    compiled = CompileLoss(loss, weights, output_names=names)
    y_pred = tensors(y_pred)
    y_true = tensors(y_true) if y_true is not None else keras.tree.map_structure(keras.ops.zeros_like, y_pred)
    value = float(compiled(y_true, y_pred, sample_weight))
    assert value == float(compiled(y_true, y_pred, sample_weight))
    return value, [m.name for m in compiled.metrics]


Pair = namedtuple("Pair", ["a", "b"])


@pytest.mark.parametrize(
    "arguments, value, names",
    [
        (dict(loss="mse", y_pred=B), 9.0, []),
        (dict(loss=["mse", "mae"], y_pred=B), 12.0, ["mse_loss", "mae_loss"]),
        (dict(loss="mse", y_pred=[A, B]), 10.0, ["mse_loss", "mse_loss"]),
        (dict(loss="mse", y_pred=[A, B], names=["x", "y"]), 10.0, ["x_loss", "y_loss"]),
        (dict(loss=["mse", "mae"], y_pred=(A, B), names=["x", "y"], weights=[1.0, 2.0]), 7.0, ["x_loss", "y_loss"]),
        (dict(loss=["mse", None], y_pred=[A, B]), 1.0, []),
        (dict(loss={"a": "mse", "b": "mae"}, y_pred={"a": A, "b": B}), 4.0, ["a_loss", "b_loss"]),
        (dict(loss={"b": "mae"}, y_pred={"a": A, "b": B}), 3.0, []),
        (
            dict(loss={"a": "mse", "b": "mae"}, y_pred=[A, B], names=["a", "b"], weights={"a": 0.0, "b": 2.0}),
            6.0,
            ["a_loss", "b_loss"],
        ),
        (dict(loss={"a": {"c": "mse"}, "b": "mae"}, y_pred={"a": {"c": A}, "b": B}), 4.0, ["a/c_loss", "b_loss"]),
        (dict(loss=["mse", "mae"], y_pred=Pair(A, B)), 4.0, None),
        (dict(loss="mse", y_pred=[A, B], y_true={"x": ZERO, "y": B}, names=["x", "y"]), 1.0, None),
        (dict(loss=["mse", None, "mae"], y_pred=[A, A, B], y_true=[ZERO, ZERO]), 4.0, None),
        (dict(loss="mse", y_pred=[A, B], sample_weight=[np.array([2.0, 2.0]), np.array([0.0, 0.0])]), 2.0, None),
    ],
)
def test_losses_find_their_outputs(arguments, value, names):
    found, found_names = loss_of(**arguments)
    assert found == pytest.approx(value)
    if names is not None:
        assert found_names == names


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (dict(loss="mse", y_pred=[A, B], y_true=[A, A, A]), ValueError, "different structures"),
        (dict(loss={"a": "mse", "z": "mse"}, y_pred={"a": A, "b": B}), KeyError, "can't be found"),
        (dict(loss=["mse", "mae"], y_pred=[A, B], weights=[1.0]), ValueError, "must match the number of losses, got 2"),
        (dict(loss="mse", y_pred=A, weights="x"), ValueError, "Expected `loss_weights`"),
        (dict(loss=[None, None], y_pred=[A, B]), ValueError, "no loss for any output"),
    ],
)
def test_losses_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        loss_of(**arguments)


def test_crossentropy_chooses_by_shape():
    for y_true, y_pred, name in (
        (np.zeros((2, 1)), np.full((2, 1), 0.5), "binary_crossentropy"),
        (np.zeros(2, "int32"), np.full((2, 3), 0.3), "sparse_categorical_crossentropy"),
        (np.eye(3)[:2], np.full((2, 3), 0.3), "categorical_crossentropy"),
    ):
        compiled = CompileLoss("crossentropy")
        compiled(*tensors([y_true.astype("float32"), y_pred.astype("float32")]))
        assert compiled.entries[0].loss.fn.__name__ == name


def results(metrics, y_pred, weighted=None, names=None, sample_weight=None):
    compiled = CompileMetrics(metrics, weighted, output_names=names)
    y_pred = tensors(y_pred)
    compiled.update_state(keras.tree.map_structure(keras.ops.zeros_like, y_pred), y_pred, sample_weight)
    return {name: float(value) for name, value in compiled.result().items()}


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (dict(metrics=["mae", "mse"], y_pred=B), {"mae": 3.0, "mse": 9.0}),
        (dict(metrics=["mae", "mae"], y_pred=B), {"mae": 3.0, "mae_1": 3.0}),
        (
            dict(metrics=["mae"], weighted=["mae"], y_pred=B, sample_weight=np.array([0.0, 1.0])),
            {"mae": 3.0, "weighted_mae": 3.0},
        ),
        (dict(metrics=[["mae"], ["mse"]], y_pred=[A, B], names=["x", "y"]), {"x_mae": 1.0, "y_mse": 9.0}),
        (dict(metrics=["mae", None], y_pred=[A, B], names=["x", "y"]), {"x_mae": 1.0}),
        (dict(metrics={"y": ["mae"]}, y_pred=[A, B], names=["x", "y"]), {"y_mae": 3.0}),
        (dict(metrics={"b": "mae"}, y_pred={"a": A, "b": B}), {"b_mae": 3.0}),
        (
            dict(metrics={"a": {"c": ["mae"]}, "b": ["mse"]}, y_pred={"a": {"c": A}, "b": B}, names=["p", "q"]),
            {"p_mae": 1.0, "q_mse": 9.0},
        ),
    ],
)
def test_metrics_find_their_outputs(arguments, expected):
    assert results(**arguments) == pytest.approx(expected)


def test_metrics_that_do_not_fit():
    with pytest.raises(ValueError, match="to be a list, tuple, or dict"):
        CompileMetrics("mae", None)
    with pytest.raises(ValueError, match=r"Invalid `metrics`(.|\n)*\['X', 'X'\]"):
        results([["mae"], ["mae"], ["mae"]], [A, B])
    with pytest.raises(ValueError, match="has not yet been built"):
        CompileMetrics(["mae"], None).result()


def test_accuracy_chooses_by_shape():
    for y_true, y_pred, kind in (
        (np.ones((2, 1)), np.ones((2, 1)), "BinaryAccuracy"),
        (np.ones(2), np.ones((2, 3)), "SparseCategoricalAccuracy"),
        (np.ones((2, 3)), np.ones((2, 3)), "CategoricalAccuracy"),
    ):
        compiled = CompileMetrics(["acc"], None)
        compiled.build(*tensors([y_true, y_pred]))
        assert type(compiled.metrics[0]).__name__ == kind and compiled.metrics[0].name == "acc"
