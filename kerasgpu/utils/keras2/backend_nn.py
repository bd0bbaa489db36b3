"""`keras.backend` of Keras 2: activations, losses, convolutions, padding and CTC with its argument names."""

from __future__ import annotations

from kerasgpu import config, ops, random
from kerasgpu.activations import relu as _relu
from kerasgpu.losses import binary_focal_crossentropy as _binary_focal
from kerasgpu.losses import categorical_focal_crossentropy as _categorical_focal


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """max(x, threshold) with slope alpha below it, at most max_value."""
    return _relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def elu(x, alpha=1.0):
    """x above 0, alpha (exp(x) - 1) below."""
    return ops.elu(x, alpha)


def hard_sigmoid(x):
    """clip(0.2 x + 0.5, 0, 1), as it was in Keras 2; that of Keras 3 has the slope 1/6."""
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def softmax(x, axis=-1):
    """exp(x) divided by its sum along an axis."""
    return ops.softmax(x, axis)


def dropout(x, level, noise_shape=None, seed=None):
    """x with a share `level` of its values set to 0, the others scaled up."""
    return random.dropout(x, level, noise_shape, seed)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1, ignore_class=None):
    """-log of the probability of the target class; 0 where the target is ignore_class."""
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)
    target = ops.convert_to_tensor(target)
    ignored = ops.equal(target, ignore_class)
    losses = ops.sparse_categorical_crossentropy(ops.where(ignored, 0, target), output, from_logits, axis)
    return ops.where(ignored, 0.0, losses)


def binary_focal_crossentropy(target, output, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False):
    """Binary cross-entropy times (1 - probability of the truth)^gamma, element by element."""
    # The loss of Keras 3 is a mean over the last axis, which is here the element alone.
    alone = (ops.expand_dims(x, -1) for x in (target, output))
    return _binary_focal(*alone, apply_class_balancing, alpha, gamma, from_logits)


def categorical_focal_crossentropy(target, output, alpha=0.25, gamma=2.0, from_logits=False, axis=-1):
    """Categorical cross-entropy with alpha (1 - probability)^gamma, summed over the classes."""
    return _categorical_focal(target, output, alpha, gamma, from_logits, 0.0, axis)


def bias_add(x, bias, data_format=None):
    """x + bias, the bias along the channels; a bias of the rank of an example is added as it is."""
    rank, sizes = len(x.shape), tuple(bias.shape)
    first = (data_format or config.image_data_format()) == "channels_first"
    if len(sizes) not in (1, rank - 1):
        raise ValueError(
            f"keras.backend.bias_add: the bias must be a vector or have {rank - 1} dimensions. Received shapes: "
            f"{tuple(x.shape)} and {sizes}"
        )
    if first and rank > 2:
        sizes = (sizes[-1], *(sizes[:-1] or [1] * (rank - 2)))
        bias = ops.reshape(bias, sizes) if len(bias.shape) == 1 else ops.moveaxis(bias, -1, 0)
    return x + bias


