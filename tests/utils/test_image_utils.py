"""load_img, img_to_array, array_to_img, save_img and smart_resize."""

import io
import sys
import warnings

import numpy as np
import pytest

import kerasgpu as keras

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="png")
    file.seek(0)
    return file


@pytest.fixture
def picture():
    return RNG.integers(0, 256, (12, 18, 3)).astype("uint8")


@pytest.mark.parametrize("kind", [str, bytes, lambda p: p, None])
def test_a_path_of_any_kind(kind, picture, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    source = png(picture) if kind is None else str(path).encode() if kind is bytes else kind(path)
    array = keras.utils.img_to_array(keras.utils.load_img(source))
    assert array.dtype == "float32"
    np.testing.assert_array_equal(array, picture)


def test_no_file_stays_open(picture, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        image = keras.utils.load_img(path)
        path.unlink()
        assert np.asarray(image).shape == (12, 18, 3)


@pytest.mark.parametrize("mode, channels", [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_color_modes(mode, channels, data_format, picture):
    image = keras.utils.load_img(png(picture), color_mode=mode)
    shape = keras.utils.img_to_array(image, data_format=data_format, dtype="uint8").shape
    assert shape == ((12, 18, channels) if data_format == "channels_last" else (channels, 12, 18))


def test_gray_images_keep_sixteen_bits():
    wide = RNG.integers(0, 65536, (5, 6)).astype("uint16")
    image = keras.utils.load_img(png(wide), color_mode="grayscale")
    np.testing.assert_array_equal(keras.utils.img_to_array(image)[..., 0], wide)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_target_size(interpolation, picture):
    image = keras.utils.load_img(png(picture), target_size=(6, 9), interpolation=interpolation)
    expected = Image.fromarray(picture).resize((9, 6), getattr(Image.Resampling, interpolation.upper()))
    np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))


def test_aspect_ratio_is_kept():
    array = np.zeros((10, 30, 3), "uint8")
    array[:, 10:20] = 255  # exactly the middle third
    image = keras.utils.load_img(png(array), target_size=(5, 5), keep_aspect_ratio=True)
    assert image.size == (5, 5) and np.asarray(image).min() == 255


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_round_trip(channels, data_format, tmp_path):
    x = RNG.integers(0, 256, (4, 5, channels)).astype("float32")
    if data_format == "channels_first":
        x = x.transpose(2, 0, 1)
    path = tmp_path / "x.png"
    keras.utils.save_img(path, x, data_format=data_format, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    back = keras.utils.img_to_array(keras.utils.load_img(path, color_mode=mode), data_format=data_format)
    np.testing.assert_array_equal(back, x)


def test_scaling():
    x = np.array([-1.0, 0.0, 1.0, 3.0]).reshape(2, 2, 1)
    np.testing.assert_array_equal(np.asarray(keras.utils.array_to_img(x)), [[0, 63], [127, 255]])
    assert keras.utils.array_to_img(np.zeros((2, 2, 3))).getextrema() == ((0, 0),) * 3
    assert keras.utils.array_to_img(np.full((2, 2, 1), 300.0), scale=False).mode == "I"
    assert keras.utils.array_to_img(keras.ops.ones((2, 2, 3))).mode == "RGB"


def test_transparent_jpeg_is_made_opaque(tmp_path):
    with pytest.warns(UserWarning, match="JPEG format does not support RGBA"):
        keras.utils.save_img(tmp_path / "x.jpg", np.ones((8, 8, 4)))
    assert keras.utils.load_img(tmp_path / "x.jpg").size == (8, 8)


def test_old_names():
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(keras.preprocessing.image, name) is getattr(keras.utils, name)


def test_smart_resize():
    x = RNG.random((2, 8, 16, 3)).astype("float32")
    cut = x[:, :, 4:12]
    np.testing.assert_array_equal(keras.preprocessing.image.smart_resize(x, (8, 8)), cut)
    first = keras.preprocessing.image.smart_resize(x.transpose(0, 3, 1, 2), (4, 4), data_format="channels_first")
    np.testing.assert_allclose(
        first.transpose(0, 2, 3, 1), keras.preprocessing.image.smart_resize(x, (4, 4)), rtol=1e-6, atol=1e-6
    )
    assert isinstance(keras.preprocessing.image.smart_resize(keras.ops.convert_to_tensor(x), (4, 4)), keras.Tensor)


def test_bad_arguments(picture):
    load = keras.utils.load_img
    with pytest.raises(TypeError, match="path should be path-like or io.BytesIO"):
        load(object())
    with pytest.raises(ValueError, match="color_mode must be"):
        load(png(picture), color_mode="hsv")
    with pytest.raises(ValueError, match="Invalid interpolation method"):
        load(png(picture), target_size=(2, 2), interpolation="cubic")
    with pytest.raises(ValueError, match="rank 3"):
        keras.utils.array_to_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="Unsupported channel number: 2"):
        keras.utils.array_to_img(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="data_format"):
        keras.utils.img_to_array(np.zeros((2, 2, 3)), data_format="channels")
    with pytest.raises(ValueError, match="Unsupported image shape"):
        keras.utils.img_to_array(np.zeros((2,)))
    with pytest.raises(TypeError, match="unexpected keyword"):
        keras.preprocessing.image.smart_resize(np.zeros((2, 2, 3)), (1, 1), mode="x")
    with pytest.raises(ValueError, match="tuple of 2 integers"):
        keras.preprocessing.image.smart_resize(np.zeros((2, 2, 3)), (1,))
    with pytest.raises(ValueError, match="incorrect rank"):
        keras.preprocessing.image.smart_resize(np.zeros((2, 2)), (1, 1))


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"`load_img` requires Pillow: pip install kerasgpu\[image\]"):
        keras.utils.load_img("x.png")


@pytest.mark.parametrize("data", [b"", b"not an image", png(np.zeros((64, 64, 3), "uint8")).getvalue()[:60]])
def test_a_damaged_file_is_named(tmp_path, data):
    path = tmp_path / "broken.png"
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"load_img: .*broken\.png.*cannot be read as an image"):
        keras.utils.load_img(path)
    with pytest.raises(OSError, match="load_img: the file cannot be read"):
        keras.utils.load_img(io.BytesIO(data))
