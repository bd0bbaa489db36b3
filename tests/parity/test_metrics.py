"""Metrics against real Keras: results over three batches, weights, masks, names of variables, configs."""

import numpy as np
import oracle
import pytest

import kerasgpu

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the warnings are those of Keras

BATCHES = 3


def make_data(kind, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.uniform(0, 1, (8, 5)).astype("float32")
    probabilities /= probabilities.sum(-1, keepdims=True)
    labels = rng.integers(0, 5, 8)
    return {
        "real": lambda: (rng.normal(size=(8, 5)).astype("float32"), rng.normal(size=(8, 5)).astype("float32")),
        "positive": lambda: rng.uniform(0.1, 3, (2, 8, 5)).astype("float32"),
        "binary": lambda: (rng.integers(0, 2, (8, 5)), rng.uniform(0, 1, (8, 5)).astype("float32")),
        "binary1": lambda: (rng.integers(0, 2, 8), rng.uniform(0, 1, 8).astype("float32")),
        "labels": lambda: (labels, probabilities),
        "column": lambda: (labels[:, None], probabilities),
        "one_hot": lambda: (np.eye(5, dtype="float32")[labels], probabilities),
        "classes": lambda: (labels, rng.integers(0, 5, 8)),
        "sequence": lambda: (rng.integers(0, 5, (8, 3)), rng.uniform(0, 1, (8, 3, 5)).astype("float32")),
    }[kind]()


CASES = [
    ("Accuracy", {}, "classes"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary1"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "labels"),
    ("SparseCategoricalAccuracy", {}, "column"),
    ("SparseCategoricalAccuracy", {}, "sequence"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "labels"),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, "sequence"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    ("KLDivergence", {}, "one_hot"),
    ("Poisson", {}, "positive"),
    ("MeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "real"),
    ("LogCoshError", {}, "real"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "real"),
    ("Hinge", {}, "binary"),
    ("SquaredHinge", {}, "binary"),
    ("CategoricalHinge", {}, "one_hot"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("PearsonCorrelation", {"axis": 0}, "real"),
    ("F1Score", {}, "one_hot"),
    ("F1Score", {"average": "macro", "threshold": 0.3}, "binary"),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}, "one_hot"),
    ("FBetaScore", {"average": "micro", "beta": 0.5, "threshold": 0.5}, "binary"),
    ("IoU", {"num_classes": 5, "target_class_ids": [0, 2]}, "classes"),
    ("MeanIoU", {"num_classes": 5, "ignore_class": 1}, "classes"),
    ("BinaryIoU", {"threshold": 0.4}, "binary"),
    ("OneHotIoU", {"num_classes": 5, "target_class_ids": [1]}, "one_hot"),
    ("OneHotMeanIoU", {"num_classes": 5}, "one_hot"),
    ("TruePositives", {}, "binary"),
    ("TrueNegatives", {"thresholds": [0.2, 0.5]}, "binary"),
    ("FalsePositives", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, "binary"),
    ("FalseNegatives", {}, "binary1"),
    ("Precision", {}, "binary"),
    ("Precision", {"top_k": 2}, "one_hot"),
    ("Precision", {"class_id": 1, "thresholds": [0.1, 0.2]}, "one_hot"),
    ("Recall", {"thresholds": [0.3, 0.6]}, "binary1"),
    ("Recall", {"top_k": 2, "class_id": 2}, "one_hot"),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, "binary"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 1}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.4, "num_thresholds": 50}, "binary1"),
    ("RecallAtPrecision", {"precision": 0.4}, "binary"),
    ("AUC", {}, "binary"),
    ("AUC", {"curve": "PR"}, "binary1"),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, "binary"),
    ("AUC", {"curve": "PRGAIN", "num_thresholds": 20}, "binary"),
    ("AUC", {"summation_method": "minoring", "from_logits": True}, "binary"),
    ("AUC", {"thresholds": [0.1, 0.35, 0.9]}, "binary1"),
    ("AUC", {"multi_label": True, "num_labels": 5}, "binary"),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 0.0, 1.0], "curve": "PR"}, "binary"),
    ("AUC", {"thresholds": [0.1, 0.35, 0.9], "multi_label": True}, "binary"),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5, 0.0, 1.0]}, "binary"),
]
IDS = [f"{name}-{args}-{kind}" for name, args, kind in CASES]


