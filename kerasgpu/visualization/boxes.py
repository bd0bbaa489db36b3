"""Bounding boxes drawn on images, with Pillow."""

from __future__ import annotations

import numpy as np

from kerasgpu import config
from kerasgpu.ops.bounding_boxes import convert_format
from kerasgpu.utils.image_utils import pillow
from kerasgpu.visualization.gallery import batch_of_images, plot_image_gallery


def draw_bounding_boxes(
    images,
    bounding_boxes,
    bounding_box_format,
    class_mapping=None,
    color=(128, 128, 128),
    line_thickness=2,
    text_thickness=1,
    font_scale=1.0,
    data_format=None,
):
    """Images with boxes drawn on them, as a uint8 NumPy array of the same shape.

    Args:
        images: (batch, height, width, 3), or channels first; floats up to 1 are taken as fractions of 255.
        bounding_boxes: dict with "boxes" (batch, boxes, 4), "labels" (batch, boxes; -1 for no box) and, optional, "confidences".
        bounding_box_format: "xyxy", "yxyx", "xywh", "center_xywh", "rel_xyxy", ...
        class_mapping: {label: name} of the names to write beside boxes.
        color: (red, green, blue).
        line_thickness: pixels.
        text_thickness: pixels of the outline of letters beyond one.
        font_scale: 1.0 for letters of about 22 pixels.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import numpy as np, kerasgpu as keras
    >>> boxes = {"boxes": np.array([[[1, 1, 6, 6]]]), "labels": np.array([[0]])}
    >>> drawn = keras.visualization.draw_bounding_boxes(np.zeros((1, 8, 8, 3)), boxes, "xyxy", line_thickness=1)
    >>> int(drawn[0, 1, 3, 0]), int(drawn[0, 3, 3, 0])
    (128, 0)
    """
    first = (data_format or config.image_data_format()) == "channels_first"
    images = batch_of_images(images, data_format)
    if not isinstance(bounding_boxes, dict):
        raise TypeError(f"`bounding_boxes` should be a dict. Received an object of type {type(bounding_boxes)}")
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ValueError(
            f"`bounding_boxes` should be a dict containing 'boxes' and 'labels' keys. Received the keys {list(bounding_boxes)}"
        )

    image_module = pillow("draw_bounding_boxes")
    images = _as_bytes(images)
    height, width = images.shape[1:3]
    converted = convert_format(dict(bounding_boxes), bounding_box_format, "xyxy", height, width)
    boxes, labels = np.asarray(converted["boxes"]), np.asarray(bounding_boxes["labels"])
    confidences = bounding_boxes.get("confidences")
    drawn = []
    for k, image in enumerate(images):
        picture = image_module.fromarray(image)
        for j, (box, label) in enumerate(zip(boxes[k], labels[k].astype(int))):
            if label == -1:
                continue
            name = (class_mapping or {}).get(int(label))
            if name is not None and confidences is not None:
                name = f"{name} | {float(np.asarray(confidences)[k, j]):.2f}"
            _draw(picture, [int(v) for v in box], name, tuple(color), line_thickness, text_thickness or 1, font_scale)
        drawn.append(np.asarray(picture))
    result = np.stack(drawn)
    return result.transpose(0, 3, 1, 2) if first else result


def _as_bytes(images):
    if images.dtype.kind == "f" and images.size and images.max() <= 1.0:
        images = images.clip(0, 1) * 255
    return np.ascontiguousarray(images.clip(0, 255).astype("uint8"))


def _draw(picture, box, name, color, line, stroke, scale):
    from PIL import ImageDraw, ImageFont

    x1, y1, x2, y2 = box
    pen = ImageDraw.Draw(picture)
    pen.rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)), outline=color, width=line)
    if name is not None:
        font = ImageFont.load_default(max(1.0, 22 * scale))
        _, top, _, bottom = pen.textbbox((0, 0), name, font=font)
        size = bottom - top
        # Above the box where there is room, else inside it.
        y = y1 - size - 4 - top if y1 - size - 4 >= 0 else y1 + line + 2 - top
        pen.text((x1 + line, y), name, fill=color, font=font, stroke_width=stroke - 1)


def plot_bounding_box_gallery(
    images,
    bounding_box_format,
    y_true=None,
    y_pred=None,
    value_range=(0, 255),
    true_color=(0, 188, 212),
    pred_color=(255, 235, 59),
    line_thickness=2,
    font_scale=1.0,
    text_thickness=None,
    class_mapping=None,
    ground_truth_mapping=None,
    prediction_mapping=None,
    legend=False,
    legend_handles=None,
    rows=None,
    cols=None,
    data_format=None,
    **kwargs,
):
    """A gallery of images with the true and the predicted boxes.

    Args:
        y_true, y_pred: dicts as `bounding_boxes` of `draw_bounding_boxes`.
        true_color, pred_color: their colours.
        ground_truth_mapping, prediction_mapping: names of labels; default: class_mapping.
        legend: whether to say which colour is which; legend_handles: matplotlib patches instead.

    The other arguments are those of `draw_bounding_boxes` and `plot_image_gallery`.
    """
    if legend and legend_handles:
        raise ValueError("Only pass `legend` OR `legend_handles` to `keras.visualization.plot_bounding_box_gallery()`.")
    drawn = batch_of_images(images, data_format)
    low, high = value_range
    if (low, high) != (0, 255):
        drawn = (drawn.astype("float32") - low) * (255.0 / (high - low))
    drawn = drawn.clip(0, 255).astype("uint8")
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn,
                boxes,
                bounding_box_format,
                names,
                color,
                line_thickness,
                text_thickness or line_thickness,
                font_scale,
                "channels_last",
            )
    if legend:
        from matplotlib.patches import Patch

        legend_handles = [
            Patch(color=np.array(color) / 255.0, label=label)
            for color, label in ((true_color, "Ground Truth"), (pred_color, "Prediction"))
        ]
    return plot_image_gallery(drawn, legend_handles=legend_handles, rows=rows, cols=cols, data_format="channels_last", **kwargs)
