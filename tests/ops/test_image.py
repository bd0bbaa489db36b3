"""keras.ops.image: values where they are simple to say, gradients, and errors."""

import colorsys

import numpy as np
import pytest
from gradient_check import check_gradients

from kerasgpu import KerasTensor, ops

image = ops.image
RNG = np.random.default_rng(0)
X = RNG.random((2, 6, 8, 3))


def test_colour():
    hsv = np.asarray(image.rgb_to_hsv(X))
    wanted = np.array([colorsys.rgb_to_hsv(*p) for p in X.reshape(-1, 3)]).reshape(X.shape)
    np.testing.assert_allclose(hsv, wanted, atol=1e-9)
    np.testing.assert_allclose(image.hsv_to_rgb(hsv), X, atol=1e-9)
    first = X.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(image.rgb_to_hsv(first, "channels_first"), wanted.transpose(0, 3, 1, 2), atol=1e-9)
    gray = np.asarray(image.rgb_to_grayscale(X))
    np.testing.assert_allclose(gray[..., 0], X @ [0.2989, 0.587, 0.114])
    assert image.rgb_to_grayscale((X * 255).astype("uint8")).dtype == "uint8"
    check_gradients(image.hsv_to_rgb, X * 0.9 + 0.03)
    check_gradients(image.rgb_to_grayscale, X)


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
def test_resize(method):
    constant = np.full((6, 8, 2), 3.0)
    for size in ((3, 5), (11, 17)):
        for antialias in (False, True):
            np.testing.assert_allclose(image.resize(constant, size, method, antialias=antialias), 3.0, rtol=1e-6)
            check_gradients(lambda x: image.resize(x, size, method, antialias=antialias), X)  # noqa: B023
    ramp = np.arange(8.0).reshape(1, 8, 1) + np.zeros((4, 1, 1))
    if method == "bilinear":
        np.testing.assert_allclose(np.asarray(image.resize(ramp, (4, 16)))[0, 1:-1, 0], np.arange(0.25, 7, 0.5), rtol=1e-6)
    assert image.resize((X * 255).astype("uint8"), (3, 3), method).dtype == "uint8"
    assert image.resize(KerasTensor((None, None, None, 3)), (3, 3), method).shape == (None, 3, 3, 3)


def test_resize_keeps_the_aspect_ratio():
    ones = np.ones((4, 8, 1))
    padded = np.asarray(image.resize(ones, (4, 4), "nearest", pad_to_aspect_ratio=True, fill_value=7.0))[..., 0]
    assert padded[0].tolist() == [7.0] * 4 and padded[1].tolist() == [1.0] * 4
    assert image.resize(ones, (2, 2), crop_to_aspect_ratio=True).shape == (2, 2, 1)


def test_sampling():
    x = X[0, ..., 0]
    places = np.array([[0.0, 1.5, 5.0, -1.0], [0.0, 2.25, 7.0, 3.0]])
    found = np.asarray(image.map_coordinates(x, places, 1, fill_value=9.0))
    middle = 0.5 * (x[1, 2] * 0.75 + x[1, 3] * 0.25) + 0.5 * (x[2, 2] * 0.75 + x[2, 3] * 0.25)
    np.testing.assert_allclose(found, [x[0, 0], middle, x[5, 7], 9.0])
    line = np.arange(4.0)
    outside = np.array([[-2.0, -1.0, 4.0, 5.0]])
    wanted = {"nearest": [0, 0, 3, 3], "wrap": [2, 3, 0, 1], "mirror": [2, 1, 2, 1], "reflect": [1, 0, 3, 2]}
    for mode, values in wanted.items():
        assert image.map_coordinates(line, outside, 0, fill_mode=mode).tolist() == values
    check_gradients(lambda x, c: image.map_coordinates(x, c, 1, fill_mode="reflect"), x, places + 0.3)


