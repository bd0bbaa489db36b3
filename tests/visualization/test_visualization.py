"""keras.visualization: pixels of boxes and masks, and galleries as files."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import visualization as viz

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")

BOXES = {"boxes": np.array([[[2, 3, 12, 9], [0, 0, 4, 4]]], "float32"), "labels": np.array([[1, -1]])}
IMAGES = np.full((1, 16, 20, 3), 10.0, "float32")


def test_boxes():
    drawn = viz.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=(255, 0, 7), line_thickness=1)
    assert drawn.shape == IMAGES.shape and drawn.dtype == "uint8"
    line = (drawn == (255, 0, 7)).all(-1)[0]
    expected = np.zeros((16, 20), bool)
    expected[3, 2:13] = expected[9, 2:13] = expected[3:10, 2] = expected[3:10, 12] = True
    np.testing.assert_array_equal(line, expected)  # and nothing of the box with label -1
    first = viz.draw_bounding_boxes(
        IMAGES.transpose(0, 3, 1, 2), BOXES, "xyxy", color=(255, 0, 7), line_thickness=1, data_format="channels_first"
    )
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), drawn)
    wide = {"boxes": np.array([[[2, 3, 10, 6]]]), "labels": np.array([[1]])}
    np.testing.assert_array_equal(viz.draw_bounding_boxes(IMAGES, wide, "xywh", color=(255, 0, 7), line_thickness=1), drawn)


def test_names_and_confidences():
    images = np.zeros((1, 80, 120, 3))
    boxes = {"boxes": np.array([[[10, 40, 110, 70]]]), "labels": np.array([[1]]), "confidences": np.array([[0.5]])}
    plain = viz.draw_bounding_boxes(images, boxes, "xyxy")
    named = viz.draw_bounding_boxes(images, boxes, "xyxy", class_mapping={1: "cat"})
    assert (named != plain).any(-1)[0, :40].sum() > 50
    other = dict(boxes, confidences=np.array([[0.9]]))
    assert (viz.draw_bounding_boxes(images, other, "xyxy", class_mapping={1: "cat"}) != named).any()


def test_masks():
    mask = np.zeros((1, 16, 20, 1), "int32")
    mask[0, :4], mask[0, 8:] = 1, -1
    drawn = viz.draw_segmentation_masks(IMAGES, mask, color_mapping={0: (0, 0, 0), 1: (110, 10, 10)}, alpha=0.5)
    assert (
        drawn[0, 0, 0].tolist() == [60, 10, 10] and drawn[0, 5, 0].tolist() == [5, 5, 5] and drawn[0, 9, 0].tolist() == [10] * 3
    )
    hard = viz.draw_segmentation_masks(IMAGES, mask[..., 0], color_mapping={1: (110, 10, 10)}, blend=False)
    assert hard[0, 0, 0].tolist() == [110, 10, 10] and hard[0, 9, 0].tolist() == [10] * 3
    assert viz.draw_segmentation_masks(IMAGES, mask).dtype == "uint8"


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: viz.plot_image_gallery(IMAGES.repeat(5, 0), y_true=[0, 1, 0, 1, 2], label_map={0: "a", 1: "b"}, path=path),
        lambda path: viz.plot_image_gallery(
            keras.ops.ones((2, 1, 8, 8)), rows=1, value_range=(0, 1), data_format="channels_first", path=path
        ),
        lambda path: viz.plot_bounding_box_gallery(
            IMAGES, "xyxy", BOXES, BOXES, class_mapping={1: "cat"}, legend=True, path=path
        ),
        lambda path: viz.plot_segmentation_mask_gallery(
            IMAGES / 255, 3, (0, 1), np.ones((1, 16, 20, 1)), np.zeros((1, 16, 20, 1)), path=path
        ),
    ],
)
def test_galleries(draw, tmp_path):
    draw(tmp_path / "gallery.png")
    with Image.open(tmp_path / "gallery.png") as picture:
        assert min(picture.size) > 50


def test_mistakes(tmp_path):
    for call, error, message in (
        (lambda: viz.draw_bounding_boxes(IMAGES[0], BOXES, "xyxy"), ValueError, "batched 4D"),
        (lambda: viz.draw_bounding_boxes(IMAGES, [1], "xyxy"), TypeError, "should be a dict"),
        (lambda: viz.draw_bounding_boxes(IMAGES, {"boxes": 1}, "xyxy"), ValueError, "'boxes' and 'labels'"),
        (lambda: viz.draw_segmentation_masks(IMAGES, np.zeros((1, 16, 20))), TypeError, "integer dtype"),
        (lambda: viz.plot_image_gallery(IMAGES, show=True, path="x.png"), ValueError, "either `path`"),
        (lambda: viz.plot_image_gallery(IMAGES, y_true=[1]), ValueError, "`label_map` must"),
        (lambda: viz.plot_bounding_box_gallery(IMAGES, "xyxy", legend=True, legend_handles=[1]), ValueError, "OR"),
    ):
        with pytest.raises(error, match=message):
            call()
