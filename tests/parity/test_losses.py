"""Losses against real Keras: values and gradients on random data, all reductions, weights, masks, configs."""

import numpy as np
import oracle
import pytest

import kerasgpu

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the warnings are those of Keras

rng = np.random.default_rng(0)
REAL = rng.normal(size=(6, 5)).astype("float32"), rng.normal(size=(6, 5)).astype("float32")
POSITIVE = rng.uniform(0.1, 3, (6, 5)).astype("float32"), rng.uniform(0.1, 3, (6, 5)).astype("float32")
BINARY = rng.integers(0, 2, (6, 5)).astype("float32"), rng.uniform(0.01, 0.99, (6, 5)).astype("float32")
LABELS = rng.integers(0, 5, (6,)), (p := rng.uniform(0.01, 1, (6, 5)).astype("float32")) / p.sum(-1, keepdims=True)
ONE_HOT = np.eye(5, dtype="float32")[LABELS[0]], LABELS[1]
LOGITS = rng.normal(size=(6, 5)).astype("float32") * 3
UNIT = LABELS[0], (u := rng.normal(size=(6, 5)).astype("float32")) / np.linalg.norm(u, axis=-1, keepdims=True)
MAPS = rng.integers(0, 2, (3, 4, 4, 2)).astype("float32"), rng.uniform(0, 1, (3, 4, 4, 2)).astype("float32")
SEQUENCES = np.array([[1, 2, 1, 0], [3, 3, 0, 0], [1, 1, 2, 2]]), rng.normal(size=(3, 9, 4)).astype("float32")

CASES = [
    ("MeanSquaredError", {}, REAL),
    ("MeanAbsoluteError", {}, REAL),
    ("MeanAbsolutePercentageError", {}, POSITIVE),
    ("MeanSquaredLogarithmicError", {}, POSITIVE),
    ("CosineSimilarity", {}, REAL),
    ("CosineSimilarity", {"axis": 0}, REAL),
    ("Huber", {}, REAL),
    ("Huber", {"delta": 0.5}, REAL),
    ("LogCosh", {}, REAL),
    ("Hinge", {}, (BINARY[0], REAL[1])),
    ("Hinge", {}, (BINARY[0] * 2 - 1, REAL[1])),
    ("SquaredHinge", {}, (BINARY[0], REAL[1])),
    ("CategoricalHinge", {}, (ONE_HOT[0], REAL[1])),
    ("KLDivergence", {}, (LABELS[1], ONE_HOT[1][::-1].copy())),
    ("Poisson", {}, POSITIVE),
    ("BinaryCrossentropy", {}, BINARY),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, (BINARY[0], LOGITS)),
    ("BinaryCrossentropy", {"axis": 0}, BINARY),
    ("BinaryFocalCrossentropy", {}, BINARY),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1}, BINARY),
    ("BinaryFocalCrossentropy", {"from_logits": True}, (BINARY[0], LOGITS)),
    ("CategoricalCrossentropy", {}, ONE_HOT),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, (ONE_HOT[0], LOGITS)),
    ("CategoricalFocalCrossentropy", {}, ONE_HOT),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.0, "label_smoothing": 0.1}, (ONE_HOT[0], LOGITS)),
    ("SparseCategoricalCrossentropy", {}, LABELS),
    ("SparseCategoricalCrossentropy", {}, (LABELS[0][:, None], LABELS[1])),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, (LABELS[0], LOGITS)),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, LABELS),
    ("Dice", {}, MAPS),
    ("Dice", {"axis": (1, 2, 3)}, MAPS),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, MAPS),
    ("Tversky", {"axis": (1, 2, 3)}, MAPS),
    ("Circle", {}, UNIT),
    ("Circle", {"gamma": 8.0, "margin": 0.25, "remove_diagonal": False}, UNIT),
    ("CTC", {}, SEQUENCES),
]
IDS = [f"{name}-{args}" for name, args, _ in CASES]
TOLERANCE = {"rtol": 2e-5, "atol": 1e-6}


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("name,args,data", CASES, ids=IDS)
def test_reductions_and_weights(name, args, data, reduction):
    ours = getattr(kerasgpu.losses, name)(**args, reduction=reduction)
    theirs = getattr(keras.losses, name)(**args, reduction=reduction)
    weights = rng.uniform(0, 2, len(data[0])).astype("float32")
    for sample_weight in (None, 1.7, weights, weights[:, None]):
        values = []
        errors = []
        for loss in (ours, theirs):
            try:
                values.append(np.asarray(loss(*data, sample_weight=sample_weight)))
            except Exception as error:
                errors.append(error)
        assert len(errors) in (0, 2), errors
        if values:
            oracle.close(*values, **TOLERANCE, what=f"{name} {args} {reduction}")