def test_transforms():
    identity = np.array([1.0, 0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_allclose(image.affine_transform(X, identity), X)
    shifted = np.asarray(image.affine_transform(X, np.array([1.0, 0, 1, 0, 1, 2, 0, 0])))
    np.testing.assert_allclose(shifted[:, :4, :7], X[:, 2:, 1:])
    assert not shifted[:, 4:].any()
    corners = np.array([[0, 0], [0, 5], [7, 0], [7, 5]], "float32")
    np.testing.assert_allclose(image.perspective_transform(X, corners, corners), X, atol=1e-5)
    moved = np.asarray(image.perspective_transform(X, corners, corners + [2, 1]))
    np.testing.assert_allclose(moved[:, 1:, 2:], X[:, :-1, :-2], atol=1e-4)
    elastic = image.elastic_transform(X.astype("float32"), alpha=0.0, seed=1)
    np.testing.assert_allclose(elastic, X, atol=1e-6)
    assert image.elastic_transform(X.astype("float32"), seed=1).shape == X.shape
    check_gradients(lambda x: image.affine_transform(x, identity * 0.8), X)


def test_filters():
    blurred = np.asarray(image.gaussian_blur(np.ones((9, 9, 2)), (3, 5), (1.0, 2.0)))
    np.testing.assert_allclose(blurred[2:-2, 1:-1], 1.0)
    ramp = np.zeros((5, 5, 1)) + np.arange(5.0).reshape(1, 5, 1)
    edges = np.asarray(image.sobel_edges(ramp))
    assert edges.shape == (5, 5, 1, 2) and edges[2, 2, 0].tolist() == [0.0, 8.0]
    big = RNG.random((2, 12, 13, 3))
    np.testing.assert_allclose(image.ssim(big, big), [1.0, 1.0])
    assert 0 < float(image.ssim(big[0], np.clip(big[0] + 0.1, 0, 1))) < 1
    check_gradients(lambda a, b: image.ssim(a, b), big, RNG.random(big.shape), rtol=1e-4)
    check_gradients(lambda x: image.gaussian_blur(x), X)


def test_areas():
    patches = np.asarray(image.extract_patches(X, (2, 4)))
    assert patches.shape == (2, 3, 2, 24)
    np.testing.assert_array_equal(patches[0, 1, 1], X[0, 2:4, 4:8].ravel())
    assert image.extract_patches(X[0], 3, strides=1, padding="same").shape == (6, 8, 27)
    assert image.extract_patches_3d(np.ones((1, 4, 4, 4, 2)), 2).shape == (1, 2, 2, 2, 16)
    padded = np.asarray(image.pad_images(X, 1, 2, target_height=9, target_width=12))
    np.testing.assert_array_equal(padded[:, 1:7, 2:10], X)
    cropped = image.crop_images(X, 1, 2, target_height=3, target_width=4)
    np.testing.assert_array_equal(cropped, X[:, 1:4, 2:6])
    check_gradients(lambda x: image.extract_patches(x, 3, strides=2, padding="same"), X)


def test_scale_and_translate():
    x = np.arange(6.0).reshape(6, 1, 1)
    out = image.scale_and_translate(x, (6, 1, 1), [1.0], [2.0], (0,), "linear", antialias=False)
    assert np.asarray(out).ravel().tolist() == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
    check_gradients(
        lambda x: image.scale_and_translate(x, (2, 5, 9, 3), [0.7, 1.3], [0.5, -1.0], (1, 2), "cubic"), X, rtol=1e-4
    )


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: image.resize(X, (3, 3), "cubic"), "interpolation"),
        (lambda: image.resize(X, (0, 3)), "positive"),
        (lambda: image.resize(X[0, 0], (3, 3)), "rank"),
        (lambda: image.rgb_to_grayscale(X[..., :2]), "channel"),
        (lambda: image.rgb_to_hsv((X * 9).astype("int32")), "float dtype"),
        (lambda: image.affine_transform(X, np.ones(8), fill_mode="edge"), "fill_mode"),
        (lambda: image.map_coordinates(X, np.ones((2, 5)), 1), "First dim"),
        (lambda: image.perspective_transform(X, np.ones((3, 2)), np.ones((3, 2))), "start_points"),
        (lambda: image.pad_images(X, 1, 1), "exactly two"),
        (lambda: image.crop_images(X, 1, 1, target_height=9, target_width=2), "bottom_cropping"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
