"""First and second derivatives of keras.ops.nn."""

import numpy as np
import pytest
from gradient_check import check_gradients

from kerasgpu import ops
from kerasgpu.ops.primitives import activations, cross_entropy, moments
from kerasgpu.ops.primitives.matmul import product


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def apart(*shape):
    """Numbers of which no two are near each other, nor near 0 or a small integer."""
    n = int(np.prod(shape))
    return np.random.default_rng(1).permutation((np.arange(n) - n // 2) * 0.371 + 0.123).reshape(shape)


ACTIVATIONS = {
    "celu": lambda x: ops.celu(x, 0.7),
    "elu": lambda x: ops.elu(x, 0.7),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "gelu_tanh": ops.gelu,
    "glu": ops.glu,
    "hard_shrink": ops.hard_shrink,
    "hard_sigmoid": ops.hard_sigmoid,
    "hard_silu": ops.hard_silu,
    "hard_tanh": ops.hard_tanh,
    "leaky_relu": lambda x: ops.leaky_relu(x, 0.3),
    "log_sigmoid": ops.log_sigmoid,
    "relu": ops.relu,
    "relu6": ops.relu6,
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
    "soft_shrink": ops.soft_shrink,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "sparse_plus": ops.sparse_plus,
    "sparse_sigmoid": ops.sparse_sigmoid,
    "squareplus": ops.squareplus,
    "tanh_shrink": ops.tanh_shrink,
    "threshold": lambda x: ops.threshold(x, 0.5, -1.0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    check_gradients(ACTIVATIONS[name], apart(4, 6))


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), None])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, axis):
    check_gradients(lambda x: getattr(ops, name)(x, axis=axis), normal(3, 4, 5))


def test_sparsemax():
    check_gradients(ops.sparsemax, normal(4, 5))


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_products_of_every_orientation(a, b):
    check_gradients(lambda x, y: product(x, y, a, b, 0.5), normal(2, 3, 3), normal(2, 3, 3, seed=1))


@pytest.mark.parametrize(
    "shapes",
    [((4,), (4,)), ((4,), (4, 3)), ((2, 4), (4,)), ((5, 2, 4), (4, 3)), ((2, 4), (5, 4, 3)), ((5, 1, 2, 4), (3, 4, 2))],
)
def test_matmul(shapes):
    check_gradients(ops.matmul, normal(*shapes[0]), normal(*shapes[1], seed=1))


def test_crossentropies():
    target = np.random.default_rng(3).dirichlet(np.ones(4), 5)
    labels = np.array([0, 3, 1, 1, 2])
    check_gradients(lambda x: ops.categorical_crossentropy(target, ops.softmax(x)), normal(5, 4))
    check_gradients(lambda x, t: ops.categorical_crossentropy(t, x, from_logits=True), normal(5, 4), target)
    check_gradients(lambda x: ops.categorical_crossentropy(target, ops.exp(x)), normal(5, 4))
    check_gradients(lambda x: ops.sparse_categorical_crossentropy(labels, x, from_logits=True), normal(5, 4))
    check_gradients(lambda x: ops.sparse_categorical_crossentropy(labels, ops.sigmoid(x * 1.0) + 0.0), normal(5, 4))
    check_gradients(lambda x: ops.binary_crossentropy(target, ops.sigmoid(x)), normal(5, 4))
    check_gradients(lambda x, t: ops.binary_crossentropy(t, x, from_logits=True), normal(5, 4), target)
    check_gradients(lambda x: ops.binary_crossentropy(target, 0.2 + 0.5 * ops.sigmoid(x)), normal(5, 4))


def test_cross_entropy_gradients_are_primitives_with_gradients():
    labels = np.array([0, 3, 1, 1, 2])
    check_gradients(lambda g, p: cross_entropy.sparse_softmax_cross_entropy_grad(g, p, labels), normal(5), normal(5, 4))
    check_gradients(cross_entropy.softmax_cross_entropy_grad, normal(5), normal(5, 4), normal(5, 4, seed=2))
    check_gradients(activations.sigmoid_cross_entropy, normal(5), normal(5, seed=1))


