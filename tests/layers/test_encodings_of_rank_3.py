"""multi_hot and count join the last axis for every rank, on values and symbolically; random augmentations draw independently."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers

IDS = np.array([[[0, 1, 1], [2, 3, 0]], [[3, 3, 3], [1, 2, 0]]])
COUNTS = (IDS[..., None] == np.arange(4)).sum(-2)

LAYERS = {
    "CategoryEncoding": (lambda mode: layers.CategoryEncoding(4, output_mode=mode), IDS),
    "Discretization": (lambda mode: layers.Discretization(bin_boundaries=[1.0, 2.0, 3.0], output_mode=mode), IDS + 0.5),
    "IntegerLookup": (lambda mode: layers.IntegerLookup(vocabulary=[11, 12, 13], output_mode=mode), IDS + 10),
    "StringLookup": (
        lambda mode: layers.StringLookup(vocabulary=["b", "c", "d"], output_mode=mode),
        np.array(list("abcd"))[IDS],
    ),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("mode", ["multi_hot", "count", "one_hot"])
def test_modes_and_ranks(name, rank, mode):
    make, data = LAYERS[name]
    lead = (0,) * (3 - rank)
    hot = (IDS[lead][..., None] == np.arange(4)).astype(int)
    expected = {"multi_hot": np.minimum(COUNTS[lead], 1), "count": COUNTS[lead], "one_hot": hot}[mode]
    np.testing.assert_array_equal(make(mode)(data[lead]), expected)
    if rank > 1:
        x = data[lead]
        dtype = "string" if x.dtype.kind == "U" else str(x.dtype)
        assert make(mode)(keras.Input(x.shape[1:], dtype=dtype)).shape[1:] == expected.shape[1:]


def test_hashing_of_rank_3():
    bins = layers.Hashing(num_bins=4)(IDS).numpy()
    counts = layers.Hashing(num_bins=4, output_mode="count")(IDS)
    np.testing.assert_array_equal(counts, (bins[..., None] == np.arange(4)).sum(-2))
    for mode in ("one_hot", "multi_hot", "count"):
        layer = layers.Hashing(num_bins=4, output_mode=mode)
        assert layer(keras.Input(IDS.shape[1:], dtype="int64")).shape[1:] == layer(IDS).shape[1:]


IMAGES = np.random.default_rng(0).uniform(0, 255, (64, 6, 6, 1)).astype("float32")


@pytest.mark.parametrize("differentiated", [False, True])
def test_flips_in_two_directions_are_independent(differentiated):
    x = keras.ops.convert_to_tensor(IMAGES)
    x.requires_grad = differentiated
    out = layers.RandomFlip(seed=1)(x).numpy()
    ways = [IMAGES, IMAGES[:, :, ::-1], IMAGES[:, ::-1], IMAGES[:, ::-1, ::-1]]
    found = [int(sum(np.allclose(a, b, atol=1e-3) for a, b in zip(out, way))) for way in ways]
    assert sum(found) == 64
    assert min(found) > 4


def test_flips_of_boxes_follow_the_images():
    images = np.zeros((16, 8, 8, 1), "float32")
    images[:, 1:3, 2:6] = 1
    boxes = {"boxes": np.array([[[2.0, 1.0, 6.0, 3.0]]] * 16), "labels": np.ones((16, 1))}
    layer = layers.RandomFlip(seed=2, bounding_box_format="xyxy")
    out = layer({"images": images, "bounding_boxes": boxes, "segmentation_masks": images})
    tops = set()
    for image, mask, (box,) in zip(out["images"], out["segmentation_masks"], out["bounding_boxes"]["boxes"].numpy()):
        rows, columns = np.nonzero(image.numpy()[..., 0] > 0.5)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(image, mask)
        tops.add(box[1])
    assert tops == {1.0, 5.0}


def test_flip_of_a_transformation_with_one_flag():
    layer = layers.RandomFlip()
    out = layer.transform_images(IMAGES[:1], {"flips": [True]})
    np.testing.assert_allclose(out, IMAGES[:1, ::-1, ::-1], atol=1e-3)


def test_shears_have_independent_signs_and_move_boxes_as_images():
    layer = layers.RandomShear(0.3, 0.3, fill_mode="constant", interpolation="nearest", seed=3, bounding_box_format="xyxy")
    images = np.zeros((32, 64, 64, 1), "float32")
    images[:, 24:38, 20:40] = 1
    boxes = {"boxes": np.array([[[20.0, 24.0, 40.0, 38.0]]] * 32), "labels": np.ones((32, 1))}
    transformation = layer.get_random_transformation(images)
    assert len({tuple(signs) for signs in np.sign(transformation["shear_factor"]).tolist()}) == 4
    moved = layer.transform_images(images, transformation).numpy()
    found = layer.transform_bounding_boxes(boxes, transformation)["boxes"].numpy()[:, 0]
    for image, box in zip(moved[..., 0], found):
        rows, columns = np.nonzero(image > 0.5)
        np.testing.assert_allclose(box, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], atol=1.1)


def test_single_images_and_dicts():
    image = IMAGES[0]
    assert layers.RandomElasticTransform(seed=1)(image).shape == image.shape
    assert layers.RandomElasticTransform(seed=1)({"images": image, "segmentation_masks": image})["images"].shape == image.shape
    data = {
        "images": IMAGES[:2],
        "bounding_boxes": {"boxes": np.array([[[0.25, 0.25, 0.75, 0.75]]] * 2), "labels": np.ones((2, 1))},
    }
    cropped = layers.RandomCrop(3, 3, bounding_box_format="rel_xyxy")(data, training=True)
    assert cropped["images"].shape == (2, 3, 3, 1)
    assert cropped["bounding_boxes"]["boxes"].shape == (2, 1, 4)


def test_mix_up_keeps_the_boxes_of_both_images():
    ragged = {"boxes": [[[1, 1, 2, 2]], [[1, 1, 2, 2], [3, 3, 4, 4]]], "labels": [[1], [1, 2]]}
    layer = layers.MixUp(seed=1, bounding_box_format="xyxy")
    out = layer({"images": IMAGES[:2], "bounding_boxes": ragged, "labels": np.eye(2)})["bounding_boxes"]
    assert out["boxes"].shape == (2, 4, 4)
    assert out["labels"].numpy()[0, :2].tolist() == [1, -1]
