"""Half precision on the device: float32 weights, gradients and state; a loss scale that adapts within the graph."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.engine import device as devices
from kerasgpu.engine.program import Program

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 10)).astype("float32")
Y = X[:, :3].argmax(1).astype("int32")
IMAGES = RNG.normal(size=(48, 8, 8, 3)).astype("float32")
CLASSES = RNG.integers(0, 3, 48).astype("int32")


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def dense():
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(3),
            layers.Activation("softmax", dtype="float32"),
        ]
    )


def convolutional():
    keras.utils.set_random_seed(2)
    inputs = keras.Input((8, 8, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)))
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D(2)(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", dtype="float32")(x))


def trained(build, x, y, where, **options):
    with devices.device(where):
        model = build()
        optimizer = keras.optimizers.Adam(0.01)
        model.compile(optimizer, "sparse_categorical_crossentropy", **options)
        losses = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"]
        return losses, model


@pytest.mark.parametrize("build, x, y", [(dense, X, Y), (convolutional, IMAGES, CLASSES)])
def test_training_follows_the_cpu_with_state_in_float32(gpu, policy, build, x, y):
    on_cpu, _ = trained(build, x, y, "cpu:0")
    on_gpu, model = trained(build, x, y, "gpu:0")
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=2e-2)
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    state = [v for v in model.optimizer.variables if "int" not in v.dtype]
    assert {v.dtype for v in state} == {"float32"} and {v.device for v in state} == {"gpu:0"}
    assert type(model.optimizer) is (
        keras.optimizers.LossScaleOptimizer if policy == "mixed_float16" else keras.optimizers.Adam
    )
    assert model.layers[1].compute_dtype == policy[len("mixed_") :]


def test_captured_and_eager_are_the_same_bits(gpu, policy):
    captured, eager = (trained(dense, X, Y, "gpu:0", run_eagerly=eagerly) for eagerly in (False, True))
    assert captured[0] == eager[0]
    for a, b in zip(captured[1].get_weights(), eager[1].get_weights()):
        np.testing.assert_array_equal(a, b)


def test_gradients_are_float32(on_gpu, policy):
    model = dense()
    with keras.GradientTape() as tape:
        loss = ops.mean(model(ops.convert_to_tensor(X[:8]))[:, 0])
    gradients = tape.gradient(loss, model.trainable_variables)
    assert {g.dtype for g in gradients} == {"float32"} and all(g.device == "gpu:0" for g in gradients)


def scales(model, x, epochs):
    """The loss scale after each epoch of one step."""
    found = []
    for _ in range(epochs):
        model.fit(x, Y[:8], batch_size=8, verbose=0)
        found.append(float(model.optimizer.dynamic_scale.numpy()))
    return found


@pytest.mark.parametrize("where", ["cpu:0", "gpu:0"])
def test_the_loss_scale_adapts_within_the_graph(gpu, where):
    """It doubles after good steps, and halves after a step with infinite gradients, which changes nothing else."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with devices.device(where):
            model = dense()
            inner = keras.optimizers.SGD(0.01, momentum=0.9)
            optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=3)
            model.compile(optimizer, "sparse_categorical_crossentropy")
            good, bad = X[:8], np.where(np.arange(10) == 0, np.inf, X[:8]).astype("float32")
            assert scales(model, good, 6) == [8, 8, 16, 16, 16, 32]
            programs = [p for s in model._programs.values() for p in s.by_size.values()]
            assert len(programs) == 1 and type(programs[0]) is Program
            assert where == "cpu:0" or len(programs[0]._core._segments) == 1
            variables = [*model.trainable_variables, *inner.variables]
            kept = [v.numpy() for v in variables]
            assert scales(model, bad, 2) == [16, 8]
            for v, value in zip(variables, kept):
                np.testing.assert_array_equal(v.numpy(), value, err_msg=v.path)
            assert scales(model, good, 3) == [8, 8, 16]
            assert any((v.numpy() != value).any() for v, value in zip(variables, kept))
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_step_with_a_loss_scale_needs_nothing_of_the_host(on_gpu):
    from kerasgpu.training.adapters import get_data_adapter
    from kerasgpu.training.runners import make_runner

    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, Y, batch_size=8, verbose=0)
        runner = make_runner(model, "train", get_data_adapter(X, Y, batch_size=8))
        runner.begin_epoch()
        runner.run(2)
        before = on_gpu.host_copies, on_gpu.waits, len(on_gpu.copies)
        for _ in range(5):
            runner.run(1)
        assert (on_gpu.host_copies, on_gpu.waits, len(on_gpu.copies)) == before
    finally:
        keras.config.set_dtype_policy("float32")