def test_normalizations():
    x, gamma, beta = normal(3, 4, 5), normal(5, seed=1), normal(5, seed=2)
    check_gradients(lambda x: moments.mean_and_variance(x, (0, 2)), x)
    check_gradients(lambda x: ops.moments(x, (0, 1)), x)
    check_gradients(ops.layer_normalization, x, gamma, beta)
    check_gradients(lambda x: ops.layer_normalization(x, axis=(1, 2)), x)
    check_gradients(ops.rms_normalization, x, gamma)
    check_gradients(lambda x, m, v, o, s: ops.batch_normalization(x, m, v * v, -1, o, s), x, beta, gamma, gamma + 1, beta)
    check_gradients(ops.normalize, x)
    check_gradients(lambda x: ops.normalize(x, axis=(0, 2), order=2), x)
    check_gradients(lambda x: ops.normalize(x, axis=1, order=3), x)


def test_attention():
    q, k, v = normal(2, 3, 4, 5), normal(2, 6, 2, 5, seed=1), normal(2, 6, 2, 5, seed=2)
    mask = np.random.default_rng(0).random((2, 1, 3, 6)) > 0.3
    check_gradients(lambda q, k, v, b: ops.dot_product_attention(q, k, v, bias=b, mask=mask), q, k, v, normal(2, 4, 3, 6))
    check_gradients(lambda q: ops.dot_product_attention(q, q, q, is_causal=True, scale=0.3), q)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides,dilation", [(1, 1), (2, 1), (1, 2)])
def test_convolutions(padding, strides, dilation):
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    x = normal(2, 7, 6, 4)
    check_gradients(lambda x, k: ops.conv(x, k, **options), x, normal(3, 2, 4, 3, seed=1))
    check_gradients(lambda x, k: ops.conv(x, k, **options), x, normal(3, 2, 2, 6, seed=1))
    check_gradients(lambda x, k: ops.depthwise_conv(x, k, **options), x, normal(3, 2, 4, 2, seed=1))
    check_gradients(lambda x, k: ops.conv_transpose(x, k, **options), x, normal(3, 2, 3, 4, seed=1))
    check_gradients(lambda x, d, p: ops.separable_conv(x, d, p, **options), x, normal(2, 2, 4, 1), normal(1, 1, 4, 3))


def test_convolutions_in_other_dims():
    check_gradients(lambda x, k: ops.conv(x, k, 2, "same"), normal(2, 9, 4), normal(3, 2, 6, seed=1))
    check_gradients(lambda x, k: ops.conv(x, k, 1, "same"), normal(2, 4, 3, 5, 2), normal(2, 3, 2, 2, 3, seed=1))
    check_gradients(lambda x, k: ops.conv_transpose(x, k, 2, "same"), normal(2, 5, 4), normal(3, 3, 4, seed=1))
    check_gradients(lambda x, k: ops.conv_transpose(x, k, 3, "valid", (2, 1)), normal(2, 3, 4, 2), normal(2, 4, 3, 2, seed=1))
    check_gradients(lambda x, k: ops.conv(x, k, data_format="channels_first"), normal(2, 4, 6, 5), normal(3, 2, 2, 6, seed=1))


def test_pooling():
    x = apart(2, 7, 6, 2)
    for padding in ("valid", "same"):
        check_gradients(lambda x: ops.max_pool(x, (3, 2), 2, padding), x)  # noqa: B023
        check_gradients(lambda x: ops.average_pool(x, (3, 2), 2, padding), x)  # noqa: B023
    check_gradients(lambda x: ops.adaptive_average_pool(x, (3, 4)), x)
    check_gradients(lambda x: ops.adaptive_max_pool(x, (3, 4)), x)


def test_space():
    x = normal(2, 4, 6, 8)
    check_gradients(lambda x: ops.unfold(x, (3, 2), dilation=2, padding=1, stride=2), x)
    check_gradients(lambda x: ops.fold(x, (4, 5), (2, 2), padding=1), normal(2, 12, 30))
    check_gradients(lambda x: ops.depth_to_space(x, 2), x)
    check_gradients(lambda x: ops.space_to_depth(x, 2), x)
    check_gradients(lambda x, y: ops.psnr(x, y, 2.0), x, normal(2, 4, 6, 8, seed=1))


def test_ctc_loss():
    target = np.array([[1, 2, 2], [3, 1, 0]])
    lengths, steps = np.array([3, 2]), np.array([6, 5])
    check_gradients(lambda x: ops.ctc_loss(target, x, lengths, steps), normal(2, 6, 4), rtol=1e-4)
