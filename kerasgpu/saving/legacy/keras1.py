"""Keras 1: `nb_filter`, `border_mode`, `dim_ordering`, `W_regularizer`, `output_dim`, Merge, MaxoutDense, Highway."""

from __future__ import annotations

from kerasgpu.saving.legacy.era import ANY, Era

_INITIALIZERS = {
    "uniform": "random_uniform",
    "normal": "random_normal",
    "zero": "zeros",
    "one": "ones",
}
_ORDERINGS = {"th": "channels_first", "tf": "channels_last"}
_REGULARIZERS = ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer")
_CONSTRAINTS = {"MaxNorm": {"m": "max_value"}, "NonNeg": {}, "UnitNorm": {}, "MinMaxNorm": {}}
_PADS_2D = ("top_pad", "bottom_pad", "left_pad", "right_pad")


def _values(config):
    """Values whose vocabulary changed, whatever class they belong to."""
    made = {}
    for key, value in config.items():
        if key in ("data_format", "dim_ordering") and value in _ORDERINGS:
            value = _ORDERINGS[value]
        elif key.endswith("init") and isinstance(value, str):
            value = _INITIALIZERS.get(value, value)
        elif isinstance(value, dict) and "class_name" not in value and isinstance(value.get("name"), str):
            value = _named(value)
        made[key] = value
    return made


def _named(value):
    """A regularizer or constraint: {"name": class, its arguments}."""
    inner = dict(value)
    name = inner.pop("name")
    if name in _REGULARIZERS:
        return {"class_name": "L1L2", "config": {k: inner[k] for k in ("l1", "l2") if k in inner}}
    if name in _CONSTRAINTS:
        return {"class_name": name, "config": {_CONSTRAINTS[name].get(k, k): v for k, v in inner.items()}}
    if name == "EigenvalueRegularizer":
        raise ValueError("the model has an EigenvalueRegularizer, which Keras has had no more since version 2")
    return value


def _conv1d(name, config):
    config["kernel_size"] = config.pop("filter_length", None)
    config["strides"] = config.pop("subsample_length", config.pop("subsample", 1))
    return name, config


def _conv2d(name, config):
    if "nb_row" in config:
        config["kernel_size"] = [config.pop("nb_row"), config.pop("nb_col")]
    return name, config


def _conv3d(name, config):
    if "kernel_dim1" in config:
        config["kernel_size"] = [config.pop(f"kernel_dim{k}") for k in (1, 2, 3)]
    return name, config


def _padding(name, config):
    padding = config.get("padding")
    if isinstance(padding, dict):
        if name == "ZeroPadding1D":
            config["padding"] = [padding.get("left_pad", 0), padding.get("right_pad", 0)]
        else:
            top, bottom, left, right = (padding.get(k, 0) for k in _PADS_2D)
            config["padding"] = [[top, bottom], [left, right]]
    elif isinstance(padding, list) and name == "ZeroPadding2D" and len(padding) == 4:
        config["padding"] = [padding[:2], padding[2:]]
    return name, config


def _batch_normalization(name, config):
    mode = config.pop("mode", 0)
    if mode == 1:
        raise ValueError(
            f"layer '{config.get('name')}' is a BatchNormalization with mode=1 (per sample), which Keras has had no more "
            "since version 2"
        )
    return name, config


def _merge(name, config):
    mode = config.pop("mode", "sum")
    for key in ("arguments", "output_shape", "output_mask", "mode_type", "output_shape_type", "output_mask_type"):
        config.pop(key, None)
    axis, dot_axes = config.pop("concat_axis", -1), config.pop("dot_axes", -1)
    classes = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average", "max": "Maximum"}
    if mode in classes:
        return classes[mode], {**config, "axis": axis} if mode == "concat" else config
    if mode in ("dot", "cos"):
        axes = [a[0] if isinstance(a, list) else a for a in dot_axes] if isinstance(dot_axes, list) else dot_axes
        return "Dot", {**config, "axes": axes, "normalize": mode == "cos"}
    raise ValueError(
        f"layer '{config.get('name')}' is a Merge with a function of its own as its mode; code from a file is never executed. "
        "Make the model in code and call load_weights()"
    )


def _time_distributed_dense(name, config):
    outer = {k: config.pop(k) for k in ("batch_input_shape", "input_dtype") if k in config}
    label, trainable = config.pop("name"), config.pop("trainable", True)
    for key in ("input_dim", "input_length"):
        config.pop(key, None)
    inner = {"class_name": "Dense", "config": {**config, "name": f"{label}_dense", "trainable": trainable}}
    return "TimeDistributed", {**outer, "name": label, "trainable": trainable, "layer": inner}


