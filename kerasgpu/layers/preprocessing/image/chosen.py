"""Layers that choose among other layers at random: what RandAugment and AugMix share."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.auto_contrast import AutoContrast
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from kerasgpu.layers.preprocessing.image.equalization import Equalization
from kerasgpu.layers.preprocessing.image.random_brightness import RandomBrightness
from kerasgpu.layers.preprocessing.image.random_color_degeneration import RandomColorDegeneration
from kerasgpu.layers.preprocessing.image.random_contrast import RandomContrast
from kerasgpu.layers.preprocessing.image.random_posterization import RandomPosterization
from kerasgpu.layers.preprocessing.image.random_rotation import RandomRotation
from kerasgpu.layers.preprocessing.image.random_sharpness import RandomSharpness
from kerasgpu.layers.preprocessing.image.random_shear import RandomShear
from kerasgpu.layers.preprocessing.image.random_translation import RandomTranslation
from kerasgpu.layers.preprocessing.image.solarization import Solarization

GEOMETRY = ("random_shear", "random_translation", "random_rotation")
COLOR = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


class ChoosingLayer(BaseImagePreprocessingLayer):
    """Base class: holds the layers to choose from as attributes with the names of `_names`."""

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _names: tuple[str, ...] = ()

    def _make_layers(self, value_range, factor, interpolation, seed):
        self.value_range = value_range
        self.factor = factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.interpolation = interpolation
        self._set_seed(seed)
        given = {"data_format": self.data_format, "dtype": self.dtype_policy}
        if self.bounding_box_format is not None:
            given["bounding_box_format"] = self.bounding_box_format
        drawn = {**given, "seed": seed}
        moves = {**drawn, "interpolation": interpolation}
        colors = {**drawn, "value_range": value_range}
        makers = {
            "random_shear": lambda: RandomShear(factor, factor, **moves),
            "random_translation": lambda: RandomTranslation(factor, factor, **moves),
            "random_rotation": lambda: RandomRotation(factor, **moves),
            "random_brightness": lambda: RandomBrightness(factor, **colors),
            "random_color_degeneration": lambda: RandomColorDegeneration(factor, **colors),
            "random_contrast": lambda: RandomContrast(factor, **colors),
            "random_sharpness": lambda: RandomSharpness(factor, **colors),
            "random_posterization": lambda: RandomPosterization(max(1, int(8 * factor[1])), **colors),
            "solarization": lambda: Solarization(factor, factor, **colors),
            "auto_contrast": lambda: AutoContrast(value_range, **given),
            "equalization": lambda: Equalization(value_range, **given),
        }
        for name in self._names:
            setattr(self, name, makers[name]())

    def build(self, input_shape):
        for name in self._names:
            getattr(self, name).build(input_shape)

    @staticmethod
    def _chosen(numbers):
        """The drawn numbers, read on the host so that only the chosen layers run; all 0 while shapes are inferred."""
        if isinstance(numbers, MetaTensor):
            return np.zeros(numbers.shape, "int32")
        return np.asarray(numbers)
