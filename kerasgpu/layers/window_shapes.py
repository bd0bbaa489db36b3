"""Sizes that windows give: outputs of convolutions and pooling per spatial axis, where None is an unknown size."""

from __future__ import annotations

PADDINGS = ("valid", "same")


def standardize_padding(padding, allowed=PADDINGS):
    """`padding` in lower case; ValueError unless it is one of `allowed`."""
    found = padding.lower() if isinstance(padding, str) else padding
    if found not in allowed:
        raise ValueError(f"The `padding` argument must be one of {set(allowed)}. Received: padding={padding}")
    return found


def spatial_axes(rank, data_format):
    """The positions of the spatial axes in (batch, *spatial, channels) or (batch, channels, *spatial)."""
    first = 1 if data_format == "channels_last" else 2
    return range(first, first + rank)


def replace_spatial(shape, sizes, channels, data_format):
    """(batch, *sizes, channels) in the order of data_format, batch from `shape`."""
    return (shape[0], *sizes, channels) if data_format == "channels_last" else (shape[0], channels, *sizes)


def window_sizes(layer, input_shape, window, strides, padding, dilation):
    """How many windows fit along each spatial axis: n / s rounded up for "same" and "causal", else (n - reach) / s + 1.

    Raises ValueError, naming the layer and the sizes, where no window fits.
    """
    sizes = []
    for axis, k, s, d in zip(spatial_axes(layer.rank, layer.data_format), window, strides, dilation):
        n = input_shape[axis]
        if n is None:
            sizes.append(None)
            continue
        size = -(-n // s) if padding != "valid" else (n - (k - 1) * d - 1) // s + 1
        if size <= 0:
            raise ValueError(
                f"Computed output size would be zero or negative. Layer '{layer.name}' ({type(layer).__name__}) received "
                f"an input of shape {tuple(input_shape)} for windows of {tuple(window)}, strides={tuple(strides)}, "
                f"dilation_rate={tuple(dilation)}, padding='{padding}'. Use larger inputs, a smaller window, or "
                "padding='same'"
            )
        sizes.append(size)
    return tuple(sizes)


def transposed_sizes(layer, input_shape, window, strides, padding, output_padding, dilation):
    """The sizes that a transposed convolution gives along each spatial axis."""
    sizes = []
    extras = output_padding or (None,) * layer.rank
    for axis, k, s, d, extra in zip(spatial_axes(layer.rank, layer.data_format), window, strides, dilation, extras):
        n = input_shape[axis]
        reach = (k - 1) * d + 1
        if n is None:
            sizes.append(None)
        elif extra is not None:
            sizes.append((n - 1) * s + reach + extra - (2 * (reach // 2) if padding == "same" else 0))
        else:
            sizes.append(n * s + (max(reach - s, 0) if padding == "valid" else 0))
    return tuple(sizes)
