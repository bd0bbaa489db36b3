"""keras.initializers: values, configs, and names."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import initializers

RANDOM = [
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
    initializers.GlorotNormal,
    initializers.GlorotUniform,
    initializers.HeNormal,
    initializers.HeUniform,
    initializers.LecunNormal,
    initializers.LecunUniform,
    initializers.Orthogonal,
]


@pytest.mark.parametrize("cls", RANDOM)
def test_seeds_and_configs(cls):
    made = cls(seed=3)
    x = made((6, 4)).numpy()
    assert (x == made((6, 4)).numpy()).all() and x.dtype == "float32"
    assert (x == cls.from_config(made.get_config())((6, 4)).numpy()).all()
    assert (x == made.clone()((6, 4)).numpy()).all()
    assert not (x == cls()((6, 4)).numpy()).all()
    generator = keras.random.SeedGenerator(3)
    moving = cls(seed=generator)
    assert not (moving((6, 4)).numpy() == moving((6, 4)).numpy()).all()
    assert made((6, 4), dtype="bfloat16").dtype == "bfloat16"
    with pytest.raises(ValueError, match="seed"):
        cls(seed="a")


@pytest.mark.parametrize("name,variance", [("glorot", 2 / 500), ("he", 2 / 200), ("lecun", 1 / 200)])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_variances(name, variance, kind):
    keras.utils.set_random_seed(1)
    x = initializers.get(f"{name}_{kind}")((200, 300)).numpy()
    assert abs(x.var() / variance - 1) < 0.03 and abs(x.mean()) < 0.01


def test_fans():
    scaling = initializers.VarianceScaling(seed=1)
    assert abs(scaling((5, 5, 20, 30)).numpy().var() * 500 - 1) < 0.05
    axes = initializers.VarianceScaling(seed=1, input_axes=[0], output_axes=[1, 2])
    assert abs(axes((50, 40, 30)).numpy().var() * 50 - 1) < 0.05
    assert scaling(()).shape == () and scaling((3,)).shape == (3,)


def test_orthogonal():
    for shape in ((6, 4), (4, 6), (2, 3, 4)):
        x = initializers.Orthogonal(gain=2.0, seed=1)(shape).numpy().reshape(-1, shape[-1])
        square = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
        np.testing.assert_allclose(square, 4 * np.eye(len(square)), atol=1e-5)
    with pytest.raises(ValueError, match="two-dimensional"):
        initializers.Orthogonal()((3,))


def test_constants():
    assert initializers.Zeros()((2,)).tolist() == [0, 0] and initializers.Ones()((2,), dtype="int32").tolist() == [1, 1]
    assert initializers.Constant(2.5)((2,)).tolist() == [2.5, 2.5]
    assert initializers.Identity(2.0)((2, 3)).tolist() == [[2, 0, 0], [0, 2, 0]]
    with pytest.raises(ValueError, match="2D"):
        initializers.Identity()((2,))
    for cls in (initializers.Constant, initializers.Identity, initializers.STFT, initializers.Zeros):
        assert type(cls.from_config(cls().get_config())) is cls


def test_stft_is_a_fourier_transform():
    x = np.random.default_rng(0).standard_normal(16)
    parts = [initializers.STFT(side, window=None)((16, 1, 9), dtype="float64").numpy()[:, 0] for side in ("real", "imag")]
    np.testing.assert_allclose(x @ parts[0] + 1j * (x @ parts[1]), np.fft.rfft(x), atol=1e-9)
    with pytest.raises(ValueError, match="side"):
        initializers.STFT("left")


def test_get():
    assert isinstance(initializers.get("he_normal"), initializers.HeNormal)
    assert isinstance(initializers.get("zeros"), initializers.Zeros) and isinstance(initializers.get("Ones"), initializers.Ones)
    assert initializers.get(None) is None and isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
    fixed = initializers.get(np.eye(2))
    assert fixed((2, 2)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="Expected `shape`"):
        fixed((3, 3))
    config = initializers.serialize(initializers.HeNormal(seed=2))
    assert config["class_name"] == "HeNormal" and config["module"] == "keras.initializers"
    assert initializers.deserialize(config).seed == 2
    with pytest.raises(ValueError, match="Could not interpret"):
        initializers.get("nothing_like_it")
    assert keras.Variable("ones", shape=(2,)).numpy().tolist() == [1, 1]
