"""image_, text_ and audio_dataset_from_directory: files, labels, splits, decoding, and sentences about what is wrong."""

import wave

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.utils.audio_dataset import read_wav
from kerasgpu.utils.picture_files import METHODS, load_picture, resized

Image = pytest.importorskip("PIL.Image")


def picture(path, color, size=(6, 8)):
    Image.new("RGB", (size[1], size[0]), color).save(path)


@pytest.fixture
def pets(tmp_path):
    """4 cats (red 0 to 3), 3 dogs (green 0 to 2), one of them deeper down, and files that are not pictures."""
    for name, count in (("dog", 3), ("cat", 4)):
        (tmp_path / name).mkdir()
        for k in range(count):
            picture(tmp_path / name / f"{k}.png", (k, 0, 100) if name == "cat" else (0, k, 200))
    (tmp_path / "dog" / "old").mkdir()
    (tmp_path / "dog" / "2.png").rename(tmp_path / "dog" / "old" / "2.png")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def load(folder, **options):
    return keras.utils.image_dataset_from_directory(folder, **{"image_size": (6, 8), "verbose": False, **options})


def test_files_and_labels(pets, capsys):
    ds = load(pets, shuffle=False, verbose=True)
    assert capsys.readouterr().out == "Found 7 files belonging to 2 classes.\n"
    assert ds.class_names == ["cat", "dog"]
    assert [p.removeprefix(str(pets)) for p in ds.file_paths] == [
        *(f"/cat/{k}.png" for k in range(4)),
        "/dog/0.png",
        "/dog/1.png",
        "/dog/old/2.png",
    ]
    ((images, labels),) = ds
    assert images.shape == (7, 6, 8, 3) and images.dtype == "float32" and labels.dtype == "int32"
    assert labels.numpy().tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert images.numpy()[:, 0, 0].tolist() == [
        [0, 0, 100],
        [1, 0, 100],
        [2, 0, 100],
        [3, 0, 100],
        [0, 0, 200],
        [0, 1, 200],
        [0, 2, 200],
    ]
    assert ds.element_spec[0].shape == (None, 6, 8, 3) and len(ds) == 1


def test_label_modes(pets):
    assert next(iter(load(pets, label_mode="binary", shuffle=False)))[1].numpy().tolist() == [[0.0]] * 4 + [[1.0]] * 3
    one_hot = next(iter(load(pets, label_mode="categorical", shuffle=False)))[1]
    assert one_hot.dtype == "float32" and one_hot.numpy()[-1].tolist() == [0.0, 1.0]
    assert next(iter(load(pets, label_mode=None))).shape == (7, 6, 8, 3)
    none = load(pets, labels=None)
    assert none.class_names is None and next(iter(none)).shape == (7, 6, 8, 3)
    ours = load(pets, labels=[3, 1, 1, 1, 1, 1, 3], shuffle=False)
    assert ours.class_names == ["1", "3"] and next(iter(ours))[1].numpy().tolist() == [3, 1, 1, 1, 1, 1, 3]
    turned = load(pets, class_names=["dog", "cat"], shuffle=False)
    assert turned.class_names == ["dog", "cat"] and next(iter(turned))[1].numpy().tolist() == [0, 0, 0, 1, 1, 1, 1]
    alone = load(pets, batch_size=None)
    assert len(alone) == 7 and next(iter(alone))[0].shape == (6, 8, 3)


def test_split_and_order_are_those_of_keras(pets):
    """Keras draws the order of all files with NumPy's RandomState(seed) and takes the last ones for validation."""
    paths = sorted(load(pets, shuffle=False).file_paths)
    np.random.RandomState(7).shuffle(paths)
    training, validation = load(pets, seed=7, validation_split=0.3, subset="both")
    assert training.file_paths + validation.file_paths == paths and len(validation.file_paths) == 2
    assert load(pets, seed=7, validation_split=0.3, subset="validation").file_paths == validation.file_paths
    assert load(pets, seed=7, validation_split=0.3, subset="training").file_paths == training.file_paths
    for ds in (training, validation):
        for image, label in ds.unbatch():
            assert (float(image[0, 0, 2]) == 200) == int(label)


