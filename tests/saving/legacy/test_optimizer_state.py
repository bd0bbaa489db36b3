"""The state of optimizers in files of Keras 2: values of equal shapes go by their names, or by the order of the era."""

import numpy as np
import pytest

import kerasgpu as keras
from tests.saving.legacy.files import dense, sequential, write

SHAPE = (3, 3)


def load(tmp_path, optimizer, state, version, **arguments):
    layers = [dense(n, 3) for n in ("d1", "d2")]
    for one in layers:
        one["config"]["use_bias"] = False
    config = {"name": optimizer, "learning_rate": 0.01, "decay": 0.0, **arguments}
    training = {"loss": "mse", "metrics": None, "optimizer_config": {"class_name": optimizer, "config": config}}
    weights = {n: [(f"{n}/kernel:0", np.eye(3))] for n in ("d1", "d2")}
    path = write(tmp_path / "m.h5", sequential(*layers, shape=[3]), weights, training, version, optimizer=state)
    return keras.models.load_model(path).optimizer


def full(value):
    return np.full(SHAPE, value, "float32")


def slots(optimizer):
    return [round(float(v.numpy().ravel()[0]), 4) for v in optimizer.variables if tuple(v.shape) == SHAPE]


ADAM = (-0.1, 0.01, -0.2, 0.02)  # m1, v1, m2, v2: the order of our variables


@pytest.mark.parametrize(
    "version, names",
    [
        ("2.10.0", ["Adam/iter:0", "Adam/d1/kernel/m:0", "Adam/d2/kernel/m:0", "Adam/d1/kernel/v:0", "Adam/d2/kernel/v:0"]),
        ("2.2.4", ["Adam/iterations:0", *(f"training/Adam/Variable{k}:0" for k in ("", "_1", "_2", "_3"))]),
        ("2.3.0-tf", ["training/Adam/iter:0", *(f"training/Adam/{n}:0" for n in ("d1/kernel/m", "d2/kernel/m", "d1/kernel/v", "d2/kernel/v"))]),
    ],
)  # fmt: skip
def test_slot_by_slot(tmp_path, version, names):
    values = (np.int64(7), full(-0.1), full(-0.2), full(0.01), full(0.02))
    found = load(tmp_path, "Adam", list(zip(names, values)), version)
    assert int(found.iterations) == 7 and slots(found) == list(ADAM)


def test_variable_by_variable(tmp_path):
    names = ["iteration:0", "Adam/m/d2/kernel:0", "Adam/v/d2/kernel:0", "Adam/m/d1/kernel:0", "Adam/v/d1/kernel:0"]
    values = (np.int64(7), full(-0.2), full(0.02), full(-0.1), full(0.01))
    found = load(tmp_path, "Adam", list(zip(names, values)), "2.12.0")
    assert int(found.iterations) == 7 and slots(found) == list(ADAM)


def test_unused_slots_of_multi_backend_keras(tmp_path):
    """Keras 2.1 wrote a placeholder of shape (1,) for each variable when amsgrad was off, and momentums even for momentum=0."""
    adam = [np.int64(7), full(-0.1), full(-0.2), full(0.01), full(0.02), np.zeros(1), np.zeros(1)]
    found = load(tmp_path, "Adam", [(f"training/Adam/x_{k}:0", v) for k, v in enumerate(adam)], "2.2.0", amsgrad=False)
    assert int(found.iterations) == 7 and slots(found) == list(ADAM)
    sgd = [("SGD/iterations:0", np.int64(5)), ("training/SGD/Variable:0", full(1)), ("training/SGD/Variable_1:0", full(2))]
    assert int(load(tmp_path, "SGD", sgd, "2.2.0", momentum=0.0).iterations) == 5


def test_no_guessing(tmp_path):
    """State without names that say what it is, of an era with no fixed order, or of another optimizer: a new start, said aloud."""
    values = [np.int64(7), full(-0.1), full(-0.2), full(0.01), full(0.02)]
    with pytest.warns(UserWarning, match=r"m\.h5: the optimizer state in the file does not fit 'Adam', which starts afresh"):
        found = load(tmp_path, "Adam", [(f"x_{k}:0", v) for k, v in enumerate(values)], "2.12.0")
    assert int(found.iterations) == 0 and not any(slots(found))