@pytest.mark.parametrize("name,args,data", CASES, ids=IDS)
def test_gradient(name, args, data):
    import jax

    ours = getattr(kerasgpu.losses, name)(**args)
    theirs = getattr(keras.losses, name)(**args)
    y_pred = kerasgpu.ops.convert_to_tensor(data[1])
    y_pred.requires_grad = True
    ours(data[0], y_pred).backward() if ours(data[0], y_pred).ndim == 0 else ours(data[0], y_pred).sum().backward()
    expected = jax.grad(lambda p: keras.ops.sum(theirs(data[0], p)))(data[1])
    oracle.close(y_pred.grad.numpy(), expected, rtol=1e-4, atol=1e-5, what=f"gradient of {name} {args}")


@pytest.mark.parametrize("name,args,data", CASES, ids=IDS)
def test_config_loads_in_keras_and_back(name, args, data):
    ours = getattr(kerasgpu.losses, name)(**args, reduction="sum")
    config = oracle.plain(kerasgpu.losses.serialize(ours))
    theirs = keras.saving.deserialize_keras_object(config)  # keras.losses.deserialize does not know all of them
    reference = getattr(keras.losses, name)(**args, reduction="sum")
    assert theirs.name == reference.name and theirs.reduction == "sum"
    expected = oracle.plain(keras.losses.serialize(reference))
    assert expected["module"] == config["module"] and expected["class_name"] == config["class_name"]
    # Ours also holds arguments that Keras forgets to save.
    assert {**config["config"], **expected["config"]} == config["config"]
    oracle.close(np.asarray(ours(*data)), np.asarray(theirs(*data)), **TOLERANCE)
    back = kerasgpu.losses.deserialize(expected)
    assert {**oracle.plain(back.get_config()), **expected["config"]} == oracle.plain(back.get_config())


FUNCTIONS = sorted(n for n in dir(keras.losses) if n.islower() and n not in ("get", "serialize", "deserialize") and n[0] != "_")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    data = {
        "sparse_categorical_crossentropy": LABELS,
        "categorical_generalized_cross_entropy": LABELS,
        "categorical_crossentropy": ONE_HOT,
        "categorical_focal_crossentropy": ONE_HOT,
        "circle": UNIT,
        "ctc": SEQUENCES,
        "kl_divergence": ONE_HOT,
    }.get(name, BINARY)
    extra = {"q": 0.4} if name == "categorical_generalized_cross_entropy" else {}
    ours, theirs = (getattr(m.losses, name)(*data, **extra) for m in (kerasgpu, keras))
    oracle.close(np.asarray(ours), np.asarray(theirs), **TOLERANCE)
    assert kerasgpu.losses.get(name) is getattr(kerasgpu.losses, name) or name == "categorical_generalized_cross_entropy"


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_mask(reduction, weighted):
    mask = rng.integers(0, 2, (6, 4)).astype(bool)
    y_true, y_pred = rng.normal(size=(2, 6, 4, 3)).astype("float32")
    weights = rng.uniform(0, 2, (6, 4)).astype("float32") if weighted else None
    found = []
    for module in (kerasgpu, keras):
        p = module.ops.convert_to_tensor(y_pred)
        p._keras_mask = module.ops.convert_to_tensor(mask)
        found.append(np.asarray(module.losses.MeanSquaredError(reduction=reduction)(y_true, p, sample_weight=weights)))
    oracle.close(*found, **TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtype(dtype):
    for name in ("MeanSquaredError", "BinaryCrossentropy", "Huber"):
        ours, theirs = (getattr(m.losses, name)(dtype=dtype)(*BINARY) for m in (kerasgpu, keras))
        if dtype != "float64":  # JAX has no float64 here
            assert kerasgpu.backend.standardize_dtype(ours.dtype) == keras.backend.standardize_dtype(theirs.dtype)
        oracle.close(np.asarray(ours).astype("float32"), np.asarray(theirs).astype("float32"), rtol=2e-2)
