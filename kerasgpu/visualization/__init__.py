"""keras.visualization: boxes and masks drawn on images, and galleries of them."""

from __future__ import annotations

from kerasgpu.visualization.boxes import draw_bounding_boxes, plot_bounding_box_gallery
from kerasgpu.visualization.gallery import plot_image_gallery
from kerasgpu.visualization.masks import draw_segmentation_masks, plot_segmentation_mask_gallery

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
