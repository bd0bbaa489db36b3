"""What the layers have in common that move the pixels of an image by an affine map."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import FILL_MODES, INTERPOLATIONS, check_choice
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer


class AffineLayer(BaseImagePreprocessingLayer):
    """Base class: `_matrix` gives the map of each image as `keras.ops.image.affine_transform` wants it."""

    _USE_BASE_FACTOR = False

    def _set_sampling(self, fill_mode, interpolation, fill_value):
        self.fill_mode = check_choice("fill_mode", fill_mode, FILL_MODES)
        self.interpolation = check_choice("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = fill_value

    def _matrix(self, transformation, height, width):
        """(batch, 8)"""
        raise NotImplementedError

    def _transform_images(self, images, transformation, interpolation):
        if transformation is None:
            return images
        return ops.image.affine_transform(
            images,
            self._matrix(transformation, *self._size(images.shape)),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )


def rows(*parts):
    """(batch, 8) from six coefficients: tensors (batch,) or (batch, 1), or numbers."""
    tensors = [x for x in parts if not isinstance(x, (int, float, np.number))]
    like = ops.reshape(ops.convert_to_tensor(tensors[0]), (-1, 1))
    parts = [
        ops.full_like(like, x) if isinstance(x, (int, float, np.number)) else ops.cast(ops.reshape(x, (-1, 1)), like.dtype)
        for x in parts
    ]
    return ops.concatenate([*parts, ops.zeros_like(like), ops.zeros_like(like)], axis=1)


def rotation_matrix(angle, height, width):
    """The maps (batch, 8) of rotations around the middle, by angles (batch,) in degrees."""
    angle = angle * (math.pi / 180.0)
    center_x, center_y = 0.5 * (width - 1), 0.5 * (height - 1)
    cos, sin = ops.cos(angle), ops.sin(angle)
    return rows(cos, -sin, center_x - center_x * cos + center_y * sin, sin, cos, center_y - center_x * sin - center_y * cos)
