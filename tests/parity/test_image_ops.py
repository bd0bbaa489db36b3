"""keras.ops.image against real Keras on JAX: values (with the kernels and with the differentiable forms) and gradients."""

import numpy as np
import oracle
import pytest

from kerasgpu import ops
from kerasgpu.engine.tape import value_and_grad

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

RNG = np.random.default_rng(0)
X = RNG.random((2, 9, 12, 3)).astype("float32")
MAPS = np.array([[0.9, 0.2, 0.5, -0.2, 0.9, 1.0, 0, 0], [1.2, 0, -2, 0.1, 1.1, -1, 0, 0]], "float32")
CORNERS = np.array([[[0, 0], [11, 0], [0, 8], [11, 8]]] * 2, "float32")
MOVED = CORNERS + RNG.uniform(-2, 2, CORNERS.shape).astype("float32")
PLACES = RNG.uniform(-3, 14, (3, 5, 4)).astype("float32")
MODES = ("constant", "nearest", "wrap", "mirror", "reflect")

CASES = {
    **{
        f"resize-{k}-{size}-{aa}": ("resize", (X, size), {"interpolation": k, "antialias": aa})
        for k in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        for size in ((5, 20), (18, 7))
        for aa in (False, True)
    },
    "resize-crop": ("resize", (X, (6, 6)), {"crop_to_aspect_ratio": True}),
    "resize-pad": ("resize", (X, (6, 6)), {"pad_to_aspect_ratio": True, "fill_value": 2.0}),
    "resize-uint8": ("resize", ((X * 255).astype("uint8"), (5, 7)), {}),
    "resize-one": ("resize", (X[0], (5, 7)), {}),
    "resize-first": ("resize", (X, (5, 7)), {"data_format": "channels_first"}),
    **{
        f"affine-{mode}-{k}": ("affine_transform", (X, MAPS), {"fill_mode": mode, "interpolation": k, "fill_value": 2})
        for mode in MODES
        for k in ("bilinear", "nearest")
    },
    "affine-one": ("affine_transform", (X[0], MAPS[0]), {}),
    "affine-first": ("affine_transform", (X.transpose(0, 3, 1, 2), MAPS), {"data_format": "channels_first"}),
    "perspective": ("perspective_transform", (X, CORNERS, MOVED), {"fill_value": 1.0}),
    "perspective-nearest": ("perspective_transform", (X, CORNERS, MOVED), {"interpolation": "nearest"}),
    "perspective-one": ("perspective_transform", (X[0], CORNERS[0], MOVED[0]), {}),
    **{f"places-{mode}-{o}": ("map_coordinates", (X[0], PLACES, o), {"fill_mode": mode}) for mode in MODES for o in (0, 1)},
    "blur": ("gaussian_blur", (X, (3, 5), (0.7, 1.2)), {"data_format": "channels_last"}),
    "gray": ("rgb_to_grayscale", (X,), {}),
    "to-hsv": ("rgb_to_hsv", (X,), {}),
    "from-hsv": ("hsv_to_rgb", (X,), {}),
    "crop": ("crop_images", (X,), {"top_cropping": 1, "left_cropping": 2, "target_height": 4, "target_width": 5}),
    "pad": ("pad_images", (X,), {"top_padding": 1, "left_padding": 2, "target_height": 14, "target_width": 15}),
    "patches": ("extract_patches", (X, (3, 4)), {"strides": 2, "padding": "same"}),
    "patches-dilated": ("extract_patches", (X, 2), {"strides": 1, "dilation_rate": 2}),
    "scale": (
        "scale_and_translate",
        (X, (2, 5, 8, 3), np.array([0.6, 0.7], "float32"), np.array([0.4, -0.8], "float32"), (1, 2), "linear"),
        {},
    ),
    "scale-cubic": (
        "scale_and_translate",
        (X, (2, 15, 8, 3), np.array([1.6, 0.7], "float32"), np.array([0.4, 0.8], "float32"), (1, 2), "cubic"),
        {"antialias": False},
    ),
}
SMOOTH = [k for k in CASES if "nearest-" not in k and "uint8" not in k and not k.endswith(("-nearest", "-0"))]


def run(module, name, args, more, x=None):
    args = args if x is None else (x, *args[1:])
    return getattr(module.image, name)(*args, **more)


@pytest.mark.parametrize("case", CASES)
def test_values(case):
    name, args, more = CASES[case]
    wanted = run(keras.ops, name, args, more)
    found = run(ops, name, args, more)
    assert found.dtype == keras.backend.standardize_dtype(wanted.dtype)
    # A place in the middle of two pixels may round either way.
    close = np.isclose(
        np.asarray(found, "float64"), np.asarray(wanted, "float64"), rtol=1e-4, atol=1e-4 if "uint8" not in case else 1.01
    )
    assert close.mean() > (0.99 if "nearest" in case or case.endswith("-0") else 0.999999), case


@pytest.mark.parametrize("case", SMOOTH)
def test_gradients(case):
    import jax

    name, args, more = CASES[case]
    weights = RNG.random(np.shape(run(keras.ops, name, args, more))).astype("float32")
    wanted = jax.grad(lambda x: (run(keras.ops, name, args, more, x) * weights).sum())(args[0])
    value, found = value_and_grad(lambda x: ops.sum(run(ops, name, args, more, x) * weights))(ops.convert_to_tensor(args[0]))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    plain = ops.sum(run(ops, name, args, more) * weights)
    np.testing.assert_allclose(float(value), float(plain), rtol=1e-4)
