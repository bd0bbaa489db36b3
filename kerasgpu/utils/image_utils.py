"""Images as files, Pillow images and arrays: load_img, img_to_array, array_to_img, save_img, smart_resize. Pillow is imported on use."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np

from kerasgpu import config, ops
from kerasgpu.engine.tensor import Tensor, numpy_dtype

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}


def pillow(user):
    """The module PIL.Image, for the function named `user`."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"Could not import PIL.Image. The use of `{user}` requires Pillow: pip install kerasgpu[image]"
        ) from error
    return Image


def _channels_first(data_format):
    if data_format is None:
        data_format = config.image_data_format()
    name = str(data_format).lower()
    if name not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. Received: "
            f"data_format={data_format}"
        )
    return name == "channels_first"


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """An image file as a Pillow image.

    Args:
        path: str, bytes, Path, or io.BytesIO with the file's contents.
        color_mode: "rgb", "rgba" or "grayscale"; gray images of 16 or 32 bits keep these.
        target_size: (height, width), None for the file's own.
        interpolation: how it is resized: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: whether to cut the image, around its center, to the proportions of target_size first.

    Raises PIL.UnidentifiedImageError, an OSError, with the file's name when its contents are no image that can be read.

    >>> import io, numpy as np, kerasgpu as keras
    >>> file = io.BytesIO()
    >>> keras.utils.save_img(file, np.zeros((4, 6, 3)), file_format="png")
    >>> keras.utils.load_img(file, target_size=(2, 3)).size
    (3, 2)
    """
    image_module = pillow("load_img")
    name = "the file" if isinstance(path, io.BytesIO) else repr(path)
    if isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            path = io.BytesIO(file.read())  # a Pillow image reads its file late; this one leaves none open
    elif not isinstance(path, io.BytesIO):
        raise TypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    if color_mode not in _MODES:
        raise ValueError(f'color_mode must be "grayscale", "rgb", or "rgba". Received: color_mode={color_mode}')
    try:
        img = image_module.open(path)
        img.load()
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        reason = str(error).replace(repr(path), "it")
        raise image_module.UnidentifiedImageError(
            f"load_img: {name} cannot be read as an image ({reason}). It may be damaged or of a format that Pillow does not know"
        ) from error
    if img.mode not in _MODES[color_mode]:
        img = img.convert(_MODES[color_mode][0])
    if target_size is None:
        return img
    height, width = (int(n) for n in target_size)
    if img.size == (width, height):
        return img
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are {', '.join(INTERPOLATIONS)}"
        )
    resample = getattr(getattr(image_module, "Resampling", image_module), interpolation.upper())
    return img.resize((width, height), resample, box=_centered(img.size, (width, height)) if keep_aspect_ratio else None)


def _centered(size, wanted):
    """The (left, top, right, bottom) of the largest middle part of an image of `size` with the proportions of `wanted`."""
    width, height = size
    cut_width = min(width, height * wanted[0] // wanted[1])
    cut_height = min(height, width * wanted[1] // wanted[0])
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    return left, top, left + cut_width, top + cut_height


def img_to_array(img, data_format=None, dtype=None):
    """A Pillow image as a NumPy array (height, width, channels), or channels first.

    Args:
        img: Pillow image.
        data_format: "channels_last", "channels_first", or None for the configured one.
        dtype: of the array, None for the configured float.
    """
    first = _channels_first(data_format)
    x = np.asarray(img).astype(numpy_dtype(dtype or config.floatx()))
    if x.ndim == 2:
        x = x[:, :, None]
    if x.ndim != 3:
        raise ValueError(f"Unsupported image shape: {x.shape}")
    return x.transpose(2, 0, 1) if first else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array of rank 3, with 1, 3 or 4 channels, as a Pillow image.

    Args:
        x: array or tensor of shape (height, width, channels), or channels first.
        data_format: "channels_last", "channels_first", or None for the configured one.
        scale: whether to map the smallest value to 0 and the largest to 255.
        dtype: in which that is computed, None for the configured float.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.utils.array_to_img(np.ones((4, 6, 1))).mode
    'L'
    """
    first = _channels_first(data_format)
    image_module = pillow("array_to_img")
    x = np.asarray(x).astype(numpy_dtype(dtype or config.floatx()))
    if x.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {x.shape}")
    if first:
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {x.shape[2]}")
    if scale:
        x = x - x.min()
        highest = x.max()
        x = (x / highest if highest != 0 else x) * 255
    if x.shape[2] == 1:
        return image_module.fromarray(x[:, :, 0].astype("int32" if x.max() > 255 else "uint8"))
    return image_module.fromarray(np.ascontiguousarray(x.astype("uint8")))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array as an image file.

    Args:
        path: str, Path or file object.
        x: array or tensor of rank 3, with 1, 3 or 4 channels.
        data_format: "channels_last", "channels_first", or None for the configured one.
        file_format: such as "png"; None for what the path ends in. To be given with a file object.
        scale: whether to map the smallest value to 0 and the largest to 255.
        kwargs: for Pillow's `save`, such as `quality`.
    """
    if file_format is None and isinstance(path, (str, Path)):
        file_format = Path(path).suffix[1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last", **kwargs):
    """Images cut, around their center, to the proportions of `size`, then resized: nothing is distorted.

    Args:
        x: array or tensor of shape (height, width, channels) or (batch, height, width, channels), or channels first.
        size: (height, width).
        interpolation: as for `keras.ops.image.resize`.
        data_format: "channels_last" or "channels_first".

    Returns an array for an array, else a tensor.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.preprocessing.image.smart_resize(np.ones((4, 8, 3), "float32"), (2, 2)).shape
    (2, 2, 3)
    """
    kwargs.pop("backend_module", None)  # Keras's own way to run this elsewhere
    if kwargs:
        raise TypeError(f"smart_resize() got unexpected keyword arguments: {list(kwargs)}")
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    images = x if isinstance(x, Tensor) else ops.convert_to_tensor(x)
    if images.ndim not in (3, 4):
        raise ValueError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, width, channels)`, but "
            f"got input with incorrect rank, of shape {images.shape}."
        )
    out = ops.image.resize(images, size, interpolation=interpolation, data_format=data_format, crop_to_aspect_ratio=True)
    return ops.convert_to_numpy(out) if isinstance(x, np.ndarray) else out
