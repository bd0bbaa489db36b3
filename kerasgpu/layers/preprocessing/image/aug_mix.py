"""AugMix (Hendrycks et al. 2020)."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image.chosen import COLOR, GEOMETRY, ChoosingLayer

_ALWAYS = (*GEOMETRY, "random_posterization", "solarization", "auto_contrast", "equalization")


class AugMix(ChoosingLayer):
    """In training, mix images with several chains of random layers applied to them.

    Args:
        value_range: of the pixels: (lowest, highest).
        num_chains: number of chains, mixed with weights from a Dirichlet distribution.
        chain_depth: number of layers in each; a place stays empty now and then.
        factor: strength of the layers, a number or a pair (lower, upper), in [0, 1].
        alpha: of the Dirichlet distribution, and of the Beta distribution of the weight of the image itself.
        all_ops: whether layers that change brightness, colour, contrast and sharpness are among those to choose from.
        interpolation: "bilinear" or "nearest".
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    The choice is read on the host, so a model with this layer in it trains step by step; in a data pipeline it costs nothing.

    >>> import kerasgpu as keras
    >>> keras.layers.AugMix()(keras.ops.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    _CONFIG = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed")

    def __init__(
        self,
        value_range=(0, 255),
        num_chains=3,
        chain_depth=3,
        factor=0.3,
        alpha=1.0,
        all_ops=True,
        interpolation="bilinear",
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.num_chains = num_chains
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops
        self._names = (*_ALWAYS, *COLOR) if all_ops else _ALWAYS
        self._make_layers(value_range, factor, interpolation, seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        weights = random.gamma((self.num_chains,), self.alpha, seed=seed)
        chosen = random.randint((self.num_chains, self.chain_depth), 0, len(self._names) + 1, seed=seed)
        chains = []
        for numbers in self._chosen(chosen):
            names = [self._names[k] for k in numbers if k < len(self._names)]
            chains.append(
                [
                    {"layer_name": n, "transformation": getattr(self, n).get_random_transformation(data, seed=seed)}
                    for n in names
                ]
            )
        return {
            "chain_mixing_weights": weights / ops.sum(weights),
            "weight_sample": random.beta((), self.alpha, self.alpha, seed=seed),
            "chain_transforms": chains,
        }

    def _mix(self, x, transformation, method):
        """w x + (1 - w) * the sum of weighted chains of `method` of the layers."""
        weights = ops.cast(transformation["chain_mixing_weights"], self.compute_dtype)
        own = ops.cast(transformation["weight_sample"], self.compute_dtype)
        total = ops.zeros_like(x)
        for k, chain in enumerate(transformation["chain_transforms"]):
            y = x
            for step in chain:
                y = getattr(getattr(self, step["layer_name"]), method)(y, step["transformation"])
            total = total + y * weights[k]
        return own * x + (1 - own) * total

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        images = self._mix(images, transformation, "transform_images")
        return ops.cast(ops.clip(images, *self.value_range), self.compute_dtype)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        if not training or transformation is None:
            return segmentation_masks
        masks = ops.convert_to_tensor(segmentation_masks)
        return self._mix(masks, transformation, "transform_segmentation_masks")
