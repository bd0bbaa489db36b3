"""What Keras scripts take from `tensorflow` besides tensorflow.keras: functions over keras.ops with TensorFlow's names and arguments.

A function is made from an entry "tf_argument=ours, ..."; the arguments keep TensorFlow's order and names, and `name` is ignored.
"""

from __future__ import annotations

import functools
import inspect
import types

import numpy as np

from kerasgpu import ops, random
from kerasgpu.engine.tensor import numpy_dtype


class DType(str):
    """A dtype: the text that keras.ops takes, with the attributes that TensorFlow's dtypes have."""

    __slots__ = ()
    name = property(str.__str__)
    as_numpy_dtype = property(lambda self: numpy_dtype(str(self)).type)
    is_floating = property(lambda self: "float" in self)
    is_integer = property(lambda self: "int" in self)
    max = property(lambda self: self._limits().max)
    min = property(lambda self: self._limits().min)

    def _limits(self):
        kind = numpy_dtype(str(self))
        return np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)


DTYPES = {n: DType(n) for n in "float16 bfloat16 float32 float64 uint8 uint16 uint32 int8 int16 int32 int64 bool".split()}


class TensorShape(tuple):
    """A shape: a tuple with TensorFlow's methods."""

    rank = ndims = property(len)

    def as_list(self):
        return list(self)

    def is_fully_defined(self):
        return None not in self

    def num_elements(self):
        return None if None in self else int(np.prod(self))


def unnamed(function):
    """The function with an argument `name` that is ignored."""

    @functools.wraps(function)
    def call(*args, name=None, **kwargs):
        return function(*args, **kwargs)

    return call


def renamed(function, **names):
    """The function with other names for some of its arguments, and `name` ignored."""

    @functools.wraps(function)
    def call(*args, name=None, **kwargs):
        return function(*args, **{names.get(k, k): v for k, v in kwargs.items()})

    return call


def _first(function, theirs):
    """The function with `theirs` for the name of its first argument."""
    return renamed(function, **{theirs: next(iter(inspect.signature(function).parameters))})


# The same arguments in the same order, x first.
_ELEMENTWISE = """abs acos acosh add argmax argmin asin asinh atan atanh cos cosh equal exp expm1 floor greater greater_equal
    less less_equal log log1p logical_and logical_not logical_or logical_xor maximum minimum multiply not_equal round rsqrt sigmoid
    sign sin sinh sqrt square subtract tan tanh divide"""
_OTHER_NAMES = {
    **{n: f"arc{n[1:]}" for n in "acos acosh asin asinh atan atanh".split()},
}
_REDUCTIONS = {n: n for n in "all any max mean min prod sum logsumexp std".split()} | {"variance": "var"}


def _range(start, limit=None, delta=1, dtype=None):
    start, limit = (0, start) if limit is None else (start, limit)
    return ops.arange(
        start, limit, delta, dtype=dtype or (None if any(isinstance(v, float) for v in (start, limit, delta)) else "int32")
    )


def _one_hot(indices, depth, on_value=1.0, off_value=0.0, axis=-1, dtype="float32"):
    hot = ops.one_hot(indices, depth, axis=axis, dtype=dtype)
    return hot if (on_value, off_value) == (1.0, 0.0) else hot * (on_value - off_value) + off_value


def _print(*values, output_stream=None, sep=" ", end="\n", summarize=None):
    print(*(ops.convert_to_numpy(v) if hasattr(v, "device") else v for v in values), sep=sep, end=end)


def _gather(params, indices, axis=0, batch_dims=0):
    if batch_dims:
        raise NotImplementedError("tf.gather with batch_dims is not available: use keras.ops.take_along_axis")
    return ops.take(params, indices, axis=axis)


def _split(value, num_or_size_splits, axis=0):
    sizes = num_or_size_splits
    return ops.split(value, sizes if isinstance(sizes, int) else np.cumsum(sizes)[:-1].tolist(), axis=axis)


def _matmul(a, b, transpose_a=False, transpose_b=False):
    turn = lambda x, do: ops.swapaxes(x, -1, -2) if do else x
    return ops.matmul(turn(a, transpose_a), turn(b, transpose_b))


