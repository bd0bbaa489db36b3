"""The Optimizer base: arguments, learning rate, variables, weights, weight decay, errors."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, Optimizer, OptimizerMap
from kerasgpu.optimizers.schedules import ExponentialDecay


def ones(n=1):
    return keras.ops.ones((n,))


@pytest.mark.parametrize(
    "make,error,message",
    [
        (lambda: SGD(learning_rate="fast"), ValueError, "`learning_rate` should be float"),
        (lambda: SGD(0.1, nonsense=1), ValueError, "not recognized"),
        (lambda: SGD(0.1, clipnorm=1.0, clipvalue=1.0), ValueError, "Only one of"),
        (lambda: SGD(0.1, gradient_accumulation_steps=1), ValueError, "integer >= 2"),
        (lambda: SGD(0.1, use_ema=True, ema_momentum=1.5), ValueError, r"range \[0, 1\]"),
        (lambda: SGD(0.1, use_ema=True, ema_overwrite_frequency=0.5), ValueError, "integer >= 1"),
        (lambda: SGD(0.1, momentum=2.0), ValueError, "`momentum` must be a float"),
        (lambda: keras.optimizers.AdamW(weight_decay=None), ValueError, "must be a float"),
        (lambda: keras.optimizers.Lion(beta_1=0.0), ValueError, "beta_1"),
        (lambda: keras.optimizers.Ftrl(learning_rate_power=1.0), ValueError, "learning_rate_power"),
        (lambda: keras.optimizers.Ftrl(l1_regularization_strength=-1.0), ValueError, "l1_regularization_strength"),
        (lambda: ExponentialDecay(0.1, 0, 0.5), ValueError, "must be > 0"),
        (lambda: keras.optimizers.schedules.PiecewiseConstantDecay([1], [1.0]), ValueError, "1 less than"),
        (lambda: keras.optimizers.schedules.LearningRateSchedule()(0), NotImplementedError, "must override"),
        (lambda: SGD(0.1).apply([ones()]), ValueError, "must already be built"),
        (lambda: SGD(0.1).apply([None], [keras.Variable([1.0])]), ValueError, "No gradients provided"),
        (lambda: SGD(0.1).set_weights([]), ValueError, "not yet been built"),
        (lambda: SGD(0.1).stateless_apply([], [], []), ValueError, "must be built"),
        (lambda: LossScaleOptimizer(SGD(0.1), clipnorm=1.0), ValueError, "does not support `clipnorm`"),
        (lambda: LossScaleOptimizer(SGD(0.1), dynamic=False), ValueError, "no longer supports"),
        (lambda: LossScaleOptimizer(SGD(0.1), other=1), ValueError, "does not support arguments"),
        (lambda: OptimizerMap("sgd"), TypeError, "default_optimizer"),
        (lambda: OptimizerMap(SGD(0.1), [1]), TypeError, "optimizer_map"),
        (lambda: OptimizerMap(SGD(0.1)).__setitem__(3, SGD(0.1)), ValueError, "key must be a string"),
        (lambda: OptimizerMap(SGD(0.1)).__setitem__("a", 3), ValueError, "must be a Keras Optimizer"),
        (lambda: MultiOptimizer(OptimizerMap(SGD(0.1))).learning_rate, AttributeError, "individual"),
        (lambda: keras.optimizers.get("no_such"), ValueError, "Could not interpret optimizer"),
        (lambda: keras.optimizers.get(3), ValueError, "Could not interpret optimizer"),
        (lambda: keras.optimizers.legacy.Adam(0.1), ImportError, "legacy"),
        (lambda: Optimizer(0.1).apply([ones()], [keras.Variable([1.0])]), NotImplementedError, "update_step"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_unknown_variables_and_counts():
    w = keras.Variable([1.0])
    optimizer = SGD(0.1)
    optimizer.build([w])
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([ones()], [keras.Variable([1.0])])
    with pytest.raises(ValueError, match="must match"):
        optimizer.apply([ones(), ones()])
    with pytest.raises(ValueError, match="corresponding 1:1"):
        optimizer.stateless_apply([], [ones()], [w.value])
    with pytest.raises(ValueError, match="not compatible"):
        optimizer.set_weights([np.zeros(3)])
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        optimizer.load_own_variables({})
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        v = keras.Variable([1.0])
        SGD(0.1).apply([None, ones()], [w, v])
    assert float(v[0]) == pytest.approx(0.9)


def test_super_must_be_called():
    class Forgot(Optimizer):
        def __init__(self):
            self.rate = 1

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgot()


def test_old_spellings():
    optimizer = Adam(lr=0.25)
    assert float(optimizer.learning_rate) == 0.25
    optimizer.lr = 0.5
    assert float(optimizer.lr) == 0.5 and optimizer.get_config()["learning_rate"] == 0.5
    with pytest.warns(UserWarning, match="`decay` is no longer supported"):
        SGD(0.1, decay=1e-6)


def test_learning_rate():
    optimizer = SGD(0.1)
    optimizer.learning_rate = 0.2
    assert float(optimizer.learning_rate) == pytest.approx(0.2)
    optimizer.learning_rate.assign(0.4)
    assert optimizer.get_config()["learning_rate"] == pytest.approx(0.4)
    assert len(optimizer.variables) == 2
    optimizer.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    assert float(optimizer.learning_rate) == 1.0
    assert len(optimizer.variables) == 1
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1
    w = keras.Variable([0.0])
    for _ in range(3):
        optimizer.apply([-ones()], [w])
    assert float(w[0]) == 1.75 and float(optimizer.learning_rate) == 0.125
    assert float(SGD(learning_rate=lambda: 0.5).learning_rate) == 0.5


def test_variables_and_weights():
    w = keras.Variable([1.0, 2.0], name="kernel")
    optimizer = Adam(0.1)
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate"]
    assert optimizer.iterations.dtype == "int32"
    assert optimizer.apply_gradients([(ones(2), w)]) is optimizer._iterations
    assert [v.path.split("/")[1] for v in optimizer.variables[2:]] == ["kernel_momentum", "kernel_velocity"]
    assert all(not v.trainable for v in optimizer.variables)
    twin = Adam(0.1)
    twin.build([keras.Variable([0.0, 0.0])])
    twin.set_weights(optimizer.get_weights())
    store: dict = {}
    twin.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"] and int(store["0"]) == 1
    np.testing.assert_array_equal(store["2"], optimizer.variables[2].numpy())


def test_attributes_are_tracked():
    class Mine(Optimizer):
        def build(self, variables):
            super().build(variables)
            self.one = keras.Variable(0.0)
            self.more = [keras.Variable(0.0), keras.Variable(1.0)]

    optimizer = Mine(0.1)
    optimizer.build([keras.Variable([1.0])])
    assert len(optimizer.variables) == 5


def test_weight_decay_can_leave_variables_out():
    a, b, c = (keras.Variable([1.0], name=n) for n in ("kernel", "bias", "gamma"))
    optimizer = SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[c], var_names=["bia"])
    optimizer.apply([ones() * 0.0] * 3, [a, b, c])
    assert [float(v[0]) for v in (a, b, c)] == [0.5, 1.0, 1.0]


def test_accumulation():
    w = keras.Variable([0.0])
    optimizer = SGD(1.0, gradient_accumulation_steps=3)
    seen = []
    for k in range(6):
        optimizer.apply([ones() * -float(k)], [w])
        seen.append(float(w[0]))
    assert seen == [0.0, 0.0, 1.0, 1.0, 1.0, 5.0]
    assert int(optimizer.iterations) == 2


def test_ema():
    w = keras.Variable([0.0])
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    seen = []
    for _ in range(3):
        optimizer.apply([-ones()], [w])
        seen.append(float(w[0]))
    # averages: 1, (1 + 2) / 2, (1.5 + 3) / 2, and the third takes the variable's place
    assert seen == [1.0, 2.0, 2.25]
    optimizer.finalize_variable_values([w])
    with pytest.raises(ValueError, match="length of model variables"):
        optimizer.finalize_variable_values([w, w])


def test_loss_scale():
    w = keras.Variable([0.0])
    optimizer = LossScaleOptimizer(SGD(1.0), initial_scale=4.0, dynamic_growth_steps=2)
    assert float(optimizer.scale_loss(1.0)) == 4.0
    scales = []
    for g in (1.0, 1.0, float("inf"), 1.0):
        optimizer.apply([ones() * g * -4.0], [w])
        scales.append(float(optimizer.dynamic_scale))
    assert scales == [4.0, 8.0, 4.0, 4.0]
    assert float(w[0]) == 3.0 and int(optimizer.iterations) == 3
    optimizer.learning_rate = 0.5
    assert float(optimizer.inner_optimizer.learning_rate) == 0.5


def test_multi_optimizer():
    a, b = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    chosen = OptimizerMap(SGD(0.5))
    chosen["bias"] = SGD(0.25)
    with pytest.raises(ValueError, match="already exists"):
        chosen["bias"] = SGD(0.1)
    optimizer = MultiOptimizer(chosen)
    optimizer.apply([ones(), ones()], [a, b])
    assert (float(a[0]), float(b[0])) == (0.5, 0.75)
    assert len(optimizer.optimizers) == 2 and int(optimizer.iterations) == 1
    back = MultiOptimizer.from_config(optimizer.get_config())
    assert float(back._optimizer_map["bias"].learning_rate) == 0.25
    optimizer.set_weights([v.numpy() for v in optimizer.variables])
    with pytest.raises(ValueError, match="one-to-one"):
        optimizer.apply([ones()], [a])


def test_get():
    assert keras.optimizers.get(None) is None
    for name in ("adam", "Adam", "ADAM", "sgd", "rmsprop", "RMSprop", "adamw", "lamb", "muon", "schedulefreeadamw"):
        assert isinstance(keras.optimizers.get(name), Optimizer)
    assert keras.optimizers.get({"class_name": "sgd", "config": {"learning_rate": 0.5}}).get_config()["learning_rate"] == 0.5


def test_overwrite_with_gradient():
    scale, w = keras.Variable([1.0], name="scale"), keras.Variable([1.0], name="w")
    scale.overwrite_with_gradient = True
    optimizer = Adam(0.1)
    optimizer.apply([ones() * 7.0, ones()], [scale, w])
    assert float(scale[0]) == 7.0 and len(optimizer.variables) == 4
    optimizer = SGD(0.1, gradient_accumulation_steps=2)
    for g in (3.0, 2.0):
        optimizer.apply([ones() * g, ones()], [scale, w])
    assert float(scale[0]) == 3.0
