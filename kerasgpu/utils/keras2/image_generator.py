"""ImageDataGenerator: settings of random changes to images, and iterators over arrays, folders and tables of files."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import config
from kerasgpu.utils.keras2 import image_transforms
from kerasgpu.utils.keras2.file_iterators import DataFrameIterator, DirectoryIterator
from kerasgpu.utils.keras2.image_iterators import NumpyArrayIterator


class ImageDataGenerator:
    """Batches of images with random changes, as Keras 2 made them. New code does better with keras.layers.RandomRotation and its like.

    Args:
        featurewise_center, featurewise_std_normalization: subtract the mean of the data, divide by its deviation; `fit(x)` first.
        samplewise_center, samplewise_std_normalization: the same with those of each image.
        zca_whitening, zca_epsilon: ZCA whitening; `fit(x)` first.
        rotation_range: most degrees of a random rotation.
        width_shift_range, height_shift_range: a share of the size below 1, pixels from 1 on, or a list of shifts to choose from.
        brightness_range: (lowest, highest) factor.
        shear_range: most degrees of shear.
        zoom_range: (lowest, highest) factor, or z for (1 - z, 1 + z).
        channel_shift_range: most that is added to all channels.
        fill_mode, cval: beyond the border: "nearest", "reflect", "wrap", or "constant" with the value cval.
        horizontal_flip, vertical_flip: whether half of the images are flipped.
        rescale: factor for all values, after the random changes.
        preprocessing_function: of an image of 3 dimensions, after the random changes and before `rescale`.
        data_format: "channels_last", "channels_first", or None for the configured one.
        validation_split: the share that subset="validation" takes.
        interpolation_order: 0 or 1.
        dtype: of the batches, None for the configured float.

    >>> import numpy as np, kerasgpu as keras
    >>> made = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, rotation_range=10)
    >>> x, y = next(made.flow(np.full((5, 8, 8, 3), 255), np.arange(5), batch_size=4))
    >>> x.shape, float(x.max()), y.shape
    ((4, 8, 8, 3), 1.0, (4,))
    """

    def __init__(
        self,
        featurewise_center=False,
        samplewise_center=False,
        featurewise_std_normalization=False,
        samplewise_std_normalization=False,
        zca_whitening=False,
        zca_epsilon=1e-6,
        rotation_range=0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        brightness_range=None,
        shear_range=0.0,
        zoom_range=0.0,
        channel_shift_range=0.0,
        fill_mode="nearest",
        cval=0.0,
        horizontal_flip=False,
        vertical_flip=False,
        rescale=None,
        preprocessing_function=None,
        data_format=None,
        validation_split=0.0,
        interpolation_order=1,
        dtype=None,
    ):
        self.data_format = data_format or config.image_data_format()
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"`data_format` must be 'channels_last' or 'channels_first'. Received: {data_format!r}")
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` must be between 0 and 1. Received: {validation_split}")
        if fill_mode not in image_transforms.FILL_MODES:
            raise ValueError(f"`fill_mode` must be one of {', '.join(image_transforms.FILL_MODES)}. Received: {fill_mode!r}")
        self._validation_split = validation_split
        if isinstance(zoom_range, (float, int)):
            zoom_range = (1 - zoom_range, 1 + zoom_range)
        self.zoom_range = list(image_transforms.pair("zoom_range", zoom_range))
        self.brightness_range = (
            None if brightness_range is None else image_transforms.pair("brightness_range", brightness_range)
        )
        self.featurewise_std_normalization = featurewise_std_normalization
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.samplewise_std_normalization = samplewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range, self.channel_shift_range = rotation_range, shear_range, channel_shift_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.dtype = dtype or config.floatx()
        self.mean = self.std = self.zca_whitening_matrix = None

    def flow(
        self,
        x,
        y=None,
        batch_size=32,
        shuffle=True,
        sample_weight=None,
        seed=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        ignore_class_split=False,
        subset=None,
    ):
        """Batches of arrays: x (images, ...) or (x, [other inputs]), y, sample_weight. See NumpyArrayIterator."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            ignore_class_split=ignore_class_split,
            subset=subset,
        )

    def flow_from_directory(self, directory, target_size=(256, 256), **kwargs):
        """Batches of the images of a folder with a folder for each class. See DirectoryIterator for the arguments."""
        return DirectoryIterator(directory, self, target_size, **kwargs)

    def flow_from_dataframe(self, dataframe, directory=None, x_col="filename", y_col="class", **kwargs):
        """Batches of the images that a pandas table names. See DataFrameIterator for the arguments."""
        return DataFrameIterator(dataframe, directory, self, x_col=x_col, y_col=y_col, **kwargs)

    def standardize(self, x):
        """preprocessing_function, rescale, centre, deviation and whitening of one image, or of a batch."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x = x - self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x = x / (self.std + 1e-6)
        if self.zca_whitening and self._fitted("zca_whitening", self.zca_whitening_matrix):
            x = (x.reshape(-1, len(self.zca_whitening_matrix)) @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _fitted(self, what, value):
        if value is None:
            warnings.warn(
                f"ImageDataGenerator with {what} leaves the images as they are until fit(x) has seen training images.",
                stacklevel=4,
            )
        return value is not None

    def _shift(self, shift_range, size):
        """A random shift in pixels: a choice of a list or below an integer with a random sign, or within a float."""
        if np.ndim(shift_range) == 0 and not shift_range:
            return 0
        if np.ndim(shift_range) or isinstance(shift_range, (int, np.integer)):
            shift = np.random.choice(shift_range) * np.random.choice([-1, 1])
        else:
            shift = np.random.uniform(-shift_range, shift_range)
        return shift * size if np.max(shift_range) < 1 else shift

    def get_random_transform(self, img_shape, seed=None):
        """The settings of one random change, a dict, for an image of this shape."""
        if seed is not None:
            np.random.seed(seed)
        within = lambda most: np.random.uniform(-most, most) if most else 0
        theta = within(self.rotation_range)
        ty = self._shift(self.height_shift_range, img_shape[self.row_axis - 1])
        tx = self._shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = within(self.shear_range)
        zx, zy = image_transforms.zoom_factors(self.zoom_range)
        flips = [bool((np.random.random() < 0.5) * wanted) for wanted in (self.horizontal_flip, self.vertical_flip)]
        shift = within(self.channel_shift_range) if self.channel_shift_range else None
        brightness = None if self.brightness_range is None else np.random.uniform(*self.brightness_range)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flips[0],
            "flip_vertical": flips[1],
            "channel_shift_intensity": shift,
            "brightness": brightness,
        }

    def apply_transform(self, x, transform_parameters):
        """One image with the change that the dict says (keys as in get_random_transform; what is left out changes nothing)."""
        row, column, channel = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        get = transform_parameters.get
        moved = [get(k, default) for k, default in (("theta", 0), ("tx", 0), ("ty", 0), ("shear", 0), ("zx", 1), ("zy", 1))]
        x = image_transforms.apply_affine_transform(
            x, *moved, row, column, channel, self.fill_mode, self.cval, self.interpolation_order
        )
        if get("channel_shift_intensity") is not None:
            x = image_transforms.apply_channel_shift(x, get("channel_shift_intensity"), channel)
        if get("flip_horizontal"):
            x = np.flip(x, column)
        if get("flip_vertical"):
            x = np.flip(x, row)
        if get("brightness") is not None:
            last = np.moveaxis(x, channel, -1)
            shifted = image_transforms.apply_brightness_shift(last, get("brightness"), False)
            if config.image_data_format() == "channels_first":
                shifted = np.moveaxis(shifted, 0, -1)
            x = np.moveaxis(shifted, -1, channel)
        return x

    def random_transform(self, x, seed=None):
        """One image with a random change."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Mean, deviation and whitening of training images (images, ...); augment: of `rounds` random changes of them."""
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(f"ImageDataGenerator.fit takes images of 4 dimensions (images, ...). Received shape: {x.shape}")
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.stack([self.random_transform(image) for _ in range(rounds) for image in x])
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes, keepdims=True)[0]
            x /= self.std + 1e-6
        if self.zca_whitening:
            u, s, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(x)) / (s + self.zca_epsilon))) @ u.T
