"""What surrounds the networks of keras.applications."""

import importlib

import numpy as np
import pytest
from kerasgpu.applications import imagenet_utils

from kerasgpu import applications, ops

IMAGE = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype("uint8")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
WANTED = {
    "tf": IMAGE / 127.5 - 1,
    "torch": (IMAGE / 255 - MEAN) / STD,
    "caffe": IMAGE[..., ::-1] - np.array([103.939, 116.779, 123.68]),
}


@pytest.mark.parametrize("mode", WANTED)
@pytest.mark.parametrize("convert", [np.asarray, ops.convert_to_tensor])
def test_inputs(mode, convert):
    y = imagenet_utils.preprocess_input(convert(IMAGE), mode=mode)
    assert isinstance(y, np.ndarray) == (convert is np.asarray) and str(y.dtype) == "float32"
    np.testing.assert_allclose(y, WANTED[mode], rtol=1e-4, atol=1e-4)
    single = imagenet_utils.preprocess_input(convert(IMAGE[0].transpose(2, 0, 1)), "channels_first", mode)
    np.testing.assert_allclose(np.moveaxis(np.asarray(single), 0, -1), WANTED[mode][0], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="mode"):
        imagenet_utils.preprocess_input(IMAGE, mode="some")


def test_every_module_prepares_inputs():
    for name in applications.__all__:
        module = importlib.import_module(f"kerasgpu.applications.{name}")
        assert module.preprocess_input(IMAGE).shape == IMAGE.shape
        assert module.decode_predictions is imagenet_utils.decode_predictions


def test_class_names(monkeypatch):
    monkeypatch.setattr(imagenet_utils, "_classes", {str(k): [f"n{k}", f"name{k}"] for k in range(1000)})
    scores = np.zeros((1, 1000), "float32")
    scores[0, [7, 3]] = 0.75, 0.25
    assert imagenet_utils.decode_predictions(scores, top=2) == [[("n7", "name7", 0.75), ("n3", "name3", 0.25)]]
    with pytest.raises(ValueError, match="2D array of shape"):
        imagenet_utils.decode_predictions(scores[:, :10])
