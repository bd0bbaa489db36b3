"""Image layers: what holds for all of them, their distributions, seeds, data formats, dicts with boxes, threads, real pictures."""

import concurrent.futures

import numpy as np
import pytest
from layer_check import check_layer

import kerasgpu as keras
from kerasgpu import layers, ops
from tests.data import REAL

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((4, 10, 12, 3)) * 255).astype("float32")

SAME_SIZE = [
    ("AugMix", {"seed": 1}, 11),
    ("AutoContrast", {}, 0),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 3]}, 0),
    ("CutMix", {"seed": 1}, 1),
    ("Equalization", {}, 0),
    ("MixUp", {"seed": 1}, 1),
    ("RandAugment", {"seed": 1, "num_ops": 3}, 1),
    ("RandomBrightness", {"factor": 0.3, "seed": 1}, 1),
    ("RandomColorDegeneration", {"factor": 0.8, "seed": 1}, 1),
    ("RandomColorJitter", {"brightness_factor": 0.1, "contrast_factor": 0.2, "saturation_factor": 0.5, "hue_factor": 0.1}, 1),
    ("RandomContrast", {"factor": [0.2, 0.3], "seed": 1}, 1),
    ("RandomElasticTransform", {"seed": 1, "factor": [1.0, 1.0], "scale": 0.6}, 1),
    ("RandomErasing", {"seed": 1, "factor": [1.0, 1.0]}, 1),
    ("RandomFlip", {"seed": 1}, 1),
    ("RandomGaussianBlur", {"seed": 1, "factor": [1.0, 1.0]}, 1),
    ("RandomGrayscale", {"seed": 1}, 1),
    ("RandomHue", {"factor": 0.5, "seed": 1}, 1),
    ("RandomInvert", {"seed": 1}, 1),
    ("RandomPerspective", {"seed": 1, "scale": 0.3}, 1),
    ("RandomPosterization", {"factor": 4, "seed": 1}, 1),
    ("RandomRotation", {"factor": 0.2, "seed": 1}, 1),
    ("RandomSaturation", {"factor": [0.3, 0.7], "seed": 1}, 1),
    ("RandomSharpness", {"factor": [0.2, 0.9], "seed": 1}, 1),
    ("RandomShear", {"x_factor": 0.3, "y_factor": [0.1, 0.2], "seed": 1}, 1),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": [0.1, 0.2], "seed": 1}, 1),
    ("RandomZoom", {"height_factor": 0.3, "seed": 1}, 1),
    ("Solarization", {"addition_factor": 0.2, "threshold_factor": 0.4, "seed": 1}, 1),
]
OTHER_SIZE = [
    ("CenterCrop", {"height": 5, "width": 7}, 0),
    ("CenterCrop", {"height": 20, "width": 7}, 0),
    ("RandomCrop", {"height": 5, "width": 7, "seed": 1}, 1),
    ("Resizing", {"height": 5, "width": 7, "crop_to_aspect_ratio": True}, 0),
    ("Resizing", {"height": 21, "width": 7, "interpolation": "bicubic", "pad_to_aspect_ratio": True}, 0),
]
CASES = SAME_SIZE + OTHER_SIZE
NAMES = [f"{name}-{k}" for k, (name, _, _) in enumerate(CASES)]
GEOMETRY = {"RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear", "RandomPerspective", "RandomCrop"}
GEOMETRY |= {"CenterCrop", "Resizing"}


def make(name, arguments):
    return getattr(layers, name)(**arguments)