def _pad(tensor, paddings, mode="CONSTANT", constant_values=0):
    value = {"constant_values": constant_values} if mode.upper() == "CONSTANT" else {}
    return ops.pad(tensor, [tuple(map(int, p)) for p in paddings], mode=mode.lower(), **value)


def _constant(value, dtype=None, shape=None):
    made = ops.convert_to_tensor(value, dtype)
    if shape is None:
        return made
    return ops.broadcast_to(made, tuple(shape)) if made.ndim == 0 else ops.reshape(made, tuple(shape))


def _cast(x, dtype):
    return ops.cast(x, str(getattr(dtype, "name", dtype)))


def reductions() -> dict:
    made = {}
    for theirs, ours in _REDUCTIONS.items():
        made[f"reduce_{theirs}"] = _first(getattr(ops, ours), "input_tensor")
    return made


def elementwise() -> dict:
    return {n: unnamed(getattr(ops, _OTHER_NAMES.get(n, n))) for n in _ELEMENTWISE.split()}


def top_level() -> dict:
    """{name: function} of `tensorflow` itself."""
    elements = elementwise()
    not_there = "acosh expm1 log1p rsqrt".split()
    return {
        **{n: f for n, f in elements.items() if n not in not_there},
        **reductions(),
        **{n: _first(getattr(ops, n), "tensor") for n in ("reshape",)},
        **{n: _first(getattr(ops, n), "input") for n in ("expand_dims", "squeeze", "ones_like", "zeros_like", "shape")},
        **{
            n: unnamed(getattr(ops, n))
            for n in ("zeros", "ones", "stop_gradient", "linspace", "broadcast_to", "sort", "argsort")
        },
        "cast": unnamed(_cast),
        "clip_by_value": renamed(ops.clip, t="x", clip_value_min="x_min", clip_value_max="x_max"),
        "concat": renamed(ops.concatenate, values="xs"),
        "cond": unnamed(ops.cond),
        "constant": unnamed(_constant),
        "convert_to_tensor": renamed(ops.convert_to_tensor, value="x"),
        "cumsum": unnamed(lambda x, axis=0: ops.cumsum(x, axis)),
        "einsum": unnamed(ops.einsum),
        "eye": renamed(ops.eye, num_rows="N", num_columns="M"),
        "fill": unnamed(lambda dims, value: ops.full(dims, value)),
        "gather": unnamed(_gather),
        "identity": unnamed(ops.copy) if hasattr(ops, "copy") else unnamed(lambda input: input),
        "matmul": unnamed(_matmul),
        "meshgrid": unnamed(lambda *args, indexing="xy": ops.meshgrid(*args, indexing=indexing)),
        "norm": renamed(ops.norm, tensor="x"),
        "one_hot": unnamed(_one_hot),
        "pad": unnamed(_pad),
        "pow": unnamed(lambda x, y: ops.power(x, y)),
        "print": unnamed(_print),
        "range": unnamed(_range),
        "rank": unnamed(lambda input: len(input.shape)),
        "repeat": renamed(ops.repeat, input="x"),
        "reverse": unnamed(lambda tensor, axis: ops.flip(tensor, tuple(axis) if isinstance(axis, list) else axis)),
        "roll": unnamed(lambda input, shift, axis: ops.roll(input, shift, axis)),
        "size": unnamed(lambda input: ops.size(input)),
        "split": unnamed(_split),
        "stack": renamed(ops.stack, values="x"),
        "tensordot": unnamed(lambda a, b, axes: ops.tensordot(a, b, axes)),
        "tile": renamed(ops.tile, input="x", multiples="repeats"),
        "transpose": unnamed(lambda a, perm=None: ops.transpose(a, perm)),
        "unstack": unnamed(lambda value, num=None, axis=0: ops.unstack(value, num, axis)),
        "where": unnamed(lambda condition, x=None, y=None: ops.where(condition, x, y)),
        "map_fn": unnamed(lambda fn, elems: ops.stack([fn(e) for e in ops.unstack(elems)])),
        "py_function": unnamed(lambda func, inp, Tout=None: func(*inp)),
        "numpy_function": unnamed(lambda func, inp, Tout=None: func(*(np.asarray(x) for x in inp))),
    }