def test_passes_are_shuffled_anew_and_repeatable(pets):
    order = lambda ds: [x.numpy()[0, 0].tolist() for x, _ in ds.unbatch()]
    ds, again = load(pets, seed=1), load(pets, seed=1)
    passes = [order(ds) for _ in range(4)]
    assert passes == [order(again) for _ in range(4)] and len({str(p) for p in passes}) > 1


def test_colors_and_layouts(pets):
    assert next(iter(load(pets, color_mode="grayscale")))[0].shape == (7, 6, 8, 1)
    rgba = next(iter(load(pets, color_mode="rgba")))[0]
    assert rgba.shape == (7, 6, 8, 4) and rgba.numpy()[..., 3].min() == 255
    first = next(iter(load(pets, data_format="channels_first", image_size=5)))[0]
    assert first.shape == (7, 3, 5, 5)


def test_sixteen_bit_gray_and_palettes(tmp_path):
    Image.fromarray(np.full((2, 2), 0x8000, "uint16")).save(tmp_path / "deep.png")
    assert load_picture(tmp_path / "deep.png", (2, 2))[0, 0].tolist() == [128] * 3
    Image.new("RGB", (2, 2), (9, 8, 7)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "few.gif")
    assert load_picture(tmp_path / "few.gif", (2, 2))[0, 0].tolist() == [9, 8, 7]


def test_proportions(tmp_path):
    x = np.zeros((4, 8, 3), "uint8")
    x[:, :2], x[:, 6:] = 50, 150
    Image.fromarray(x).save(tmp_path / "wide.png")
    cut = load_picture(tmp_path / "wide.png", (2, 2), crop=True)
    assert cut.max() == 0
    padded = load_picture(tmp_path / "wide.png", (8, 8), pad=True)
    assert padded[:2].max() == 0 and padded[6:].max() == 0 and padded[2:6].max() == 150


@pytest.mark.parametrize("method", METHODS)
def test_resizing(method):
    """A constant stays constant, a ramp stays a ramp inside, and both directions agree with the matrices of ops.image.resize."""
    x = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype("uint8")
    for size in ((5, 7), (20, 12)):
        found = resized(x, size, method)
        assert found.dtype == "float32" and found.shape == (*size, 3)
        np.testing.assert_allclose(resized(np.full_like(x, 77), size, method), 77, rtol=1e-5)
        if method in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
            expected = keras.ops.image.resize(x.astype("float32"), size, interpolation=method).numpy()
            np.testing.assert_allclose(found, expected, atol=0.05)
    ramp = np.tile(np.arange(40, dtype="float32")[:, None, None], (1, 1, 1))
    np.testing.assert_allclose(np.diff(resized(ramp, (20, 1), method)[5:-5, 0, 0]), 2, atol=0.01)


def test_a_file_that_is_no_picture_is_named(pets):
    (pets / "dog" / "9.jpg").write_bytes(b"\xff\xd8 this is not a JPEG")
    with pytest.raises(ValueError, match=r"dog/9.jpg cannot be read as a picture \(.*Remove the file"):
        list(load(pets))
    good = (pets / "cat" / "0.png").read_bytes()
    (pets / "dog" / "9.jpg").write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match="dog/9.jpg cannot be read"):
        list(load(pets))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"labels": "other"}, "`labels` argument should be"),
        ({"labels": [1, 2]}, "Expected the lengths of `labels` to match the number of files"),
        ({"labels": [0] * 7, "class_names": ["cat"]}, 'only pass `class_names` if `labels="inferred"`'),
        ({"labels": None, "class_names": ["cat"]}, "`class_names` cannot be specified"),
        ({"label_mode": "other"}, "`label_mode` argument must be"),
        ({"label_mode": "binary", "class_names": ["cat"]}, "there must be exactly 2"),
        ({"class_names": ["bird"]}, "`class_names` passed did not match"),
        ({"color_mode": "other"}, "`color_mode` must be one of"),
        ({"image_size": (1, 2, 3)}, "Invalid `image_size`"),
        ({"interpolation": "best"}, "`interpolation` should be one of"),
        ({"format": "other"}, "`format` should be"),
        ({"validation_split": 2, "subset": "training"}, "`validation_split` must be between 0 and 1"),
        ({"validation_split": 0.2, "subset": "other"}, '`subset` must be either "training"'),
        ({"validation_split": 0.0, "subset": "training"}, "`validation_split` must be set"),
        ({"validation_split": 0.2, "subset": "training"}, "must provide a `seed`"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "No validation images found"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
    ],
)
def test_mistakes(pets, options, message):
    with pytest.raises(ValueError, match=message):
        load(pets, **options)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match=r"No images found"):
        load(tmp_path)


