"""keras.random: moments, reproducibility, and what seeds mean."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import KerasTensor, ops, random
from kerasgpu.engine import seed_generator, state


def sample(call, *args, **kwargs):
    return np.asarray(call(*args, seed=7, **kwargs)).astype("float64")


def test_moments():
    n = (200_000,)
    x = sample(random.uniform, n, -1.0, 3.0)
    assert abs(x.mean() - 1) < 0.01 and abs(x.var() - 16 / 12) < 0.01 and x.min() >= -1 and x.max() < 3
    x = sample(random.normal, n, 2.0, 3.0)
    assert abs(x.mean() - 2) < 0.03 and abs(x.std() - 3) < 0.03
    x = sample(random.truncated_normal, n, 1.0, 2.0)
    assert abs(x.mean() - 1) < 0.02 and abs(x - 1).max() <= 4 and abs(x.std() - 2 * 0.87962566) < 0.02
    x = sample(random.randint, n, -2, 4)
    assert sorted(set(x.tolist())) == [-2, -1, 0, 1, 2, 3] and abs(x.mean() - 0.5) < 0.02
    x = sample(random.gamma, n, 3.0)
    assert abs(x.mean() - 3) < 0.03 and abs(x.var() - 3) < 0.1
    x = sample(random.beta, n, 2.0, 6.0)
    assert abs(x.mean() - 0.25) < 0.01
    x = sample(random.binomial, n, 20, 0.3)
    assert abs(x.mean() - 6) < 0.03 and abs(x.var() - 4.2) < 0.1
    x = sample(random.categorical, np.log([[0.2, 0.5, 0.3]] * 2).astype("float32"), 50_000)
    assert x.shape == (2, 50_000)
    np.testing.assert_allclose(np.bincount(x[0].astype(int)) / 50_000, [0.2, 0.5, 0.3], atol=0.01)


def test_parameters_may_be_tensors():
    low = ops.convert_to_tensor([0.0, 10.0])
    x = np.asarray(random.uniform((1000, 2), low, low + 1, seed=1))
    assert x[:, 0].max() <= 1 and 10 <= x[:, 1].min()
    x = np.asarray(random.gamma((1000, 2), [1.0, 50.0], seed=1))
    assert x[:, 0].mean() < 2 < 40 < x[:, 1].mean()
    assert np.asarray(random.randint((1000,), ops.convert_to_tensor(3), 5, seed=1)).tolist().count(3) > 400


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes(dtype):
    for call in (random.uniform, random.normal, random.truncated_normal):
        assert call((3,), dtype=dtype).dtype == dtype
    assert random.gamma((3,), 1.0, dtype=dtype).dtype == dtype
    assert random.dropout(ops.ones((3,), dtype=dtype), 0.5).dtype == dtype


def test_int_seeds_repeat_and_generators_go_on():
    assert random.normal((3,), seed=5).tolist() == random.normal((3,), seed=5).tolist()
    a, b = random.SeedGenerator(5), random.SeedGenerator(5)
    first, second = random.normal((3,), seed=a).tolist(), random.normal((3,), seed=a).tolist()
    assert first != second
    assert [random.normal((3,), seed=b).tolist() for _ in range(2)] == [first, second]
    assert first == random.normal((3,), seed=5).tolist()
    assert a.state.numpy().tolist() == [5, 2] and a.state.dtype == "uint32" and not a.state.trainable
    assert a.get_config() == {"seed": 5, "name": a.name}


def test_the_global_seed():
    seed_generator.set_global_seed(3)
    x = random.normal((3,)).tolist()
    assert random.normal((3,)).tolist() != x
    seed_generator.set_global_seed(3)
    assert random.normal((3,)).tolist() == x


def test_unordered_draws_follow_keras():
    g = random.SeedGenerator(10)
    assert g.next(ordered=False).tolist() == [10, 0]
    assert g.state.numpy().tolist() == [(10 + 1) * 5387 % 933199, 5387]


def test_old_states_stay_what_they_were():
    g = random.SeedGenerator(1)
    held = g.state.value
    g.next()
    assert held.tolist() == [1, 0] and g.state.numpy().tolist() == [1, 1]


def test_shape_inference_changes_no_state():
    g = random.SeedGenerator(1)
    x = random.dropout(KerasTensor((None, 4)), 0.5, seed=g)
    assert x.shape == (None, 4) and g.state.numpy().tolist() == [1, 0]
    with state.shape_only_scope():
        assert random.normal((2, 3), seed=g).shape == (2, 3)
    assert g.state.numpy().tolist() == [1, 0]


def test_stateless_scope_collects_the_new_state():
    g = random.SeedGenerator(1)
    with keras.StatelessScope() as scope:
        assert g.next().tolist() == [1, 0]
        assert g.next().tolist() == [1, 1]
    assert g.state.numpy().tolist() == [1, 0] and np.asarray(scope.get_current_value(g.state)).tolist() == [1, 2]


def test_dropout():
    x = ops.ones((1000, 100))
    y = np.asarray(random.dropout(x, 0.25, seed=1))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)} and abs((y == 0).mean() - 0.25) < 0.01
    rows = np.asarray(random.dropout(x, 0.25, noise_shape=(None, 1), seed=1))
    assert ((rows == rows[:, :1]).all()) and 0.2 < (rows == 0).mean() < 0.3
    assert random.dropout(x, 0.0) is x and float(ops.sum(random.dropout(x, 1.0))) == 0
    gradient = keras.grad(lambda x: ops.sum(random.dropout(x, 0.25, seed=1)))(x)
    assert np.asarray(gradient).tolist() == y.tolist()
    with pytest.raises(ValueError, match="rate"):
        random.dropout(x, 1.5)


def test_shuffle():
    x = np.arange(20).reshape(10, 2)
    y = np.asarray(random.shuffle(x, seed=2))
    assert sorted(y[:, 0].tolist()) == x[:, 0].tolist() and (y[:, 1] - y[:, 0] == 1).all() and not (x == y).all()
    assert random.shuffle(x, axis=1, seed=2).shape == (10, 2)


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: random.uniform((2,), dtype="int32"), "floating point"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "integer"),
        (lambda: random.normal((None, 2)), "shape"),
        (lambda: random.categorical(np.ones(3), 1), "logits"),
        (lambda: random.normal((2,), seed="a"), "seed"),
        (lambda: random.SeedGenerator("a"), "integer"),
        (lambda: random.gamma((2,), np.ones(3)), "broadcast"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
