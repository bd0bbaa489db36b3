"""MixUp (Zhang et al. 2018)."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer


def mixed(x, transformation):
    """w x + (1 - w) y, where y is x in another order along the batch and w a weight for each example."""
    x = ops.convert_to_tensor(x)
    others = ops.take(x, transformation["permutation_order"], axis=0)
    weight = ops.reshape(ops.convert_to_tensor(transformation["mix_weight"]), (-1, *[1] * (x.ndim - 1)))
    return weight * x + (1.0 - weight) * others


class MixUp(BaseImagePreprocessingLayer):
    """In training, mix each image of a batch with another one, and its label with that one's label.

    Args:
        alpha: of the Beta(alpha, alpha) distribution of the weights; larger mixes more.
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    Labels are vectors (batch, classes), such as one-hot ones. Boxes of both images are kept.

    >>> import kerasgpu as keras
    >>> data = {"images": keras.ops.ones((2, 4, 4, 3)), "labels": keras.ops.eye(2)}
    >>> keras.layers.MixUp(alpha=0.2)(data)["labels"].numpy().sum(axis=1).round(4).tolist()
    [1.0, 1.0]
    """

    _CONFIG = ("alpha", "seed")

    def __init__(self, alpha=0.2, data_format=None, seed=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.alpha = alpha
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        count = self._batch_size(data)
        seed = self.generator if seed is None else seed
        return {
            "permutation_order": random.shuffle(ops.arange(count, dtype="int32"), seed=seed),
            "mix_weight": random.beta((count,), self.alpha, self.alpha, seed=seed),
        }

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        return ops.cast(mixed(images, transformation), self.compute_dtype) if training else images

    def transform_labels(self, labels, transformation, training=True):
        return mixed(labels, transformation) if training else labels

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]
        both = {
            k: ops.concatenate([bounding_boxes[k], ops.take(bounding_boxes[k], order, axis=0)], axis=1)
            for k in ("boxes", "labels")
        }
        return {**bounding_boxes, **both}

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return mixed(segmentation_masks, transformation) if training else segmentation_masks
