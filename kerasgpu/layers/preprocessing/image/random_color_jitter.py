"""RandomColorJitter: brightness, contrast, saturation and hue at once."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import ColorLayer
from kerasgpu.layers.preprocessing.image.random_brightness import RandomBrightness
from kerasgpu.layers.preprocessing.image.random_contrast import RandomContrast
from kerasgpu.layers.preprocessing.image.random_hue import RandomHue
from kerasgpu.layers.preprocessing.image.random_saturation import RandomSaturation

_PARTS = {
    "brightness": RandomBrightness,
    "contrast": RandomContrast,
    "saturation": RandomSaturation,
    "hue": RandomHue,
}


class RandomColorJitter(ColorLayer):
    """In training, change brightness, contrast, saturation and hue of each image, in this order.

    Args:
        value_range: of the pixels: (lowest, highest).
        brightness_factor: for `RandomBrightness`; None to leave it out, here as below.
        contrast_factor: for `RandomContrast`.
        saturation_factor: for `RandomSaturation`.
        hue_factor: for `RandomHue`.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomColorJitter(brightness_factor=0.2, hue_factor=0.1)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed")

    def __init__(
        self,
        value_range=(0, 255),
        brightness_factor=None,
        contrast_factor=None,
        saturation_factor=None,
        hue_factor=None,
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        self._set_seed(seed)
        for name, cls in _PARTS.items():
            factor = getattr(self, f"{name}_factor")
            part = None
            if factor is not None:
                part = cls(factor, value_range=value_range, seed=seed, data_format=self.data_format, dtype=self.dtype_policy)
            setattr(self, f"random_{name}", part)

    def _parts(self):
        found = {name: getattr(self, f"random_{name}") for name in _PARTS}
        return {name: layer for name, layer in found.items() if layer is not None}

    def build(self, input_shape):
        for layer in self._parts().values():
            layer.build(input_shape)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        return {name: layer.get_random_transformation(data, seed=seed) for name, layer in self._parts().items()}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        if transformation is None:
            transformation = self.get_random_transformation(images)
        for name, layer in self._parts().items():
            images = layer.transform_images(images, transformation[name])
        return images
