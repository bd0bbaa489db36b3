"""NumPy's functions take tensors and variables, and operations take NumPy's numbers."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops

X = np.arange(12.0, dtype="float32").reshape(3, 4)

FUNCTIONS = [
    np.mean,
    np.sum,
    np.std,
    np.prod,
    np.max,
    np.argmax,
    np.sort,
    np.ravel,
    np.median,
    np.round,
    np.cumsum,
    np.transpose,
    np.exp,
    np.shape,
    np.ndim,
    np.size,
    np.linalg.norm,
    np.unique,
    lambda t: np.sum(t, axis=0, dtype="float64"),
    lambda t: np.mean(t, axis=(0, 1), keepdims=True),
    lambda t: np.concatenate([t, t], axis=1),
    lambda t: np.stack((t, X)),
    lambda t: np.where(t > 3, t, 0),
    lambda t: np.einsum("ij,kj->ik", t, t),
    lambda t: np.percentile(t, 30, axis=1),
    lambda t: np.isclose(t, X),
]


@pytest.mark.parametrize("make", [ops.convert_to_tensor, keras.Variable])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_same_as_of_an_array(make, function):
    got, expected = function(make(X)), function(X)
    np.testing.assert_array_equal(got, expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype


def test_arithmetic_with_arrays_stays_ours():
    assert isinstance(X + ops.convert_to_tensor(X), type(ops.ones(1)))
    assert isinstance(X * keras.Variable(X), type(ops.ones(1)))


def test_a_symbolic_tensor_says_that_it_has_no_value():
    with pytest.raises(ValueError, match="KerasTensor has no value"):
        np.mean(keras.KerasTensor((2, 3)))


def test_shapes_are_read_without_the_values():
    assert np.shape(ops.zeros((2, 3))) == (2, 3)


CALLS = {
    "axis": lambda i: (ops.softmax(X, axis=i(0)), ops.norm(X, axis=i(1)), ops.logsumexp(X, axis=i(0)), ops.flip(X, axis=i(1))),
    "sizes": lambda i: (ops.eye(i(3)), ops.ones((i(2), i(3))), ops.one_hot([0, 1], i(3)), ops.tri(i(3))),
    "order": lambda i: (ops.normalize(X, order=i(2)), ops.norm(X, ord=i(2), axis=i(0)), ops.diff(X, n=i(1))),
    "splits": lambda i: (*ops.split(X, i(2), axis=i(1)), *ops.array_split(X, i(2)), ops.repeat(X, i(2)), ops.tile(X, i(2))),
    "shapes": lambda i: (
        ops.reshape(X, (i(4), i(-1))),
        ops.pad(X, i(1)),
        ops.roll(X, i(1), i(0)),
        ops.transpose(X, (i(1), i(0))),
    ),
    "counts": lambda i: (ops.top_k(X, i(2))[0], ops.histogram(X[0], bins=i(3))[0], ops.bincount([0, 1], minlength=i(4))),
    "windows": lambda i: (ops.extract_sequences(X, i(2), i(1)), ops.stft(X, i(4), i(2), i(4))[0], ops.bartlett(i(4))),
    "images": lambda i: (
        ops.max_pool(X[None, :, :, None], i(2), i(1)),
        ops.conv(X[None, :, :, None], ops.ones((2, 2, 1, 1)), strides=i(1), dilation_rate=i(1)),
        ops.image.pad_images(X[None, :, :, None], i(1), i(1), i(1), i(1)),
        ops.image.resize(X[None, :, :, None], (i(6), i(8))),
    ),
    "products": lambda i: (ops.tensordot(X, X.T, axes=i(1)), ops.diag(X[0], i(1)), ops.trace(X, i(1)), ops.triu(X, i(1))),
}


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("name", CALLS)
def test_integers_of_numpy(name, kind):
    for got, expected in zip(CALLS[name](lambda n: kind(n) if n >= 0 else np.int64(n)), CALLS[name](int)):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype


def test_floats_and_bools_of_numpy():
    for f, b in ((np.float32, np.bool_), (np.float64, np.bool_)):
        for got, expected in (
            (ops.leaky_relu(X - 5, f(0.5)), ops.leaky_relu(X - 5, 0.5)),
            (ops.clip(X, f(1), f(3)), ops.clip(X, 1.0, 3.0)),
            (ops.sum(X, axis=0, keepdims=b(True)), ops.sum(X, axis=0, keepdims=True)),
            (ops.gelu(X, approximate=b(False)), ops.gelu(X, approximate=False)),
            (ops.one_hot(np.int64(1), np.int64(3)), ops.one_hot(1, 3)),
            (keras.layers.Dropout(f(0.5))(X, training=b(False)), X),
            (keras.layers.LayerNormalization(epsilon=f(0.25))(X), keras.layers.LayerNormalization(epsilon=0.25)(X)),
            (keras.regularizers.L2(f(0.5))(X), keras.regularizers.L2(0.5)(X)),
            (ops.elu(X - 5, f(0.5)), ops.elu(X - 5, 0.5)),
        ):
            np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_layers_take_integers_of_numpy():
    n = np.int64
    layers = keras.layers
    image = ops.ones((1, 4, 4, 2))
    assert layers.Dense(n(3))(X).shape == (3, 3)
    assert layers.Conv2D(n(3), n(2), strides=n(2))(image).shape == (1, 2, 2, 3)
    assert layers.Reshape((n(2), n(-1)))(X).shape == (3, 2, 2)
    assert layers.RepeatVector(n(2))(X).shape == (3, 2, 4)
    assert layers.UpSampling2D(n(2))(image).shape == (1, 8, 8, 2)
    assert layers.ZeroPadding2D(n(1))(image).shape == (1, 6, 6, 2)
    assert layers.Cropping2D(n(1))(image).shape == (1, 2, 2, 2)
    assert layers.BatchNormalization(axis=n(-1))(X).shape == (3, 4)
    assert layers.GroupNormalization(groups=n(2))(image).shape == image.shape
    assert layers.Permute((n(2), n(1)))(image[0]).shape == (4, 2, 4)
    assert layers.Embedding(n(5), n(3))(np.array([1, 2])).shape == (2, 3)
    assert layers.CategoryEncoding(num_tokens=n(4))(np.array([[1, 2]])).shape == (1, 4)
    assert layers.MaxPooling2D(n(2))(image).shape == (1, 2, 2, 2)
    assert layers.Softmax(axis=n(0))(X).shape == (3, 4)
    assert layers.Concatenate(axis=n(1))([X, X]).shape == (3, 8)
    assert layers.Dot(axes=n(1))([X, X]).shape == (3, 1)
