"""keras.backend of Keras 2: every function has the meaning that its documentation gave it."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.names import keras2_backend

K = keras.backend
X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]], "float32")
IMAGES = np.arange(2 * 3 * 4 * 2, dtype="float32").reshape(2, 3, 4, 2)


def soft(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


CASES = [
    ("abs", (X,), np.abs(X)),
    ("all", (X, 1), [True, True]),
    ("any", ([[0.0, 2.0], [0.0, 0.0]], 1), [True, False]),
    ("arange", (3,), [0, 1, 2]),
    ("arange", (2, 8, 3), [2, 5]),
    ("arange", (-2,), []),
    ("argmax", (X,), [2, 1]),
    ("argmin", (X,), [1, 2]),
    ("argmax", (X, 0), [0, 1, 0]),
    ("batch_dot", (X, X), (X * X).sum(1, keepdims=True)),
    ("batch_dot", (IMAGES[:, 0], IMAGES[:, 0], (2, 2)), np.einsum("bik,bjk->bij", IMAGES[:, 0], IMAGES[:, 0])),
    ("batch_dot", (IMAGES[:, 0], IMAGES[:, :2, 0]), np.einsum("bik,bkl->bil", IMAGES[:, 0], IMAGES[:, :2, 0])),
    ("batch_dot", (X[:, :2], IMAGES[:, :2, 0], 1), np.einsum("bk,bkl->bl", X[:, :2], IMAGES[:, :2, 0])),
    ("batch_flatten", (IMAGES,), IMAGES.reshape(2, -1)),
    ("batch_normalization", (X, [0.0] * 3, [3.0] * 3, [1.0] * 3, [2.0] * 3, -1, 1.0), X + 1),
    ("bias_add", (X, np.array([1.0, 2.0, 3.0], "float32")), X + [1, 2, 3]),
    ("bias_add", (IMAGES, np.arange(3.0, dtype="float32"), "channels_first"), IMAGES + np.arange(3.0)[:, None, None]),
    ("binary_crossentropy", ([1.0, 0.0], [0.25, 0.25]), -np.log([0.25, 0.75])),
    ("binary_focal_crossentropy", ([1.0, 0.0], [0.25, 0.25]), -np.log([0.25, 0.75]) * np.array([0.75, 0.25]) ** 2),
    ("cast", (X, "int32"), X.astype("int32")),
    ("cast_to_floatx", ([1, 2],), [1.0, 2.0]),
    ("categorical_crossentropy", ([[0.0, 1.0]], [[0.75, 0.25]]), [-np.log(0.25)]),
    ("categorical_focal_crossentropy", ([[0.0, 1.0]], [[0.75, 0.25]]), [-0.25 * 0.75**2 * np.log(0.25)]),
    ("clip", (X, -1.0, None), np.maximum(X, -1)),
    ("clip", (X, 2.0, 1.0), np.full_like(X, 2.0)),
    ("concatenate", ([X, X],), np.concatenate([X, X], -1)),
    ("constant", (3.0, None, (2,)), [3.0, 3.0]),
    ("conv1d", (IMAGES[:, 0], np.ones((2, 2, 1), "float32"), 1, "causal"), None),
    ("conv2d", (IMAGES, np.ones((3, 4, 2, 1), "float32")), IMAGES.sum((1, 2, 3)).reshape(2, 1, 1, 1)),
    ("conv3d", (IMAGES[..., None], np.ones((3, 4, 2, 1, 1), "float32")), IMAGES.sum((1, 2, 3)).reshape(2, 1, 1, 1, 1)),
    ("cos", (X,), np.cos(X)),
    ("count_params", (X,), 6),
    ("cumprod", (X,), np.cumprod(X, 0)),
    ("cumsum", (X,), np.cumsum(X, 0)),
    ("depthwise_conv2d", (IMAGES, np.ones((3, 4, 2, 1), "float32")), IMAGES.sum((1, 2)).reshape(2, 1, 1, 2)),
    ("dot", (X, X.T), X @ X.T),
    ("dot", (X, IMAGES[0, :, :, :1].reshape(1, 3, 4)), np.dot(X, IMAGES[0, :, :, :1].reshape(1, 3, 4))),
    ("dropout", (X, 0.0), X),
    ("elu", (X, 2.0), np.where(X > 0, X, 2 * np.expm1(X))),
    ("equal", (X, X), np.ones_like(X, bool)),
    ("eval", (X,), X),
    ("exp", (X,), np.exp(X)),
    ("expand_dims", (X,), X[..., None]),
    ("eye", (2,), np.eye(2)),
    ("flatten", (X,), X.ravel()),
    ("foldl", (lambda a, b: a - b, [10.0, 1.0, 2.0]), 7.0),
    ("foldr", (lambda a, b: a - b, [10.0, 1.0, 2.0]), -9.0),
    ("foldl", (lambda a, b: a - b, [1.0, 2.0], 0.0), -3.0),
    ("gather", (X, [1, 0, 1]), X[[1, 0, 1]]),
    ("get_value", (X,), X),
    ("greater", (X, 0.0), X > 0),
    ("greater_equal", (X, 4.0), X >= 4),
    ("hard_sigmoid", (X,), np.clip(0.2 * X + 0.5, 0, 1)),
    ("in_top_k", (X, [1, 0], 2), [False, True]),
    ("l2_normalize", (X, 1), X / np.linalg.norm(X, axis=1, keepdims=True)),
    ("l2_normalize", (np.zeros((1, 2), "float32"), 1), [[0.0, 0.0]]),
    ("less", (X, 0.0), X < 0),
    ("less_equal", (X, -2.0), X <= -2),
    ("log", (np.abs(X),), np.log(np.abs(X))),
    ("map_fn", (lambda row: row * 2, X), 2 * X),
    ("max", (X, 0), X.max(0)),
    ("maximum", (X, 0.0), np.maximum(X, 0)),
    ("mean", ([True, False, True, True],), 0.75),
    ("mean", ([1, 2],), 1.5),
    ("min", (X,), -2.0),
    ("minimum", (X, 0.0), np.minimum(X, 0)),
    ("not_equal", (X, 4.0), X != 4),
    ("one_hot", ([1, 0], 2), [[0.0, 1.0], [1.0, 0.0]]),
    ("ones", ((2, 1),), [[1.0], [1.0]]),
    ("ones_like", (X,), np.ones_like(X)),
    ("permute_dimensions", (IMAGES, (0, 3, 1, 2)), IMAGES.transpose(0, 3, 1, 2)),
    ("pool2d", (IMAGES, (3, 4)), IMAGES.max((1, 2), keepdims=True)),
    (
        "pool2d",
        (IMAGES, (3, 3), (1, 1), "valid", None, "avg"),
        np.stack([IMAGES[:, :, k : k + 3].mean((1, 2)) for k in range(2)], 1)[:, None],
    ),
    ("pool3d", (IMAGES[..., None], (3, 4, 2)), IMAGES.max((1, 2, 3)).reshape(2, 1, 1, 1, 1)),
    ("pow", (X, 2), X**2),
    ("prod", (X, 1), X.prod(1)),
    ("relu", (X, 0.1, 2.0), np.where(X > 0, np.minimum(X, 2), 0.1 * X)),
    ("repeat", (X, 2), np.stack([X, X], 1)),
    ("repeat_elements", (X, 2, 0), np.repeat(X, 2, 0)),
    ("reshape", (X, (3, 2)), X.reshape(3, 2)),
    ("resize_images", (IMAGES, 2, 3, "channels_last"), IMAGES.repeat(2, 1).repeat(3, 2)),
    ("resize_volumes", (IMAGES[..., None], 2, 1, 3, "channels_last"), IMAGES[..., None].repeat(2, 1).repeat(3, 3)),
    ("reverse", (X, 1), X[:, ::-1]),
    ("round", (X,), np.round(X)),
    (
        "separable_conv2d",
        (IMAGES, np.ones((3, 4, 2, 1), "float32"), np.ones((1, 1, 2, 1), "float32")),
        IMAGES.sum((1, 2, 3)).reshape(2, 1, 1, 1),
    ),
    ("sigmoid", (X,), 1 / (1 + np.exp(-X))),
    ("sign", (X,), np.sign(X)),
    ("sin", (X,), np.sin(X)),
    ("softmax", (X,), soft(X)),
    ("softplus", (X,), np.log1p(np.exp(X))),
    ("softsign", (X,), X / (1 + np.abs(X))),
    ("sparse_categorical_crossentropy", ([1, 0], [[0.75, 0.25], [0.5, 0.5]]), -np.log([0.25, 0.5])),
    ("sparse_categorical_crossentropy", ([1, -1], [[0.75, 0.25], [0.5, 0.5]], False, -1, -1), [-np.log(0.25), 0.0]),
    ("spatial_2d_padding", (IMAGES, ((1, 0), (2, 1))), np.pad(IMAGES, ((0, 0), (1, 0), (2, 1), (0, 0)))),
    ("spatial_3d_padding", (IMAGES[..., None],), np.pad(IMAGES[..., None], ((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))),
    ("sqrt", ([4.0, -1.0],), [2.0, 0.0]),
    ("square", (X,), X * X),
    ("squeeze", (X[:, None], 1), X),
    ("stack", ([X, X],), np.stack([X, X])),
    ("std", (X, 1), X.std(1)),
    ("stop_gradient", (X,), X),
    ("sum", (X, 1, True), X.sum(1, keepdims=True)),
    ("switch", (np.array([True, False]), X, -X), np.stack([X[0], -X[1]])),
    ("switch", (np.array(False), lambda: X, lambda: -X), -X),
    ("tanh", (X,), np.tanh(X)),
    ("temporal_padding", (IMAGES[:, 0], (2, 0)), np.pad(IMAGES[:, 0], ((0, 0), (2, 0), (0, 0)))),
    ("tile", (X, 2), np.tile(X, (2, 1))),
    ("tile", (X, (1, 2)), np.tile(X, (1, 2))),
    ("to_dense", (X,), X),
    ("transpose", (X,), X.T),
    ("var", (X, 0), X.var(0)),
    ("variable", (X,), X),
    ("zeros", ((2,),), [0.0, 0.0]),
    ("zeros_like", (X,), np.zeros_like(X)),
]


@pytest.mark.parametrize("name, args, expected", CASES, ids=[f"{k}-{c[0]}" for k, c in enumerate(CASES)])
def test_value(name, args, expected):
    got = np.asarray(getattr(K, name)(*args))
    if name == "conv1d":  # step t sees t - 1 and t
        sums = IMAGES[:, 0].sum(-1)
        expected = (sums + np.pad(sums, ((0, 0), (1, 0)))[:, :-1])[..., None]
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-6)


def test_variables_are_made_read_and_set():
    a, b = K.variable([1.0, 2.0], name="a"), K.zeros((2,))
    assert a.name == "a" and K.int_shape(a) == (2,) and K.ndim(a) == 1 and K.dtype(a) == "float32"
    K.set_value(b, [5.0, 6.0])
    K.batch_set_value([(a, [3.0, 4.0])])
    assert [v.tolist() for v in K.batch_get_value([a, b])] == [[3.0, 4.0], [5.0, 6.0]]
    K.update_add(a, [1.0, 1.0])
    K.update_sub(b, [1.0, 1.0])
    K.moving_average_update(a, [0.0, 0.0], 0.5)
    assert K.get_value(a).tolist() == [2.0, 2.5] and K.get_value(K.update(b, [0.0, 1.0])).tolist() == [0.0, 1.0]
    with pytest.raises(TypeError, match="sets variables. Received: ndarray"):
        K.set_value(X, 1.0)
    assert float(K.gather(K.variable([7.0, 8.0]), 1)) == 8.0
    with pytest.raises(ValueError, match="is symbolic and has no values"):
        K.get_value(keras.Input((2,)))


def test_a_function_of_the_layers_of_a_model():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    layers = K.function([model.input], [layer.output for layer in model.layers])
    hidden, kept, out = layers([X])
    assert isinstance(hidden, np.ndarray) and np.array_equal(hidden, kept)
    np.testing.assert_allclose(out, model.predict(X, verbose=0), rtol=1e-6)
    assert isinstance(K.function(model.input, model.output)(X), np.ndarray)
    with pytest.raises(ValueError, match="there are 1 inputs, 2 arrays were given"):
        layers([X, 0])
    with pytest.raises(ValueError, match="must be symbolic.*'int'"):
        K.function([model.input, 0], [model.output])


def test_functions_build_functional_models():
    inputs = keras.Input((4, 6))
    other = K.mean(K.batch_dot(inputs, K.permute_dimensions(inputs, (0, 2, 1))), axis=-1)
    model = keras.Model(inputs, K.softmax(K.l2_normalize(other, axis=-1)))
    assert model.output.shape == (None, 4)
    assert model.predict(np.ones((2, 4, 6)), verbose=0).shape == (2, 4)


def test_a_custom_loss_of_keras_2_trains():
    def dice(y_true, y_pred, smooth=1.0):
        y_true, y_pred = K.flatten(K.cast(y_true, "float32")), K.flatten(y_pred)
        both = K.sum(y_true * y_pred)
        return 1.0 - (2.0 * both + smooth) / (K.sum(y_true) + K.sum(y_pred) + smooth)

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.1), loss=dice)
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    losses = model.fit(x, x[:, :1] > 0, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.75 * losses[0]


def test_ctc_sums_over_alignments_and_decodes_them():
    p = soft(np.random.default_rng(0).normal(size=(1, 3, 3))).astype("float32")
    a, b, blank = p[0, :, 0], p[0, :, 1], p[0, :, 2]
    total = a[0] * b[1] * b[2] + a[0] * a[1] * b[2] + a[0] * b[1] * blank[2] + a[0] * blank[1] * b[2] + blank[0] * a[1] * b[2]
    cost = K.ctc_batch_cost(np.array([[0, 1]]), p, np.array([[3]]), np.array([[2]]))
    assert cost.shape == (1, 1)
    np.testing.assert_allclose(cost, [[-np.log(total)]], rtol=1e-5)
    sure = np.full((1, 4, 3), 0.05, "float32")
    for t, k in enumerate((0, 0, 2, 0)):
        sure[0, t, k] = 0.9
    for greedy in (True, False):
        paths, scores = K.ctc_decode(sure, [4], greedy=greedy)
        assert len(paths) == 1 and np.asarray(paths[0]).tolist() == [[0, 0, -1, -1]] and scores.shape == (1, 1)
    np.testing.assert_allclose(K.ctc_decode(sure, [4])[1], [[-4 * np.log(0.9)]], rtol=1e-4)


def test_random_numbers():
    keras.utils.set_random_seed(3)
    assert 0.2 < float(K.mean(K.random_bernoulli((2000,), 0.3))) < 0.4
    assert float(K.max(K.random_uniform((50,), 2.0, 3.0))) < 3.0 and K.random_normal((2, 3)).shape == (2, 3)
    assert float(K.max(K.abs(K.truncated_normal((500,))))) <= 2.0
    assert K.int_shape(K.random_uniform_variable((2, 3), 0.0, 1.0)) == K.int_shape(K.random_normal_variable((2, 3), 0.0, 1.0))


def test_a_transposed_convolution_has_the_size_that_is_asked_for():
    x, w = IMAGES, np.random.default_rng(0).normal(size=(3, 3, 1, 2)).astype("float32")
    same = K.conv2d_transpose(x, w, (2, 6, 8, 1), (2, 2), "same")
    np.testing.assert_allclose(same, keras.ops.conv_transpose(x, w, 2, "same"))
    assert K.conv2d_transpose(x, w, (2, 5, 7, 1), (2, 2), "same").shape == (2, 5, 7, 1)


@pytest.mark.parametrize("name", sorted(keras2_backend.MISSING))
def test_what_has_no_meaning_says_what_to_use(name):
    with pytest.raises(NotImplementedError, match=f"keras.backend.{name} is not available in kerasgpu: (\\w+ ?){{2}}"):
        getattr(K, name)


def test_every_name_is_there():
    lacking = [n for n in keras2_backend.names() if not callable(getattr(K, n))]
    assert not lacking
    with pytest.raises(AttributeError, match="Did you mean 'batch_dot'"):
        K.bach_dot  # noqa: B018
    with pytest.raises(ValueError, match="first dimension is the batch"):
        K.batch_dot(X, X, axes=0)


@pytest.mark.parametrize(
    "name", ["fit_generator", "evaluate_generator", "predict_generator", "predict_classes", "predict_proba"]
)
def test_methods_of_keras_2_name_their_successor(name):
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}'. Since Keras 3 .*model.(fit|evaluate|predict)\("):
        getattr(keras.Sequential(), name)
