"""What image layers have in common: inputs of several kinds, one random transformation for all of them, and the two layouts."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.validation import densify_bounding_boxes
from kerasgpu.layers.shapes import infer_with_fill


class BaseImagePreprocessingLayer(Layer):
    """Base class of layers that change images, and what belongs to these, in the same way.

    The input is a tensor of images (height, width, channels) or (batch, height, width, channels), or channels first; or a dict
    with such images as "images" and any of "labels", "segmentation_masks" (laid out as images) and "bounding_boxes" (a dict of
    "boxes" (batch, n, 4) and "labels" (batch, n)). The output has the same structure.

    A call draws a transformation with `get_random_transformation(data, training, seed)` and hands it to `transform_images`,
    `transform_labels`, `transform_bounding_boxes` and `transform_segmentation_masks`, which can be called with a transformation
    of your own as well. `training=False` turns random layers off.

    Args:
        factor: number or pair of numbers in `_FACTOR_BOUNDS`, if the layer takes one.
        bounding_box_format: format of the boxes, as for `keras.utils.bounding_boxes.convert_format`.
        data_format: "channels_last", "channels_first", or None for the configured one.
    """

    _USE_BASE_FACTOR = True
    _FACTOR_BOUNDS: tuple[float, float] = (-1, 1)
    # Attributes that get_config() lists.
    _CONFIG: tuple[str, ...] = ()

    def __init__(self, factor=None, bounding_box_format=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.bounding_box_format = bounding_box_format
        self.data_format = standardize_data_format(data_format)
        last = self.data_format == "channels_last"
        self.height_axis, self.width_axis, self.channel_axis = (-3, -2, -1) if last else (-2, -1, -3)
        self._allow_non_tensor_positional_args = True
        if self._USE_BASE_FACTOR:
            self.factor = factor_range(factor or 0.0, self._FACTOR_BOUNDS)
        elif factor is not None:
            raise ValueError(f"Layer {type(self).__name__} does not take a `factor` argument. Received: factor={factor}")

    def _set_seed(self, seed):
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    # -- what subclasses define ---------------------------------------------------------------------------------
    def get_random_transformation(self, data, training=True, seed=None):
        """What one call does to its data: tensors that the `transform_` methods understand. None for nothing."""
        return None

    def _transform_images(self, images, transformation, interpolation):
        raise NotImplementedError

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        return self._transform_images(images, transformation, self.interpolation) if training else images

    def transform_labels(self, labels, transformation, training=True):
        return labels

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        raise NotImplementedError(f"{type(self).__name__} cannot transform bounding boxes.")

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        if not training:
            return segmentation_masks
        return self._transform_images(ops.convert_to_tensor(segmentation_masks), transformation, "nearest")

    # -- one image ----------------------------------------------------------------------------------------------
    def transform_single_image(self, image, transformation, training=True):
        return self._as_batch(self.transform_images, image, transformation, training)

    def transform_single_label(self, label, transformation, training=True):
        return self._as_batch(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(self, bounding_box, transformation, training=True):
        boxes = {k: ops.expand_dims(v, 0) if k in ("boxes", "labels") else v for k, v in bounding_box.items()}
        out = self.transform_bounding_boxes(boxes, transformation=transformation, training=training)
        return {k: ops.squeeze(v, 0) if k in ("boxes", "labels") else v for k, v in out.items()}

    def transform_single_segmentation_mask(self, segmentation_mask, transformation, training=True):
        return self._as_batch(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    @staticmethod
    def _as_batch(transform, x, transformation, training):
        return ops.squeeze(transform(ops.expand_dims(x, 0), transformation=transformation, training=training), 0)

    # -- calls --------------------------------------------------------------------------------------------------
    def call(self, data, training=True):
        transformation = self.get_random_transformation(data, training=training)
        batched = len(self._shape(data)) == 4
        given = {"transformation": transformation, "training": training}
        if not isinstance(data, dict):
            return (self.transform_images if batched else self.transform_single_image)(ops.convert_to_tensor(data), **given)
        out = dict(data)
        methods = {
            "images": (self.transform_images, self.transform_single_image),
            "bounding_boxes": (self.transform_bounding_boxes, self.transform_single_bounding_box),
            "labels": (self.transform_labels, self.transform_single_label),
            "segmentation_masks": (self.transform_segmentation_masks, self.transform_single_segmentation_mask),
        }
        for key, (whole, single) in methods.items():
            if key not in data:
                continue
            if key == "bounding_boxes":
                self._need_box_format()
                value = densify_bounding_boxes(data[key])
            else:
                value = ops.convert_to_tensor(data[key])
            out[key] = (whole if batched else single)(value, **given)
        return out

    def _need_box_format(self):
        if not self.bounding_box_format:
            raise ValueError(
                "You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box format. Pass a "
                f"`bounding_box_format` argument to your {type(self).__name__} layer, e.g. `bounding_box_format='xyxy'`."
            )

    def _convert_nested(self, x):
        if isinstance(x, dict) and isinstance(x.get("bounding_boxes"), dict):
            # Boxes may be lists of unequal length, which are not nests of tensors.
            rest = {k: v for k, v in x.items() if k != "bounding_boxes"}
            boxes = x["bounding_boxes"]
            if any(isinstance(v, list) for v in boxes.values()):
                boxes = densify_bounding_boxes(boxes)
            found = {**super()._convert_nested(rest), "bounding_boxes": super()._convert_nested(boxes)}
            return {k: found[k] for k in x}
        return super()._convert_nested(x)

    def _call_in_dtype(self, args, kwargs, symbolic_call):
        # There are no weights to read in the compute dtype, and several threads may call the layer at once.
        return (self.compute_output_spec if symbolic_call else self.call)(*args, **kwargs)

    def compute_output_spec(self, *args, **kwargs):
        return infer_with_fill(self.call, args, kwargs)

    def compute_output_shape(self, input_shape):
        return input_shape

    # -- for subclasses -----------------------------------------------------------------------------------------
    def _shape(self, data):
        """Shape of the images of `data`, of rank 3 or 4."""
        images = data["images"] if isinstance(data, dict) else data
        shape = tuple(ops.shape(images))
        if len(shape) not in (3, 4):
            raise ValueError(
                "Expected image tensor to have rank 3 (single image) or 4 (batch of images). Received: "
                f"{type(self).__name__}: data.shape={shape}"
            )
        return shape

    def _batch_size(self, data):
        shape = self._shape(data)
        return shape[0] if len(shape) == 4 else 1

    def _size(self, shape):
        """(height, width) of a shape of images."""
        return shape[self.height_axis], shape[self.width_axis]

    def _resized(self, shape, height, width):
        """A shape of images, or a dict with such shapes, with other sides."""
        if isinstance(shape, dict):
            moved = ("images", "segmentation_masks")
            return {k: self._resized(v, height, width) if k in moved else v for k, v in shape.items()}
        shape = list(shape)
        if len(shape) not in (3, 4) or any(isinstance(d, (list, tuple)) for d in shape):
            raise ValueError(
                "`input_shape` must be a non-nested tuple or list of rank-1 with size 3 (unbatched) or 4 (batched). Received: "
                f"input_shape={shape}"
            )
        shape[self.height_axis], shape[self.width_axis] = height, width
        return tuple(shape)

    def _uniform(self, shape, low=0.0, high=1.0, seed=None, dtype=None):
        return random.uniform(shape, low, high, seed=self.generator if seed is None else seed, dtype=dtype)

    def _in_range(self, images, original_range, target_range, dtype="float32"):
        """Pixel values moved linearly from one range to another."""
        if tuple(original_range) == tuple(target_range):
            return images
        low, high = original_range
        images = (ops.cast(images, dtype) - low) / (high - low)
        return images * (target_range[1] - target_range[0]) + target_range[0]

    def get_config(self):
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return {**config, **{name: getattr(self, name) for name in self._CONFIG}}


class ColorLayer(BaseImagePreprocessingLayer):
    """A layer that changes colours: boxes and masks stay as they are."""

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return segmentation_masks


def per_box(x, boxes):
    """Numbers (batch,), one for each image, so that they broadcast to its boxes (batch, n, 4), or (n, 4) of one image."""
    return ops.reshape(ops.convert_to_tensor(x), (-1, *[1] * (boxes.ndim - 1)))


def per_image(x):
    """Numbers (batch,), one for each image, as (batch, 1, 1, 1)."""
    return ops.reshape(ops.convert_to_tensor(x), (-1, 1, 1, 1))