def math() -> dict:
    """tf.math."""
    more = {
        n: unnamed(getattr(ops, n)) for n in ("erf", "floor_divide", "mod", "real", "imag", "segment_sum", "top_k", "softplus")
    }
    confusion = {"pow": unnamed(lambda x, y: ops.power(x, y)), "cumsum": unnamed(lambda x, axis=0: ops.cumsum(x, axis))}
    named = {n: unnamed(getattr(ops, n)) for n in ("isnan", "isinf", "isfinite", "reciprocal", "ceil")}
    special = {"is_nan": named["isnan"], "is_inf": named["isinf"], "is_finite": named["isfinite"]}
    ours = {"ceil": named["ceil"], "reciprocal": named["reciprocal"], "l2_normalize": unnamed(_l2_normalize)}
    return {**elementwise(), **reductions(), **more, **confusion, **special, **ours, "in_top_k": unnamed(ops.in_top_k)}


def linalg() -> dict:
    """tf.linalg."""
    same = {
        n: unnamed(getattr(ops, n))
        for n in ("cholesky", "det", "inv", "norm", "qr", "eigh", "solve", "trace", "cross", "einsum")
    }
    matvec = lambda a, b: ops.squeeze(ops.matmul(a, ops.expand_dims(b, -1)), -1)
    diagonals = {"diag_part": unnamed(ops.diagonal), "l2_normalize": unnamed(_l2_normalize), "eye": top_level()["eye"]}
    return {**same, **diagonals, "matmul": unnamed(_matmul), "matvec": unnamed(matvec)}


def _l2_normalize(x, axis=None, epsilon=1e-12):
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, True), epsilon))


def _layout(data_format):
    return "channels_first" if str(data_format).startswith("NC") else "channels_last"


def _inner(sizes, data_format):
    """The spatial sizes of TensorFlow's strides or windows: one, two, or all four with batch and channels."""
    if isinstance(sizes, int) or len(sizes) < 4:
        return sizes if isinstance(sizes, int) or len(sizes) > 1 else sizes[0]
    return tuple(sizes[2:4]) if str(data_format).startswith("NC") else tuple(sizes[1:3])


def _conv2d(input, filters, strides, padding, data_format="NHWC", dilations=1):
    form, stride = _layout(data_format), _inner(strides, data_format)
    return ops.conv(input, filters, stride, padding.lower(), form, _inner(dilations or 1, data_format))


def _pool(function):
    def pool(input, ksize, strides, padding, data_format="NHWC"):
        window, stride = _inner(ksize, data_format), _inner(strides, data_format)
        return function(input, window, stride, padding.lower(), _layout(data_format))

    return unnamed(pool)


def _softmax_cross_entropy(labels, logits, axis=-1):
    return ops.categorical_crossentropy(labels, logits, True, axis)


def nn() -> dict:
    """tf.nn."""
    plain = "elu gelu log_softmax relu relu6 selu sigmoid silu softmax softplus softsign tanh"
    crosses: dict = {
        "sigmoid_cross_entropy_with_logits": lambda labels, logits: ops.binary_crossentropy(labels, logits, True),
        "softmax_cross_entropy_with_logits": _softmax_cross_entropy,
        "sparse_softmax_cross_entropy_with_logits": lambda labels, logits: ops.sparse_categorical_crossentropy(
            labels, logits, True
        ),
    }
    return {
        **{n: renamed(getattr(ops, n), features="x", logits="x") for n in plain.split()},
        **{n: unnamed(f) for n, f in crosses.items()},
        "avg_pool2d": _pool(ops.average_pool),
        "bias_add": unnamed(lambda value, bias: value + bias),
        "conv2d": unnamed(_conv2d),
        "dropout": unnamed(lambda x, rate, noise_shape=None, seed=None: random.dropout(x, rate, noise_shape, seed)),
        "embedding_lookup": unnamed(lambda params, ids: ops.take(params, ids, axis=0)),
        "l2_loss": unnamed(lambda t: ops.sum(ops.square(t)) / 2),
        "l2_normalize": unnamed(_l2_normalize),
        "leaky_relu": unnamed(lambda features, alpha=0.2: ops.leaky_relu(features, alpha)),
        "max_pool2d": _pool(ops.max_pool),
        "moments": unnamed(lambda x, axes, shift=None, keepdims=False: ops.moments(x, axes, keepdims)),
        "swish": renamed(ops.silu, features="x"),
        "top_k": unnamed(lambda input, k=1, sorted=True: ops.top_k(input, k, sorted)),
    }