@pytest.mark.parametrize("weights", [None, "batch"])
@pytest.mark.parametrize("name,args,kind", CASES, ids=IDS)
def test_three_batches(name, args, kind, weights):
    if weights and args.get("axis") == 0:
        pytest.skip("weights belong to samples, and axis 0 has reduced them")
    ours, theirs = (getattr(m.metrics, name)(**args, name="m") for m in (kerasgpu, keras))
    for batch in range(BATCHES):
        y_true, y_pred = make_data(kind, batch)
        weight = None if weights is None else np.random.default_rng(batch).uniform(0, 2, 8).astype("float32")
        if "IoU" in name:
            if y_true.size != 8 and weight is not None and name == "BinaryIoU":
                weight = np.repeat(weight[:, None], 5, 1)
            weight = None if weight is None else weight.astype("int32")
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, sample_weight=weight)
        oracle.close(np.asarray(ours.result()), np.asarray(theirs.result()), rtol=2e-5, atol=1e-6, what=f"{name} batch {batch}")
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    for a, b in zip(ours.variables, theirs.variables):
        oracle.close(a.numpy(), np.asarray(b), rtol=2e-5, atol=1e-5, what=b.path)
        assert a.dtype == b.dtype
    assert getattr(ours, "_direction", None) == getattr(theirs, "_direction", None)
    ours.reset_state()
    theirs.reset_state()
    for a, b in zip(ours.variables, theirs.variables):
        oracle.close(a.numpy(), np.asarray(b))


@pytest.mark.parametrize("name,args,kind", CASES, ids=IDS)
def test_config_loads_in_keras_and_back(name, args, kind):
    ours, theirs = (getattr(m.metrics, name)(**args) for m in (kerasgpu, keras))
    config = oracle.plain(kerasgpu.metrics.serialize(ours))
    moved = keras.metrics.deserialize(config)
    assert moved.name == theirs.name
    if args.get("label_weights") is None:
        expected = oracle.plain(keras.metrics.serialize(theirs))
        # Ours also holds arguments that Keras forgets to save.
        assert {**config["config"], **expected["config"]} == config["config"]
        assert expected["module"] == config["module"] and expected["class_name"] == config["class_name"]
        back = kerasgpu.metrics.deserialize(expected)
        assert {**oracle.plain(back.get_config()), **expected["config"]} == oracle.plain(back.get_config())


@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_reductions(name):
    rng = np.random.default_rng(0)
    for shape, weight_shape in (((4,), (4,)), ((4, 3), (4,)), ((4, 3), (4, 1)), ((4, 3, 2), (4, 3)), ((4, 3), ()), ((), ())):
        values = np.asarray(rng.normal(size=shape), "float32")
        weight = np.asarray(rng.uniform(size=weight_shape), "float32")
        ours, theirs = (getattr(m.metrics, name)() for m in (kerasgpu, keras))
        for w in (None, weight):
            for metric in (ours, theirs):
                metric.update_state(values, sample_weight=w)
            oracle.close(np.asarray(ours.result()), np.asarray(theirs.result()), what=f"{shape} {weight_shape}")


@pytest.mark.parametrize("weighted", [False, True])
def test_mask(weighted):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 2, (6, 4)).astype(bool)
    y_true, y_pred = rng.integers(0, 3, (6, 4)), rng.normal(size=(6, 4, 3)).astype("float32")
    weights = rng.uniform(0, 2, (6, 4)).astype("float32") if weighted else None
    found = []
    for module in (kerasgpu, keras):
        p = module.ops.convert_to_tensor(y_pred)
        p._keras_mask = module.ops.convert_to_tensor(mask)
        metric = module.metrics.SparseCategoricalAccuracy()
        metric.update_state(y_true, p, sample_weight=weights)
        found.append(np.asarray(metric.result()))
    oracle.close(*found)


def test_get():
    for name in ("mse", "MAE", "accuracy", "AUC", "auc", "binary_accuracy", "SparseCategoricalAccuracy", "mean_io_u"):
        try:
            theirs = keras.metrics.get(name)
        except (TypeError, ValueError) as error:
            with pytest.raises(type(error)):
                kerasgpu.metrics.get(name)
            continue
        ours = kerasgpu.metrics.get(name)
        assert type(ours).__name__ == type(theirs).__name__