def test_a_model_learns_from_a_folder(pets):
    keras.utils.set_random_seed(0)
    training, validation = load(pets, seed=1, validation_split=0.3, subset="both", label_mode="binary", batch_size=3)
    model = keras.Sequential(
        [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(training, epochs=20, validation_data=validation, verbose=0)
    assert history.history["val_accuracy"][-1] == 1.0
    assert model.predict(load(pets, labels=None), verbose=0).shape == (7, 1)


def test_text(tmp_path):
    for name, texts in (("a", ["first", "zweite Zeile ä"]), ("b", ["third"])):
        (tmp_path / name).mkdir()
        for k, text in enumerate(texts):
            (tmp_path / name / f"{k}.txt").write_text(text, encoding="utf-8")
    make = lambda **options: keras.utils.text_dataset_from_directory(tmp_path, verbose=False, **options)
    ((text, labels),) = make(shuffle=False)
    assert text.numpy().tolist() == ["first", "zweite Zeile ä", "third"] and labels.numpy().tolist() == [0, 0, 1]
    assert next(iter(make(shuffle=False, max_length=3)))[0].tolist() == ["fir", "zwe", "thi"]
    training, validation = make(seed=1, validation_split=0.4, subset="both")
    assert (len(training.file_paths), len(validation.file_paths), training.class_names) == (2, 1, ["a", "b"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="No text files found"):
        keras.utils.text_dataset_from_directory(tmp_path / "empty", verbose=False)


def write_wav(path, samples, width=2, rate=8000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)


def test_sound(tmp_path):
    for name, length in (("high", 6), ("low", 4)):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / "0.wav", np.full(length, 2**14, "<i2").tobytes())
    make = lambda **options: keras.utils.audio_dataset_from_directory(tmp_path, verbose=False, **options)
    ((sound, labels),) = make(shuffle=False)
    assert sound.shape == (2, 6, 1) and labels.numpy().tolist() == [0, 1]
    assert sound.numpy()[1, :, 0].tolist() == [0.5] * 4 + [0] * 2
    assert next(iter(make(output_sequence_length=5)))[0].shape == (2, 5, 1)
    assert next(iter(make(batch_size=None, shuffle=False, sampling_rate=16000)))[0].shape == (12, 1)
    for options, error, message in (
        ({"sampling_rate": 1.5}, ValueError, "integer value"),
        ({"sampling_rate": -1}, ValueError, "higher than 0"),
        ({"ragged": True, "output_sequence_length": 3}, ValueError, "Cannot set both"),
        ({"ragged": True}, NotImplementedError, "Ragged tensors"),
    ):
        with pytest.raises(error, match=message):
            make(**options)
    (tmp_path / "low" / "1.wav").write_bytes(b"RIFF nonsense")
    with pytest.raises(ValueError, match="low/1.wav cannot be read as a WAV file"):
        list(make())


def test_sample_widths_and_rates(tmp_path):
    path = str(tmp_path / "x.wav")
    for width, half in ((1, b"\xc0"), (2, b"\x00\x40"), (3, b"\x00\x00\x40"), (4, b"\x00\x00\x00\x40")):
        write_wav(path, half * 4, width, channels=2)
        np.testing.assert_array_equal(read_wav(path), np.full((2, 2), 0.5, "float32"))
    t = np.arange(800) / 8000
    write_wav(path, (np.sin(2 * np.pi * 200 * t) * 30000).astype("<i2").tobytes())
    for rate in (4000, 16000):
        new = read_wav(path, rate)[:, 0]
        expected = np.sin(2 * np.pi * 200 * np.arange(len(new)) / rate) * 30000 / 32768
        assert len(new) == rate // 10
        np.testing.assert_allclose(new, expected, atol=1e-3)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        keras.utils.image_dataset_from_directory(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="file' is a file"):
        keras.utils.text_dataset_from_directory(tmp_path / "file")