def first(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("name, arguments, seeds", CASES, ids=NAMES)
def test_every_layer(name, arguments, seeds):
    side = (arguments["height"], arguments["width"]) if "height" in arguments else IMAGES.shape[1:3]
    generators = 1 if seeds else 0
    layer, y = check_layer(getattr(layers, name), arguments, IMAGES, shape=(4, *side, 3), seeds=generators, masking=False)
    assert np.isfinite(np.asarray(y)).all()
    assert layer.compute_output_shape((None, 10, 12, 3)) == (None, *side, 3)
    # One image, integers, other dtypes, inference.
    assert layer(IMAGES[0]).shape == (*side, 3)
    assert layer(IMAGES.astype("uint8")).shape == (4, *side, 3)
    half = getattr(layers, name)(**arguments, dtype="mixed_bfloat16")
    assert half(IMAGES).dtype == "bfloat16"
    if name not in ("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization") and (name, arguments, seeds) in SAME_SIZE:
        np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    with pytest.raises(ValueError, match="rank 3"):
        layer(np.zeros((2, 2), "float32"))


@pytest.mark.parametrize("name, arguments, seeds", CASES, ids=NAMES)
def test_channels_first_is_the_same(name, arguments, seeds):
    if name in ("RandomErasing",):
        arguments = {**arguments, "fill_value": [1.0, 2.0, 3.0]}
    last, other = make(name, arguments), make(name, {**arguments, "data_format": "channels_first"})
    if name == "RandomColorJitter":
        last, other = (make(name, {**arguments, "seed": 3, "data_format": f}) for f in ("channels_last", "channels_first"))
    np.testing.assert_allclose(np.asarray(other(first(IMAGES))), first(np.asarray(last(IMAGES))), rtol=1e-4, atol=2e-2)


@pytest.mark.parametrize("name, arguments, seeds", [c for c in CASES if c[2]], ids=[n for n, c in zip(NAMES, CASES) if c[2]])
def test_seeds_and_capture(name, arguments, seeds):
    arguments = {**arguments, "seed": 5}
    one, two, captured = (make(name, arguments) for _ in range(3))
    found = [np.asarray(one(IMAGES)) for _ in range(4)]
    for y in found:
        np.testing.assert_array_equal(y, two(IMAGES))
    assert any((y != found[0]).any() for y in found[1:]), "every call draws anew"
    x = ops.convert_to_tensor(IMAGES)
    replay = keras.jit(lambda x: captured(x, training=True))
    for y in found:
        np.testing.assert_allclose(replay(x), y, rtol=1e-5, atol=1e-4)
    assert (np.asarray(make(name, {**arguments, "seed": 6})(IMAGES)) != found[0]).any() or name == "RandomFlip"


def test_distributions():
    ones = np.zeros((2000, 2, 3, 1), "float32")
    ones[:, 0, 0] = 1
    y = np.asarray(layers.RandomFlip("horizontal", seed=1)(ones))
    assert 0.46 < y[:, 0, 2, 0].mean() < 0.54 and y[:, 0].sum() == 2000
    y = np.asarray(layers.RandomFlip("horizontal_and_vertical", seed=1)(ones))
    corners = [y[:, 0, 0, 0].mean(), y[:, 0, 2, 0].mean(), y[:, 1, 0, 0].mean(), y[:, 1, 2, 0].mean()]
    assert all(0.21 < share < 0.29 for share in corners)  # each direction is drawn for itself
    assert sum(corners) == 1

    angle = np.asarray(layers.RandomRotation(0.1, seed=2).get_random_transformation(ones)["angle"])
    assert angle.min() < -35 and angle.max() > 35 and abs(angle).max() <= 36 and abs(angle.mean()) < 2
    angle = np.asarray(layers.RandomRotation((0.1, 0.2), seed=2).get_random_transformation(ones)["angle"])
    assert 36 <= angle.min() < 37 and 71 < angle.max() <= 72

    zoom = layers.RandomZoom((-0.5, 0.1), 0.2, seed=3).get_random_transformation(ones)
    high, wide = np.asarray(zoom["height_zoom"]), np.asarray(zoom["width_zoom"])
    assert 0.5 <= high.min() < 0.51 and 1.09 < high.max() <= 1.1 and 0.8 <= wide.min() < 0.81 and 1.19 < wide.max() <= 1.2
    shift = np.asarray(layers.RandomTranslation(0.5, (0.0, 1.0), seed=3).get_random_transformation(ones)["translations"])
    assert -1 <= shift[:, 1].min() < -0.95 and 0 <= shift[:, 0].min() < 0.1 and 2.9 < shift[:, 0].max() <= 3

    delta = np.asarray(layers.RandomBrightness(0.2, (0, 1), seed=1).get_random_transformation(ones)["rgb_delta"])
    assert delta.shape == (2000, 1, 1, 1) and abs(delta).max() <= 0.2 and abs(delta.mean()) < 0.01
    gray = np.asarray(layers.RandomGrayscale(0.3, seed=1).get_random_transformation(ones))
    assert 0.26 < gray.mean() < 0.34
    erased = layers.RandomErasing((1.0, 1.0), (0.1, 0.4), seed=1).get_random_transformation(np.zeros((500, 40, 50, 3)))
    area = np.asarray(erased["batch_masks"]).mean(axis=(1, 2, 3))
    assert 0.05 < area.min() and area.max() < 0.45 and np.asarray(erased["apply_erasing"]).all()
    shear = np.asarray(layers.RandomShear((0.2, 0.3), seed=1).get_random_transformation(ones)["shear_factor"])[:, 0]
    assert 0.2 <= abs(shear).min() and abs(shear).max() <= 0.3 and 0.45 < (shear > 0).mean() < 0.55
    corners = {tuple(int(v) for v in layers.RandomCrop(1, 1).get_random_transformation(ones)[:2]) for _ in range(80)}
    assert corners == {(r, c) for r in range(2) for c in range(3)}


def test_cut_mix_labels_tell_the_area():
    data = {"images": np.arange(6, dtype="float32").reshape(6, 1, 1, 1) + np.zeros((6, 20, 30, 3)), "labels": np.eye(6)}
    out = layers.CutMix(seed=4)(data)
    pixels = np.asarray(out["images"])
    for k, label in enumerate(np.asarray(out["labels"])):
        own = (pixels[k] == k).mean()
        assert abs(label[k] - own) < 0.12 and abs(label.sum() - 1) < 1e-5


def test_mix_up():
    data = {"images": IMAGES, "labels": np.eye(4, dtype="float32"), "segmentation_masks": np.ones((4, 10, 12, 1), "int32")}
    data["bounding_boxes"] = {"boxes": np.ones((4, 2, 4)), "labels": np.zeros((4, 2))}
    out = layers.MixUp(alpha=1.0, seed=3, bounding_box_format="xyxy")(data)
    weights = np.asarray(out["labels"])
    np.testing.assert_allclose(out["images"], np.einsum("kn,nhwc->khwc", weights, IMAGES), rtol=1e-4, atol=1e-2)
    assert out["bounding_boxes"]["boxes"].shape == (4, 4, 4) and out["bounding_boxes"]["labels"].shape == (4, 4)
    assert data["images"] is IMAGES and data["bounding_boxes"]["boxes"].shape == (4, 2, 4), "the input is not changed"


@pytest.mark.parametrize("name, arguments, seeds", CASES, ids=NAMES)
def test_dicts(name, arguments, seeds):
    if name == "CutMix":
        pytest.skip("CutMix has no rule for boxes")
    data = {
        "images": IMAGES,
        "labels": np.eye(4, dtype="float32"),
        "segmentation_masks": RNG.integers(0, 3, (4, 10, 12, 1)).astype("float32"),
        "bounding_boxes": {"boxes": np.array([[[1.0, 2, 5, 6], [0, 0, 12, 10]]] * 4), "labels": np.array([[1, 2]] * 4)},
    }
    layer = make(name, {**arguments, "bounding_box_format": "xyxy"})
    if name == "RandomElasticTransform":
        with pytest.raises(NotImplementedError):
            layer(data)
        data.pop("bounding_boxes")
    out = layer(data)
    assert list(out) == list(data)
    size = out["images"].shape[1:3]
    masks = np.asarray(out["segmentation_masks"])
    assert masks.shape == (4, *size, 1)
    if name in GEOMETRY and name != "CenterCrop":
        assert set(np.unique(masks)) <= {0.0, 1.0, 2.0}
    if "bounding_boxes" in out and name != "MixUp":
        boxes = np.asarray(out["bounding_boxes"]["boxes"])
        assert boxes.shape == (4, 2, 4) and boxes.min() >= 0
        if name in GEOMETRY:
            assert (boxes[..., [0, 2]] <= size[1] + 1e-3).all() and (boxes[..., [1, 3]] <= size[0] + 1e-3).all()
    single = {k: v[0] for k, v in data.items() if k != "bounding_boxes"}
    if "bounding_boxes" in data:
        single["bounding_boxes"] = {k: v[0] for k, v in data["bounding_boxes"].items()}
    if name != "MixUp":
        found = layer(single)
        assert found["images"].shape == (*size, 3) and found["segmentation_masks"].shape == (*size, 1)


@pytest.mark.parametrize("name, arguments", [(n, a) for n, a, _ in CASES if n in GEOMETRY and n != "RandomShear"])
def test_boxes_follow_the_pixels(name, arguments):
    """A white rectangle on black stays inside its box, in every format."""
    x = np.zeros((8, 40, 48, 1), "float32")
    x[:, 12:20, 15:30] = 1
    arguments = {**arguments, "seed": 1} if "Random" in name else dict(arguments)
    if "height" in arguments:
        arguments |= {"height": 30, "width": 36}
    if name in ("RandomRotation", "RandomZoom", "RandomTranslation"):
        arguments["fill_mode"] = "constant"
    for box_format in ("xyxy", "yxyx", "center_xywh", "rel_xyxy", "rel_xywh"):
        layer = make(name, {**arguments, "bounding_box_format": box_format})
        given = keras.utils.bounding_boxes.convert_format([[[15, 12, 30, 20]]] * 8, "xyxy", box_format, height=40, width=48)
        out = layer({"images": x, "bounding_boxes": {"boxes": given, "labels": [[1]] * 8}})
        height, width = out["images"].shape[1:3]
        boxes = keras.utils.bounding_boxes.convert_format(
            out["bounding_boxes"]["boxes"], box_format, "xyxy", height=height, width=width
        )
        for image, (left, top, right, bottom) in zip(np.asarray(out["images"])[..., 0], np.asarray(boxes)[:, 0]):
            rows, columns = np.nonzero(image > 0.5)
            if len(rows):
                assert left - 1.5 <= columns.min() and columns.max() <= right + 0.5
                assert top - 1.5 <= rows.min() and rows.max() <= bottom + 0.5


def test_boxes_as_lists():
    layer = layers.RandomFlip("horizontal", bounding_box_format="xyxy", seed=1)
    boxes = {"boxes": [[[0, 0, 2, 2]], [[1, 1, 3, 3], [2, 2, 4, 4]]], "labels": [[5], [6, 7]]}
    out = layer({"images": IMAGES[:2], "bounding_boxes": boxes})["bounding_boxes"]
    assert out["boxes"].shape == (2, 2, 4) and np.asarray(out["labels"]).tolist() == [[5, -1], [6, 7]]
    with pytest.raises(ValueError, match="same length"):
        layer({"images": IMAGES[:2], "bounding_boxes": {"boxes": [[[0, 0, 2, 2]]], "labels": [[1], [2]]}})
    with pytest.raises(ValueError, match="dict with keys"):
        layer({"images": IMAGES[:2], "bounding_boxes": {"boxes": np.zeros((2, 1, 4))}})
    with pytest.raises(ValueError, match="rank 2 or 3"):
        layer({"images": IMAGES[:2], "bounding_boxes": {"boxes": np.zeros((4,)), "labels": np.zeros((1,))}})
    with pytest.raises(ValueError, match="bounding_box_format"):
        layers.RandomFlip()(
            {"images": IMAGES[:2], "bounding_boxes": {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((2, 1))}}
        )


def test_max_num_bounding_boxes():
    data = {"images": IMAGES, "bounding_boxes": {"boxes": np.ones((4, 3, 4)), "labels": np.ones((4, 3))}}
    for count in (2, 5):
        layer = layers.MaxNumBoundingBoxes(count, fill_value=-2, bounding_box_format="xyxy")
        out = layer(data)["bounding_boxes"]
        assert out["boxes"].shape == (4, count, 4) and out["labels"].shape == (4, count)
        assert np.asarray(out["labels"])[:, 3:].min(initial=-2) == -2
        shapes = {"images": (None, 2, 2, 3), "bounding_boxes": {"boxes": (None, 3, 4), "labels": (None, 3)}}
        assert layer.compute_output_shape(shapes)["bounding_boxes"] == {"boxes": (None, count, 4), "labels": (None, count)}
    with pytest.raises(KeyError, match="unsupported keys"):
        layer.compute_output_shape({"images": (1,), "bounding_boxes": {"boxes": (1, 2, 4), "scores": (1, 2)}})


def test_inside_a_model(tmp_path):
    """Training is captured, changes images; inference leaves them; the state of the generators is saved."""
    model = keras.Sequential(
        [
            keras.Input((10, 12, 3)),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.RandomZoom(0.2, seed=3),
            layers.RandomContrast(0.2, seed=4),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.repeat(IMAGES, 8, 0), np.arange(32) % 2
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    before = model.predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(before, model.predict(IMAGES, verbose=0))
    assert (np.asarray(model(IMAGES, training=True)) != before).any()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(IMAGES, verbose=0), before, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again(IMAGES, training=True), model(IMAGES, training=True), rtol=1e-4, atol=1e-5)


def test_in_a_pipeline_of_threads():
    """Many threads at once: nothing breaks, and no two calls draw the same transformation."""
    pipeline = layers.Pipeline(
        [layers.RandomRotation(0.3, seed=1), layers.RandomBrightness(0.3, seed=2), layers.RandomCrop(8, 8)]
    )
    image = IMAGES[0]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: np.asarray(pipeline(image)), range(200)))
    assert all(y.shape == (8, 8, 3) for y in found)
    assert len({y.tobytes() for y in found}) == 200


