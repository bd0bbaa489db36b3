"""Segmentation masks laid over images."""

from __future__ import annotations

import numpy as np

from kerasgpu.visualization.gallery import batch_of_images, plot_image_gallery


def draw_segmentation_masks(
    images,
    segmentation_masks,
    num_classes=None,
    color_mapping=None,
    alpha=0.8,
    blend=True,
    ignore_index=-1,
    data_format=None,
):
    """Images with each class of a mask in its colour, as a NumPy array (batch, height, width, channels).

    Args:
        images: (batch, height, width, 3), or channels first, from 0 to 255.
        segmentation_masks: integers (batch, height, width) or (batch, height, width, 1).
        num_classes: how many classes are drawn, from 0 on; default: all that occur.
        color_mapping: {class: (red, green, blue)}; default: a palette.
        alpha: weight of the colour, 0 to 1.
        blend: False puts the colour in place of the image (float32); True mixes them (uint8).
        ignore_index: class of pixels that stay as they are.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import numpy as np, kerasgpu as keras
    >>> image, mask = np.full((1, 2, 2, 3), 100.0), np.array([[[-1, 1], [1, 1]]])
    >>> keras.visualization.draw_segmentation_masks(image, mask, color_mapping={0: (0, 0, 0), 1: (200, 0, 0)})[0, 0].tolist()
    [[100, 100, 100], [180, 20, 20]]
    """
    images = batch_of_images(images, data_format).astype("float32")
    masks = np.asarray(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"`segmentation_masks` must be in integer dtype. Received: segmentation_masks.dtype={masks.dtype}")
    masks = masks.reshape(images.shape[:3]).astype("int64")
    classes = int(masks.max(initial=0)) + 1 if num_classes is None else int(num_classes)
    palette = [(k * np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])) % 255 for k in range(classes)]
    if color_mapping is not None:
        palette = [color_mapping.get(k, palette[k]) for k in range(classes)]
    shown = (masks >= 0) & (masks < classes)
    colors = np.array(palette, "float32")[np.where(shown, masks, 0)]
    drawn = np.where(shown[..., None], colors, images)
    if not blend:
        return drawn
    mixed = images * np.float32(1 - alpha) + drawn * np.float32(alpha)
    return np.where((masks != ignore_index)[..., None], mixed, images).round(3).clip(0, 255).astype("uint8")


def plot_segmentation_mask_gallery(
    images,
    num_classes,
    value_range=(0, 255),
    y_true=None,
    y_pred=None,
    color_mapping=None,
    blend=True,
    alpha=0.8,
    ignore_index=-1,
    data_format=None,
    **kwargs,
):
    """A gallery with one row for each image: itself, with the true mask, and with the predicted one.

    The arguments are those of `draw_segmentation_masks` and `plot_image_gallery`; y_true and y_pred are masks.
    """
    images = batch_of_images(images, data_format)
    low, high = value_range
    if (low, high) != (0, 255):
        images = (images.astype("float32") - low) * (255.0 / (high - low))
    columns = [images.clip(0, 255).astype("uint8")]
    for masks in (y_true, y_pred):
        if masks is not None:
            drawn = draw_segmentation_masks(
                columns[0],
                np.asarray(masks).astype("int64"),
                num_classes,
                color_mapping,
                alpha,
                blend,
                ignore_index,
                "channels_last",
            )
            columns.append(drawn.clip(0, 255).astype("uint8"))
    cells = np.stack(columns, axis=1).reshape(-1, *images.shape[1:])
    return plot_image_gallery(cells, rows=len(images), cols=len(columns), data_format="channels_last", **kwargs)
