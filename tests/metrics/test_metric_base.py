"""The Metric base: variables, tracking, stateless forms, the tape, recording."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.engine import state
from kerasgpu.engine.jit import jit


class Spread(keras.metrics.Metric):
    def __init__(self, name="spread", **kwargs):
        super().__init__(name=name, **kwargs)
        self.mean = keras.metrics.Mean(name="inner")
        self.extra = [keras.Variable(0.0, trainable=False), {"x": keras.Variable(1.0, trainable=False)}]
        self.own = self.add_weight(name="own", initializer="ones")

    def update_state(self, values):
        self.mean.update_state(values)
        self.own.assign_add(keras.ops.max(values))

    def result(self):
        return self.own - self.mean.result()


def test_tracking_and_reset():
    metric = Spread()
    assert len(metric.variables) == 5
    assert [v.path for v in metric.variables[2:]] == ["spread/own", "inner/total", "inner/count"]
    assert all(not v.trainable for v in metric.variables)
    assert float(metric([1.0, 3.0])) == 2.0
    metric.reset_state()
    assert all(float(v) == 0.0 for v in metric.variables)


def test_stateless():
    metric = keras.metrics.Mean()
    values = metric.stateless_update_state(metric.variables, [2.0, 4.0])
    assert [float(v) for v in values] == [6.0, 2.0]
    assert [float(v) for v in metric.variables] == [0.0, 0.0]
    assert float(metric.stateless_result(values)) == 3.0
    assert [float(v) for v in metric.stateless_reset_state()] == [0.0, 0.0]
    with pytest.raises(ValueError, match="corresponding 1:1"):
        metric.stateless_update_state(values[:1], [1.0])


def test_updates_leave_nothing_on_the_tape():
    x = keras.Variable([1.0, 2.0])
    metric = keras.metrics.MeanSquaredError()
    metric.update_state([0.0, 0.0], x * 2.0)
    assert metric.total.value._node is None and state.thread.grad_enabled


def test_super_must_be_called():
    class Forgot(keras.metrics.Metric):
        def __init__(self):
            self.total = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgot()


def test_variables_made_late_are_real():
    """The first update may happen while only shapes are worked out."""
    metric = keras.metrics.F1Score()
    with state.shape_only_scope():
        metric.update_state(np.eye(3), np.eye(3))
    metric.update_state(np.eye(3), np.eye(3))
    np.testing.assert_allclose(metric.result().numpy(), np.ones(3), atol=1e-6)


@pytest.mark.parametrize(
    "make,shape",
    [
        (lambda: keras.metrics.SparseCategoricalAccuracy(), "labels"),
        (lambda: keras.metrics.MeanSquaredError(), "real"),
        (lambda: keras.metrics.AUC(num_thresholds=20), "binary"),
        (lambda: keras.metrics.Precision(thresholds=[0.2, 0.7]), "binary"),
        (lambda: keras.metrics.F1Score(threshold=0.5), "binary"),
        (lambda: keras.metrics.MeanIoU(num_classes=4), "classes"),
        (lambda: keras.metrics.R2Score(), "real"),
    ],
)
def test_updates_can_be_recorded(make, shape):
    rng = np.random.default_rng(0)
    batches = [
        {
            "labels": lambda: (rng.integers(0, 4, 6), rng.random((6, 4), "float32")),
            "real": lambda: (rng.random((6, 4), "float32"), rng.random((6, 4), "float32")),
            "binary": lambda: (rng.integers(0, 2, (6, 4)), rng.random((6, 4), "float32")),
            "classes": lambda: (rng.integers(0, 4, 6), rng.integers(0, 4, 6)),
        }[shape]()
        for _ in range(5)
    ]
    eager, captured = make(), make()

    def update(y_true, y_pred):
        captured.update_state(y_true, y_pred)
        return captured.variables[0].value

    recorded = jit(update)
    for y_true, y_pred in batches:
        eager.update_state(y_true, y_pred)
        recorded(keras.ops.convert_to_tensor(y_true), keras.ops.convert_to_tensor(y_pred))
    for a, b in zip(eager.variables, captured.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_get():
    assert keras.metrics.get(None) is None
    assert isinstance(keras.metrics.get("mse"), keras.metrics.MeanSquaredError)
    assert keras.metrics.get(np.mean) is np.mean
    with pytest.raises(ValueError, match="Could not interpret metric"):
        keras.metrics.get("no_such_metric")
    config = keras.metrics.serialize(keras.metrics.Precision(thresholds=[0.3], top_k=2))
    assert keras.metrics.get(config).get_config() == keras.metrics.deserialize(config).get_config()


def test_a_wrapped_loss_is_better_when_smaller():
    assert keras.metrics.MeanMetricWrapper(keras.losses.huber)._direction == "down"
    assert not hasattr(keras.metrics.MeanMetricWrapper(lambda a, b: a), "_direction")