def _convert(image, dtype, saturate=False):
    image = ops.convert_to_tensor(image)
    scale = lambda kind: 1.0 if "float" in kind else float(np.iinfo(kind).max)
    have, want = str(image.dtype), str(getattr(dtype, "name", dtype))
    if have == want:
        return image
    return ops.cast(ops.cast(image, "float32" if "float" not in have else have) * (scale(want) / scale(have)), want)


def _crop(image, top, left, height, width):
    return image[..., top : top + height, left : left + width, :]


def _sometimes(function):
    """The flip with probability 1/2."""

    def flip(image, seed=None):
        return ops.where(random.uniform((), seed=seed) < 0.5, function(image), image)

    return flip


def image() -> dict:
    """tf.image: images (..., height, width, channels)."""

    def across(image):
        return ops.flip(image, -2)

    def over(image):
        return ops.flip(image, -3)

    center = lambda image: ops.mean(image, (-3, -2), keepdims=True)
    adjust = lambda images, contrast_factor: (images - center(images)) * contrast_factor + center(images)

    def standardize(image):
        image = ops.cast(image, "float32")
        size = float(np.prod(image.shape[-3:]))
        deviation = ops.std(image, (-3, -2, -1), keepdims=True)
        return (image - ops.mean(image, (-3, -2, -1), keepdims=True)) / ops.maximum(deviation, size**-0.5)

    def resize(images, size, method="bilinear", preserve_aspect_ratio=False, antialias=False):
        images = ops.convert_to_tensor(images)
        return ops.image.resize(
            images if method == "nearest" else ops.cast(images, "float32"), tuple(map(int, size)), method, antialias
        )

    def brightness(image, max_delta, seed=None):
        return image + random.uniform((), -max_delta, max_delta, seed=seed)

    made: dict = {
        "adjust_brightness": lambda image, delta: image + delta,
        "adjust_contrast": adjust,
        "central_crop": lambda image, fraction: _central(image, fraction),
        "convert_image_dtype": _convert,
        "crop_to_bounding_box": lambda image, offset_height, offset_width, target_height, target_width: _crop(
            image, offset_height, offset_width, target_height, target_width
        ),
        "flip_left_right": across,
        "flip_up_down": over,
        "per_image_standardization": standardize,
        "random_brightness": brightness,
        "random_flip_left_right": _sometimes(across),
        "random_flip_up_down": _sometimes(over),
        "resize": resize,
        "rgb_to_grayscale": ops.image.rgb_to_grayscale,
        "rot90": lambda image, k=1: ops.rot90(image, k, axes=(-3, -2)),
    }
    return {n: unnamed(f) for n, f in made.items()}


def _central(image, fraction):
    height, width = image.shape[-3:-1]
    top, left = (int((n - n * fraction) / 2) for n in (height, width))
    return _crop(image, top, left, height - 2 * top, width - 2 * left)


def random_numbers(set_seed) -> dict:
    """tf.random."""
    return {
        "categorical": unnamed(
            lambda logits, num_samples, dtype=None, seed=None: random.categorical(logits, num_samples, dtype or "int32", seed)
        ),
        "normal": unnamed(
            lambda shape, mean=0.0, stddev=1.0, dtype="float32", seed=None: random.normal(shape, mean, stddev, dtype, seed)
        ),
        "set_seed": set_seed,
        "shuffle": unnamed(lambda value, seed=None: random.shuffle(value, seed=seed)),
        "truncated_normal": unnamed(
            lambda shape, mean=0.0, stddev=1.0, dtype="float32", seed=None: random.truncated_normal(
                shape, mean, stddev, dtype, seed
            )
        ),
        "uniform": unnamed(_uniform),
    }


def _uniform(shape, minval=0, maxval=None, dtype="float32", seed=None):
    if "int" in str(dtype):
        return random.randint(shape, minval, maxval, dtype, seed)
    return random.uniform(shape, minval, 1.0 if maxval is None else maxval, dtype, seed)


def namespace(**names):
    return types.SimpleNamespace(**names)