def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """(x - mean) / sqrt(var + epsilon) * gamma + beta; gamma and beta may be None."""
    vector = lambda v: None if v is None else ops.reshape(v, (-1,))
    return ops.batch_normalization(x, vector(mean), vector(var), axis, vector(beta), vector(gamma), epsilon)


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution over (batch, steps, channels); kernel (size, channels, filters). padding="causal" looks back only."""
    if padding == "causal":
        back = dilation_rate * (kernel.shape[0] - 1)
        first = (data_format or config.image_data_format()) == "channels_first"
        x = ops.pad(x, [[0, 0], [0, 0], [back, 0]] if first else [[0, 0], [back, 0], [0, 0]])
        padding = "valid"
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """The transposed convolution; kernel (height, width, filters, channels). output_shape: sizes, batch and filters included."""
    first = (data_format or config.image_data_format()) == "channels_first"
    wanted = tuple(output_shape)[2:4] if first else tuple(output_shape)[1:3]
    have = tuple(x.shape)[2:4] if first else tuple(x.shape)[1:3]
    extra = None
    if all(isinstance(n, int) for n in (*wanted, *have)):
        back = lambda k: k // 2 if padding == "same" else 0
        extra = tuple(w - ((h - 1) * s + k - 2 * back(k)) for w, h, s, k in zip(wanted, have, _pair(strides), kernel.shape))
    return ops.conv_transpose(x, kernel, strides, padding, extra, data_format, dilation_rate)


def _pair(n):
    return (n, n) if isinstance(n, int) else tuple(n)


def depthwise_conv2d(x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """A convolution of each channel by its own filters; kernel (height, width, channels, multiplier)."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def conv(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution; kernel (sizes, channels, filters)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def pool(x, pool_size, strides=1, padding="valid", data_format=None, pool_mode="max"):
    """The largest value, or with pool_mode="avg" the mean, of each window. Strides are 1 unless given."""
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"keras.backend.pool2d: pool_mode must be 'max' or 'avg'. Received: {pool_mode!r}")
    return (ops.max_pool if pool_mode == "max" else ops.average_pool)(x, pool_size, strides, padding, data_format)


def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images enlarged by whole factors."""
    first = data_format == "channels_first"
    height, width = tuple(x.shape)[2:4] if first else tuple(x.shape)[1:3]
    return ops.image.resize(x, (height * height_factor, width * width_factor), interpolation, data_format=data_format)


def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes enlarged by whole factors: every value repeated."""
    begin = 2 if data_format == "channels_first" else 1
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), begin):
        x = ops.repeat(x, factor, axis=axis)
    return x


def temporal_padding(x, padding=(1, 1)):
    """Zeros before and after the second dimension of (batch, steps, features)."""
    return ops.pad(x, [(0, 0), tuple(padding), (0, 0)])


def _spatial_padding(x, padding, data_format):
    sides = [tuple(p) for p in padding]
    first = (data_format or config.image_data_format()) == "channels_first"
    return ops.pad(x, [(0, 0), (0, 0), *sides] if first else [(0, 0), *sides, (0, 0)])


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around images."""
    return _spatial_padding(x, padding, data_format)


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around volumes."""
    return _spatial_padding(x, padding, data_format)


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """The CTC loss of each example, (batch, 1).

    Args:
        y_true: class numbers (batch, labels).
        y_pred: probabilities (batch, steps, classes); the last class is the blank.
        input_length: steps of each example, (batch, 1).
        label_length: labels of each example, (batch, 1).
    """
    lengths = (ops.reshape(ops.cast(n, "int32"), (-1,)) for n in (label_length, input_length))
    logits = ops.log(ops.convert_to_tensor(y_pred) + config.epsilon())
    losses = ops.ctc_loss(ops.cast(y_true, "int32"), logits, *lengths, mask_index=logits.shape[-1] - 1)
    return ops.expand_dims(losses, 1)


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """The most probable labels of CTC outputs.

    Args:
        y_pred: probabilities (batch, steps, classes); the last class is the blank.
        input_length: steps of each example, (batch,).
        greedy: the best class of each step; else a beam search.
        beam_width, top_paths: of the beam search.

    Returns (a list of class numbers (batch, steps), one a path, -1 where there are no more; log-probabilities (batch, paths), for
    greedy decoding with the sign turned).
    """
    logits = ops.log(ops.convert_to_tensor(y_pred) + config.epsilon())
    paths, scores = ops.ctc_decode(
        logits,
        ops.reshape(ops.cast(input_length, "int32"), (-1,)),
        "greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=1 if greedy else top_paths,
        merge_repeated=greedy,
        mask_index=logits.shape[-1] - 1,
    )
    steps = logits.shape[1]
    fill = steps - paths.shape[-1]
    paths = ops.pad(paths, [(0, 0), (0, 0), (0, fill)], constant_values=-1) if fill > 0 else paths
    return [paths[k] for k in range(paths.shape[0])], scores