def test_sub_layers_of_choosing_layers():
    layer = layers.RandAugment(seed=1)
    seen = set()
    for _ in range(40):
        seen |= set(layer.get_random_transformation(IMAGES)["transforms"])
    assert seen == set(layer._names)
    layer = layers.AugMix(all_ops=False, seed=1)
    assert not hasattr(layer, "random_contrast")
    transformation = layer.get_random_transformation(IMAGES)
    assert len(transformation["chain_transforms"]) == 3
    assert abs(float(np.asarray(transformation["chain_mixing_weights"]).sum()) - 1) < 1e-5


@pytest.mark.parametrize(
    "make_it, message",
    [
        (lambda: layers.RandomFlip("diagonal"), "mode"),
        (lambda: layers.RandomFlip(factor=0.1), "does not take a `factor`"),
        (lambda: layers.RandomRotation(2.0), "range"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "list of two numbers"),
        (lambda: layers.RandomRotation("a"), "number"),
        (lambda: layers.RandomZoom(-1.0), "range"),
        (lambda: layers.RandomTranslation(1.5, 0), "range"),
        (lambda: layers.RandomShear((-0.1, 0.3)), "range"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), "value_range"),
        (lambda: layers.RandomBrightness(0.1, value_range=(1, 2, 3)), "value_range"),
        (lambda: layers.RandomGrayscale(1.5), "between 0 and 1"),
        (lambda: layers.RandomPosterization(9), "range"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "odd"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), "fill_value"),
        (lambda: layers.RandomPerspective(scale=2.0), "scale"),
        (lambda: layers.Solarization(2.0), "range"),
        (lambda: layers.RandomColorDegeneration(0.5).compute_output_shape((1, 2, 2, 4)), "3 channels"),
        (lambda: layers.CenterCrop(2, 2, data_format="last"), "data_format"),
        (lambda: layers.CenterCrop(2, 2).compute_output_shape((1, 2)), "rank-1"),
        (lambda: layers.Resizing(2, 2, interpolation="box")(IMAGES), "interpolation"),
    ],
)
def test_bad_arguments(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it()


@pytest.mark.parametrize("name", ["RandomRotation", "RandomZoom", "RandomShear"])
def test_unknown_choices(name):
    for more in ({"fill_mode": "edge"}, {"interpolation": "bicubic"}):
        with pytest.raises(NotImplementedError, match="Unknown `"):
            getattr(layers, name)(0.1, **more)


def pictures():
    """A few real photographs, or drawings in their place."""
    for folder in REAL:
        found = sorted((folder / "cats_vs_dogs").rglob("*.jpg"))[:6]
        if found:
            return [keras.utils.img_to_array(keras.utils.load_img(p)) for p in found]
    y, x = np.mgrid[:90, :120]
    return [np.stack([x * k % 256, y * 2, (x + y) % 256], -1).astype("float32") for k in range(1, 7)]


def test_on_pictures():
    batch = np.stack([np.asarray(layers.Resizing(60, 80, crop_to_aspect_ratio=True)(p)) for p in pictures()])
    assert 0 <= batch.min() and batch.max() <= 255.001
    for name, arguments, _ in CASES:
        y = np.asarray(make(name, arguments)(batch))
        assert (np.isfinite(y).all() and -0.01 <= y.min() and y.max() <= 255.01) or name in ("RandomSaturation", "Resizing"), (
            name
        )
    zero = [layers.RandomRotation((0.0, 0.0)), layers.RandomZoom((0.0, 0.0)), layers.RandomTranslation((0.0, 0.0), (0.0, 0.0))]
    for layer in zero:
        np.testing.assert_allclose(layer(batch), batch, atol=1e-3)
    quarter = layers.RandomRotation((0.25, 0.25))(batch[:, :, :60])
    np.testing.assert_allclose(quarter, np.rot90(batch[:, :, :60], k=1, axes=(1, 2)), atol=0.05)
