"""ImageDataGenerator: random changes, statistics, folders, tables, and its place in fit."""

import collections

import numpy as np
import pytest

import kerasgpu as keras
from tests.data import fill_pictures

K = keras.preprocessing.image
PICTURE = np.random.default_rng(0).uniform(0, 255, (9, 7, 3)).astype("float32")


@pytest.mark.parametrize("mode", ["nearest", "reflect", "wrap", "constant"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize(
    "change", [{"theta": 33}, {"tx": 2.25, "ty": -3.5}, {"shear": 20}, {"zx": 1.7, "zy": 0.6}, {"theta": 70, "tx": 12, "zx": 2}]
)
def test_moves_are_those_of_scipy(mode, order, change):
    ndimage = pytest.importorskip("scipy.ndimage")
    t = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1, **change}
    angle, shear = np.deg2rad(t["theta"]), np.deg2rad(t["shear"])
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = linear @ [t["tx"], t["ty"]]
    linear = linear @ [[1, -np.sin(shear)], [0, np.cos(shear)]] @ np.diag([t["zx"], t["zy"]])
    middle = np.array([3.0, 4.0])  # x counts columns
    shift = middle + shift - linear @ middle
    swap = lambda m: m[::-1, ::-1] if m.ndim == 2 else m[::-1]
    expected = [
        ndimage.affine_transform(PICTURE[..., c].astype("float64"), swap(linear), swap(shift), order=order, mode=mode, cval=7)
        for c in range(3)
    ]
    got = K.apply_affine_transform(
        PICTURE, **change, row_axis=0, col_axis=1, channel_axis=2, fill_mode=mode, cval=7, order=order
    )
    close = np.isclose(got, np.stack(expected, -1), atol=2e-2)
    # Places that fall on a border to the last bit may go either way.
    assert got.dtype == np.float32 and close.mean() > 0.97


def test_flips_shifts_and_colours():
    made = K.ImageDataGenerator()
    assert np.array_equal(made.apply_transform(PICTURE, {"flip_horizontal": True}), PICTURE[:, ::-1])
    assert np.array_equal(made.apply_transform(PICTURE, {"flip_vertical": True}), PICTURE[::-1])
    assert np.array_equal(made.apply_transform(PICTURE, {"ty": 2})[:-2], PICTURE[2:])
    assert np.array_equal(made.apply_transform(PICTURE, {"tx": 2})[:, :-2], PICTURE[:, 2:])
    shifted = made.apply_transform(PICTURE, {"channel_shift_intensity": 30.0})
    assert np.array_equal(shifted, np.minimum(PICTURE + 30, PICTURE.max()))
    darker = made.apply_transform(PICTURE, {"brightness": 0.5})
    np.testing.assert_allclose(darker, PICTURE.astype("uint8") * 0.5, atol=1)
    first = K.ImageDataGenerator(data_format="channels_first")
    change = {"theta": 20, "tx": 1, "brightness": 0.7, "flip_horizontal": True}
    turned = first.apply_transform(PICTURE.transpose(2, 0, 1), change).transpose(1, 2, 0)
    np.testing.assert_allclose(turned, made.apply_transform(PICTURE, change), atol=1e-3)


def test_random_settings_stay_in_their_ranges():
    made = K.ImageDataGenerator(
        rotation_range=40, width_shift_range=0.2, height_shift_range=[2, 3], shear_range=5, zoom_range=0.1, horizontal_flip=True,
        brightness_range=(0.5, 1.5), channel_shift_range=9.0,
    )  # fmt: skip
    drawn = [made.get_random_transform((10, 20, 3), seed) for seed in range(60)]
    column = lambda key: np.array([d[key] for d in drawn])
    assert np.abs(column("theta")).max() <= 40 and np.abs(column("tx")).max() <= 4 and np.abs(column("shear")).max() <= 5
    assert set(np.abs(column("ty"))) == {2, 3} and column("zx").min() >= 0.9 and column("zy").max() <= 1.1
    assert 15 < column("flip_horizontal").sum() < 45 and not column("flip_vertical").any()
    assert 0.5 <= column("brightness").min() < column("brightness").max() <= 1.5 and drawn[3] == made.get_random_transform(
        (10, 20, 3), 3
    )
    assert K.ImageDataGenerator().get_random_transform((4, 4, 1))["brightness"] is None
    assert set(
        np.abs([K.ImageDataGenerator(width_shift_range=3).get_random_transform((9, 9, 1))["tx"] for _ in range(40)])
    ) == {0, 1, 2}


def test_statistics_of_the_data_and_of_each_image():
    x = np.random.default_rng(1).normal(5, 3, (40, 4, 4, 2)).astype("float32")
    made = K.ImageDataGenerator(featurewise_std_normalization=True)
    made.fit(x)
    out = next(made.flow(x, batch_size=40, shuffle=False))
    np.testing.assert_allclose(out.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std((0, 1, 2)), 1, atol=1e-4)
    each = next(K.ImageDataGenerator(samplewise_std_normalization=True).flow(x, batch_size=4))
    np.testing.assert_allclose(each.std((1, 2, 3)), 1, atol=1e-4)
    white = K.ImageDataGenerator(zca_whitening=True, zca_epsilon=1e-6)
    white.fit(x)
    flat = next(white.flow(x, batch_size=40, shuffle=False)).reshape(40, -1)
    np.testing.assert_allclose(flat.T @ flat / 40, np.eye(32), atol=2e-3)
    assert np.array_equal(x, x.copy()) and x.mean() > 4  # the data are as they were
    with pytest.warns(UserWarning, match="featurewise_center leaves the images as they are until fit"):
        next(K.ImageDataGenerator(featurewise_center=True).flow(x))
    changed = K.ImageDataGenerator(rescale=0.5, preprocessing_function=lambda image: image + 1)
    np.testing.assert_allclose(next(changed.flow(x, shuffle=False, batch_size=2)), (x[:2] + 1) / 2, rtol=1e-6)


def test_batches_epochs_seeds_and_parts(tmp_path):
    x, y = np.arange(10.0).reshape(10, 1, 1, 1) * np.ones((1, 2, 2, 1)), np.arange(10) % 2
    made = K.ImageDataGenerator(validation_split=0.3)
    flow = made.flow(x, np.arange(10), batch_size=4, seed=5)
    assert len(flow) == 3 and isinstance(flow, keras.utils.PyDataset)
    epochs = [np.concatenate([next(flow)[1] for _ in range(3)]) for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10)) and list(epochs[0]) != list(epochs[1])
    assert np.array_equal(next(made.flow(x, np.arange(10), batch_size=4, seed=5))[1], epochs[0][:4])
    assert next(made.flow(x, y, subset="validation", shuffle=False))[0][:, 0, 0, 0].tolist() == [0, 1, 2]
    assert next(made.flow(x, y, subset="training", shuffle=False))[0][:, 0, 0, 0].tolist() == [3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(ValueError, match="other classes"):
        made.flow(x, np.arange(10), subset="training")
    inputs, labels, weights = next(made.flow((x, np.arange(10)), y, sample_weight=np.ones(10), shuffle=False, batch_size=3))
    assert inputs[1].tolist() == [0, 1, 2] and labels.shape == weights.shape == (3,)
    next(made.flow(x, batch_size=2, save_to_dir=tmp_path, save_prefix="seen"))
    assert len(list(tmp_path.glob("seen_*.png"))) == 2
    with pytest.raises(ValueError, match="x has 10 samples and y has 9"):
        made.flow(x, y[:9])
    with pytest.raises(ValueError, match="`subset` must be"):
        made.flow(x, subset="test")
    with pytest.raises(ValueError, match="`fill_mode` must be one of"):
        K.ImageDataGenerator(fill_mode="mirror")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill_pictures(tmp_path_factory.mktemp("pictures"), ("cat", "dog"), 5)


def test_a_folder_of_classes(folder, capsys):
    made = K.ImageDataGenerator(rescale=1 / 255, validation_split=0.4)
    flow = made.flow_from_directory(folder, target_size=(8, 6), batch_size=4, seed=1)
    assert "Found 10 images belonging to 2 classes." in capsys.readouterr().out
    assert flow.class_indices == {"cat": 0, "dog": 1} and flow.samples == 10 and flow.num_classes == 2
    x, y = next(flow)
    assert x.shape == (4, 8, 6, 3) and x.max() <= 1 and y.shape == (4, 2) and np.all(y.sum(1) == 1)
    plain = made.flow_from_directory(folder, target_size=(8, 6), shuffle=False, class_mode="binary", color_mode="grayscale")
    assert plain[0][0].shape == (10, 8, 6, 1) and plain[0][1].tolist() == plain.labels.tolist() == [0] * 5 + [1] * 5
    part = made.flow_from_directory(folder, subset="validation", class_mode="sparse", shuffle=False, classes=["dog", "cat"])
    assert collections.Counter(part.classes.tolist()) == {0: 2, 1: 2} and part.filenames[0].startswith("dog")
    same = next(made.flow_from_directory(folder, target_size=(4, 4), class_mode="input"))
    assert np.array_equal(*same) and next(made.flow_from_directory(folder, class_mode=None, target_size=(4, 4))).ndim == 4
    with pytest.raises(ValueError, match="`class_mode` must be one of"):
        made.flow_from_directory(folder, class_mode="one_hot")


def test_a_table_of_files(folder):
    pandas = pytest.importorskip("pandas")
    names = sorted(str(p.relative_to(folder)) for p in folder.glob("*/*") if p.is_file())
    table = pandas.DataFrame({"filename": [*names, "nowhere.png"], "class": ["cat"] * 5 + ["dog"] * 6, "size": np.arange(11.0)})
    made = K.ImageDataGenerator(validation_split=0.2)
    with pytest.warns(UserWarning, match="leaves out 1 of 11 files.*nowhere.png"):
        flow = made.flow_from_dataframe(table, folder, target_size=(4, 4), shuffle=False, weight_col="size")
    x, y, weights = flow[0]
    assert x.shape == (10, 4, 4, 3) and y.argmax(1).tolist() == [0] * 5 + [1] * 5 and weights.tolist() == list(range(10))
    table = table[:-1]
    raw = made.flow_from_dataframe(
        table, folder, y_col="size", class_mode="raw", target_size=(4, 4), shuffle=False, subset="validation"
    )
    assert raw[0][1].tolist() == [0.0, 1.0]
    many = table.assign(other=table["size"] * 2)
    several = made.flow_from_dataframe(
        many, folder, y_col=["size", "other"], class_mode="multi_output", target_size=(4, 4), shuffle=False
    )
    assert [c.tolist()[-1] for c in several[0][1]] == [9.0, 18.0]
    tags = table.assign(**{"class": [["a"], ["a", "b"]] * 5})
    assert made.flow_from_dataframe(tags, folder, target_size=(4, 4), shuffle=False)[0][1][:2].tolist() == [[1, 0], [1, 1]]
    with pytest.raises(ValueError, match="class names as text.*Received: 0.0.*class_mode='raw'"):
        made.flow_from_dataframe(table, folder, y_col="size")
    with pytest.raises(ValueError, match="no column 'label'. There are: filename, class, size"):
        made.flow_from_dataframe(table, folder, y_col="label")


def test_fit_evaluate_and_predict_take_it(folder):
    keras.utils.set_random_seed(0)
    made = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255, rotation_range=5, validation_split=0.2)
    flows = [
        made.flow_from_directory(folder, (8, 8), class_mode="binary", batch_size=3, subset=s)
        for s in ("training", "validation")
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(flows[0], validation_data=flows[1], epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert model.predict(flows[1], verbose=0).shape == (2, 1) and len(model.evaluate(flows[1], verbose=0)) == 2