def _lstm(name, config):
    forget = config.pop("forget_bias_init", None)
    if name == "LSTM":
        config["unit_forget_bias"] = forget in ("one", "ones")
    return _recurrent(name, config)


def _recurrent(name, config):
    if name == "GRU":
        config["reset_after"] = False
    for key in ("consume_less", "input_dim", "input_length"):
        config.pop(key, None)
    return name, config


def _gone(name, config):
    raise ValueError(f"layer '{config.get('name')}' is a {name}, which Keras has had no more since version 2")


def _with_values(rewrite=None):
    def rewritten(name, config):
        config = _values(config)
        return rewrite(name, config) if rewrite else (name, config)

    return rewritten


class _Rewrites(dict):
    """Every class has its values translated; those in the table more than that."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return _with_values()


_SPECIAL = {
    **dict.fromkeys(("Convolution1D", "AtrousConvolution1D", "Conv1D"), _conv1d),
    **dict.fromkeys(
        ("Convolution2D", "AtrousConvolution2D", "AtrousConv2D", "Deconvolution2D", "SeparableConvolution2D", "Conv2D"), _conv2d
    ),
    "ConvLSTM2D": lambda name, config: _recurrent(*_conv2d(name, config)),
    "Convolution3D": _conv3d,
    "ZeroPadding1D": _padding,
    "ZeroPadding2D": _padding,
    "BatchNormalization": _batch_normalization,
    "Merge": _merge,
    "TimeDistributedDense": _time_distributed_dense,
    "LSTM": _lstm,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    **dict.fromkeys(("GaussianSampling", "SReLU", "ParametricSoftplus", "CAveTable"), _gone),
}

_WEIGHTS = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_CONV = {"nb_filter": "filters", "border_mode": "padding", "subsample": "strides", "atrous_rate": "dilation_rate"}
_POOL_1D = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
_RECURRENT = {
    "output_dim": "units",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}

_DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "AlphaDropout")


def _each(classes, **renamed):
    return {name: renamed for name in classes}


ERA = Era(
    before=(2,),
    classes={
        "Convolution1D": "Conv1D",
        "AtrousConvolution1D": "Conv1D",
        "Convolution2D": "Conv2D",
        "AtrousConvolution2D": "Conv2D",
        "AtrousConv2D": "Conv2D",
        "Convolution3D": "Conv3D",
        "Deconvolution2D": "Conv2DTranspose",
        "SeparableConvolution2D": "SeparableConv2D",
    },
    renamed={
        ANY: {**_WEIGHTS, "dim_ordering": "data_format"},
        "InputLayer": {"input_dtype": "dtype"},
        "Dense": {"output_dim": "units"},
        "MaxoutDense": {"output_dim": "units"},
        "Conv1D": _CONV,
        "Conv2D": _CONV,
        "Conv3D": _CONV,
        "Conv2DTranspose": _CONV,
        "SeparableConv2D": _CONV,
        "LocallyConnected1D": {**_CONV, "filter_length": "kernel_size", "subsample_length": "strides"},
        "LocallyConnected2D": _CONV,
        "MaxPooling1D": _POOL_1D,
        "AveragePooling1D": _POOL_1D,
        **_each(("MaxPooling2D", "MaxPooling3D", "AveragePooling2D", "AveragePooling3D"), border_mode="padding"),
        "UpSampling1D": {"length": "size"},
        **_each(_DROPOUTS, p="rate"),
        "GaussianNoise": {"sigma": "stddev"},
        "Embedding": {
            "init": "embeddings_initializer",
            "W_regularizer": "embeddings_regularizer",
            "W_constraint": "embeddings_constraint",
        },
        "PReLU": {"init": "alpha_initializer"},
        "BatchNormalization": {"gamma_init": "gamma_initializer", "beta_init": "beta_initializer"},
        "LSTM": _RECURRENT,
        "GRU": _RECURRENT,
        "SimpleRNN": _RECURRENT,
        "ConvLSTM2D": {**_RECURRENT, "nb_filter": "filters", "border_mode": "padding", "subsample": "strides"},
        "TimeDistributed": {},
    },
    dropped={
        ANY: ("weights",),
        "Dense": ("input_dim", "input_length"),
        "Embedding": ("dropout", "input_length"),
        "Conv1D": ("input_dim", "input_length", "data_format"),
        "Conv2DTranspose": ("output_shape",),
        "MaxoutDense": ("input_dim",),
        "Highway": ("input_dim", "transform_bias"),
        **dict.fromkeys(("MaxPooling1D", "AveragePooling1D", "UpSampling1D", "ZeroPadding1D"), ("data_format",)),
    },
    rewritten=_Rewrites({name: _with_values(rewrite) for name, rewrite in _SPECIAL.items()}),
)
