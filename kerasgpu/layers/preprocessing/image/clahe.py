"""ContrastLimitedAdaptiveHistogramEqualization (Zuiderveld 1994, Graphics Gems IV)."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import ColorLayer
from kerasgpu.ops.image.histogram import level_counts


class ContrastLimitedAdaptiveHistogramEqualization(ColorLayer):
    """Values spread by the histograms of the tiles around each pixel, in training and inference.

    Each channel of each tile has a histogram, cut at clip_limit, whose cumulative sum maps values; between the middles of tiles
    the maps are interpolated.

    Args:
        value_range: of the pixels: (lowest, highest).
        clip_limit: how often a value may occur, as a multiple of the mean; 0 for no limit.
        tile_grid_size: number of tiles along (height, width).
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
    >>> layer(keras.ops.ones((1, 8, 8, 3))).shape
    (1, 8, 8, 3)
    """

    _CONFIG = ("value_range", "clip_limit", "tile_grid_size", "data_format")

    def __init__(self, value_range=(0, 255), clip_limit=4.0, tile_grid_size=(8, 8), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = value_range
        self.clip_limit = clip_limit
        self.tile_grid_size = tile_grid_size

    def transform_images(self, images, transformation=None, training=True):
        images = ops.convert_to_tensor(images)
        single = images.ndim == 3
        x = ops.expand_dims(images, 0) if single else images
        first = self.data_format == "channels_first"
        x = ops.cast(ops.transpose(x, (0, 2, 3, 1)) if first else x, "float32")
        x = self._in_range(self._equalized(self._in_range(x, self.value_range, (0, 255))), (0, 255), self.value_range)
        x = ops.transpose(x, (0, 3, 1, 2)) if first else x
        return ops.cast(ops.squeeze(x, 0) if single else x, images.dtype)

    def _equalized(self, x):
        batch, height, width, channels = x.shape
        rows, columns = self.tile_grid_size
        tile = -(-height // rows), -(-width // columns)
        missing = tile[0] * rows - height, tile[1] * columns - width
        if any(missing):
            x = ops.pad(x, [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")
        levels = ops.cast(ops.clip(x, 0, 255), "int32")
        tables = self._tables(levels, tile)
        # Pixel (y, x) lies between the middles of tiles y0 and y0 + 1; outside the first and last middle there is one map.
        y0, y1, weight_y = _neighbours(x.shape[1], tile[0], rows)
        x0, x1, weight_x = _neighbours(x.shape[2], tile[1], columns)
        image = ops.reshape(ops.arange(batch, dtype="int32"), (batch, 1, 1, 1))
        channel = ops.arange(channels, dtype="int32")

        def read(row, column):
            place = (image * rows + ops.reshape(row, (1, -1, 1, 1))) * columns + ops.reshape(column, (1, 1, -1, 1))
            return ops.take(tables, (place * channels + channel) * 256 + levels)

        weight_y, weight_x = ops.reshape(weight_y, (1, -1, 1, 1)), ops.reshape(weight_x, (1, 1, -1, 1))
        top = read(y0, x0) * (1.0 - weight_x) + read(y0, x1) * weight_x
        bottom = read(y1, x0) * (1.0 - weight_x) + read(y1, x1) * weight_x
        return (top * (1.0 - weight_y) + bottom * weight_y)[:, :height, :width]

    def _tables(self, levels, tile):
        """The map of each level: flat, in the order (batch, tile row, tile column, channel, 256)."""
        batch, _, _, channels = levels.shape
        rows, columns = self.tile_grid_size
        size = tile[0] * tile[1]
        tiles = ops.reshape(levels, (batch, rows, tile[0], columns, tile[1], channels))
        tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 5, 2, 4)), (batch * rows * columns * channels, size))
        counts = ops.cast(level_counts(tiles, 256), "float32")
        if self.clip_limit > 0:
            cut = ops.minimum(counts, self.clip_limit * size / 256.0)
            counts = cut + ops.sum(counts - cut, axis=-1, keepdims=True) / 256.0
        total = ops.cumsum(counts, axis=-1)
        low = ops.min(total, axis=-1, keepdims=True)
        rest = size - low
        table = ops.clip((total - low) * 255.0 / ops.where(ops.equal(rest, 0), 1.0, rest), 0, 255)
        return ops.reshape(table, (-1,))


def _neighbours(length, tile, count):
    """For each position along an axis: the tiles before and after it, and the weight of the second."""
    place = (ops.arange(length, dtype="float32") - tile / 2.0) / tile
    low = ops.floor(place)
    before, after = (ops.cast(ops.clip(k, 0, count - 1), "int32") for k in (low, low + 1.0))
    return before, after, place - low
