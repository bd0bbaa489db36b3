"""keras.ops.image: colour, resizing, geometry and patches."""

from kerasgpu.ops.image.areas import crop_images, extract_patches, extract_patches_3d, pad_images
from kerasgpu.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from kerasgpu.ops.image.elastic import elastic_transform
from kerasgpu.ops.image.filters import gaussian_blur, sobel_edges, ssim
from kerasgpu.ops.image.resizing import resize, scale_and_translate
from kerasgpu.ops.image.sampling import affine_transform, map_coordinates, perspective_transform

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
