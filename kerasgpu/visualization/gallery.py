"""plot_image_gallery, with matplotlib."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import config


def batch_of_images(images, data_format=None):
    """Images as a NumPy array (batch, height, width, channels); ValueError for another rank."""
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"`images` must be batched 4D tensor. Received: images.shape={images.shape}")
    first = (data_format or config.image_data_format()) == "channels_first"
    return images.transpose(0, 2, 3, 1) if first else images


def plot_image_gallery(
    images,
    y_true=None,
    y_pred=None,
    label_map=None,
    rows=None,
    cols=None,
    value_range=(0, 255),
    scale=2,
    path=None,
    show=None,
    transparent=True,
    dpi=60,
    legend_handles=None,
    data_format=None,
):
    """Draw images side by side, with labels above them; needs matplotlib.

    Args:
        images: array (batch, height, width, channels), or channels first.
        y_true, y_pred: class numbers (batch,); need label_map.
        label_map: {class number: name}.
        rows, cols: of the gallery; default: as square as it can be.
        value_range: what is black and white in the images.
        scale: inches of an image.
        path: file to write; None shows the gallery instead.
        show: whether to show it; default: when there is no path.
        transparent, dpi: of the file.
        legend_handles: matplotlib patches for a legend.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import os, numpy as np, kerasgpu as keras
    >>> keras.visualization.plot_image_gallery(np.zeros((4, 8, 8, 3)), path="gallery.png")
    >>> os.path.exists("gallery.png")
    True
    """
    if path is not None and show:
        raise ValueError("plot_image_gallery() expects either `path` to be set, or `show` to be true.")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError("If `y_true` or `y_pred` are provided, a `label_map` must also be provided.")
    images = batch_of_images(images, data_format)
    count = len(images)
    rows = rows or (-(-count // cols) if cols else math.ceil(math.sqrt(count)))
    cols = cols or -(-count // rows)
    low, high = value_range
    images = ((images.astype("float32") - low) * (255.0 / (high - low))).clip(0, 255).astype("uint8")
    figure = _figure((cols * scale, rows * scale), path is None)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for k, cell in enumerate(figure.subplots(rows, cols, squeeze=False).flat):
        cell.axis("off")
        if k >= count:
            continue
        image = images[k]
        cell.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
        parts = [
            f"{title}: {label_map.get(int(np.asarray(labels)[k]), 'Unknown')}"
            for title, labels in (("Label", y_true), ("Pred", y_pred))
            if labels is not None and k < len(labels)
        ]
        if parts:
            cell.set_title("  ".join(parts), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is None or show:
        import matplotlib.pyplot as plt

        plt.show()
        plt.close(figure)


def _figure(size, interactive):
    try:
        if interactive:
            import matplotlib.pyplot as plt

            return plt.figure(figsize=size, layout="tight", frameon=False)
        from matplotlib.figure import Figure  # a file needs no display
    except ImportError as error:
        raise ImportError("Galleries are drawn with matplotlib: pip install 'kerasgpu[viz]'") from error
    return Figure(figsize=size, layout="tight", frameon=False)
