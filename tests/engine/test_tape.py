import gc
import weakref

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops


def test_gradient_tape_and_backward_agree():
    w = keras.Variable([[1.0, 2.0], [3.0, 4.0]])
    x = ops.convert_to_tensor([[1.0, -1.0]])
    with keras.GradientTape() as tape:
        loss = ops.sum(ops.square(x @ w))
    g = tape.gradient(loss, w)
    ops.sum(ops.square(x @ w)).backward()
    np.testing.assert_array_equal(g, w.grad)
    np.testing.assert_allclose(g, 2 * np.array([[1], [-1]]) @ (np.array([[1.0, -1]]) @ w.numpy()))


def test_backward_accumulates_and_reset_is_the_users():
    v = keras.Variable(2.0)
    (v * v).backward()
    (v * v).backward()
    assert float(v.grad) == 8.0
    v.grad = None
    (3 * v).backward()
    assert float(v.grad) == 3.0


def test_higher_order_by_nested_tapes_and_by_grad():
    x = keras.Variable(2.0)
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = x**4
        first = inner.gradient(y, x)
    assert float(first) == 32.0
    assert float(outer.gradient(first, x)) == 48.0
    third = keras.grad(keras.grad(keras.grad(lambda t: t**4)))
    assert float(third(2.0)) == 48.0


def test_gradient_penalty_reaches_the_weights():
    w = keras.Variable([[2.0], [3.0]])
    x = ops.convert_to_tensor([[1.0, 1.0]])
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(ops.square(x @ w))
        gx = inner.gradient(y, x)  # 2 (x.w) w
        penalty = ops.sum(ops.square(gx))
    g = outer.gradient(penalty, w)
    x0, w0 = np.array([1.0, 1.0]), np.array([2.0, 3.0])
    s, n = x0 @ w0, w0 @ w0  # penalty = 4 s^2 n
    np.testing.assert_allclose(np.asarray(g)[:, 0], 8 * s * n * x0 + 8 * s**2 * w0, rtol=1e-6)


def test_persistent_tape_and_structures():
    a, b = keras.Variable(1.0), keras.Variable(5.0)
    with keras.GradientTape(persistent=True) as tape:
        y = a * 2
        z = b * b
    assert {k: None if v is None else float(v) for k, v in tape.gradient(y, {"a": a, "b": b}).items()} == {"a": 2.0, "b": None}
    assert float(tape.gradient(z, b)) == 10.0
    with keras.GradientTape() as tape:
        y = a * 2
    tape.gradient(y, a)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, a)


def test_two_tapes_over_one_graph_then_updates():
    """The training step of a GAN: both gradients from one forward pass, one update between their uses."""
    g, d = keras.Variable(1.5), keras.Variable(-2.0)
    with keras.GradientTape() as tape_g, keras.GradientTape() as tape_d:
        fake = g * 3.0
        score = d * fake
        loss_g, loss_d = -score, score * score
    grad_g = tape_g.gradient(loss_g, g)
    d.assign_sub(1.0)  # must not disturb what the second tape saved
    grad_d = tape_d.gradient(loss_d, d)
    assert float(grad_g) == 6.0
    assert float(grad_d) == 2 * (-2.0 * 4.5) * 4.5


def test_values_read_before_an_assignment_stay():
    v = keras.Variable([1.0, 2.0])
    before = v.value
    v.assign([5.0, 6.0])
    np.testing.assert_array_equal(before, [1.0, 2.0])
    np.testing.assert_array_equal(v, [5.0, 6.0])


def test_backward_frees_the_graph_and_says_so():
    v = keras.Variable(2.0)
    y = v * v
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    z = v * v
    z.backward(retain_graph=True)
    z.backward()


def test_graph_dies_with_its_tensors_without_the_collector():
    v = keras.Variable(np.ones((4, 4), "float32"))
    gc.disable()
    try:
        y = ops.exp(v * 2)
        node = weakref.ref(y)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_deep_graphs_do_not_recurse():
    v = keras.Variable(1.0)
    y = v * 1.0
    for _ in range(5000):
        y = y + 1e-3
    y.backward()
    assert float(v.grad) == 1.0


def test_errors_say_what_to_do():
    with pytest.raises(RuntimeError, match="does not depend"):
        ops.ones(()).backward()
    v = keras.Variable([1.0, 2.0])
    with pytest.raises(RuntimeError, match="needs a scalar"):
        (v * 2).backward()
    with pytest.raises(TypeError, match="cannot differentiate"):
        with keras.GradientTape() as tape:
            y = v * 2
        tape.gradient(y, "v")


def test_no_grad_and_detach():
    v = keras.Variable(3.0)
    with keras.no_grad():
        y = v * 2
    assert not y.requires_grad
    assert not (v * 2).detach().requires_grad


def test_value_and_grad_with_aux_and_structures():
    def loss(params, x):
        y = x * params["w"] + params["b"]
        return ops.sum(y), y

    (value, y), g = keras.value_and_grad(loss, has_aux=True)({"w": 2.0, "b": 1.0}, np.array([1.0, 2.0], "float32"))
    assert float(value) == 8.0 and y.shape == (2,)
    assert float(g["w"]) == 3.0 and float(g["b"]) == 2.0
