"""keras.visualization: not there yet; the names say what to do instead."""

from kerasgpu import missing

_BOXES = "draw them with PIL.ImageDraw.Draw(image).rectangle(box), or matplotlib.patches.Rectangle"
_MASKS = "lay the mask over the image with matplotlib: imshow(image), then imshow(mask, alpha=0.5)"

__getattr__ = missing.names(
    __name__,
    {
        "draw_bounding_boxes": _BOXES,
        "draw_segmentation_masks": _MASKS,
        "plot_bounding_box_gallery": _BOXES,
        "plot_image_gallery": "show the images with matplotlib: subplots(rows, columns), then imshow for each",
        "plot_segmentation_mask_gallery": _MASKS,
    },
)
