"""Keras 2.3 to 2.12 (TensorFlow 2.0 to 2.12): what tf.keras wrote beside the arguments of today."""

from __future__ import annotations

from kerasgpu.saving.legacy.era import ANY, Era

_SEEDED = ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal")
_INITIALIZERS = (
    *_SEEDED,
    *("Zeros", "Ones", "Constant", "Identity", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal"),
    "VarianceScaling",
)
_RANDOM = (
    *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D"),
    *("SpatialDropout3D", "RandomFlip", "RandomRotation", "RandomZoom", "RandomCrop", "RandomContrast", "RandomTranslation"),
    *("RandomBrightness", "RandomHeight", "RandomWidth"),
)
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTM2DCell", "StackedRNNCells")
_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
_INITIALIZER_CLASSES = {
    # TensorFlow's own names of the same classes
    "glorot_uniform_initializer": "GlorotUniform",
    "glorot_normal_initializer": "GlorotNormal",
    "zeros_initializer": "Zeros",
    "ones_initializer": "Ones",
    "constant_initializer": "Constant",
    "variance_scaling_initializer": "VarianceScaling",
    "truncated_normal_initializer": "TruncatedNormal",
    "random_normal_initializer": "RandomNormal",
    "random_uniform_initializer": "RandomUniform",
    "orthogonal_initializer": "Orthogonal",
    "identity_initializer": "Identity",
    **{f"{name}V2": name for name in (*_SEEDED, *_INITIALIZERS)},
}
# Arguments of the base classes of VarianceScaling that its named kinds also wrote.
_SCALING = ("dtype", "scale", "mode", "distribution")


def _single_axis(name, config):
    axis = config.get("axis")
    if isinstance(axis, dict):  # TensorFlow kept the list as a tracked dictionary in some versions
        axis = list(axis.values())
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if axis is not None:
        config["axis"] = axis
    return name, config


def _sync_batch_normalization(name, config):
    return "BatchNormalization", {**_single_axis(name, config)[1], "synchronized": True}


def _separable(name, config):
    """It has two kernels with arguments of their own; those of `kernel` come from the base class."""
    for key in _KERNEL:
        config.pop(key, None)
    return _ungrouped(name, config)


def _ungrouped(name, config):
    """`groups` is written for all convolutions, but these have only ever run with one group."""
    groups = config.pop("groups", 1)
    if groups not in (None, 1):
        raise ValueError(f"layer '{config.get('name')}' is a {name} with groups={groups}; only groups=1 is known")
    return name, config


def _policy(name, config):
    policy = config.get("name")
    return "DTypePolicy", {"name": None if policy in ("infer", "_infer") else policy}


ERA = Era(
    before=(2, 13),
    classes=_INITIALIZER_CLASSES,
    dropped={
        ANY: ("ragged",),
        **dict.fromkeys(_INITIALIZERS, ("dtype", "partition_info")),
        **dict.fromkeys(_SEEDED, _SCALING),
        "BatchNormalization": ("fused", "virtual_batch_size", "adjustment"),
        "DepthwiseConv1D": (*_KERNEL, "filters"),
        "DepthwiseConv2D": (*_KERNEL, "filters"),
        **dict.fromkeys(_RECURRENT, ("time_major", "implementation")),
        **dict.fromkeys(_CELLS, ("implementation",)),
        **dict.fromkeys(_RANDOM, ("rng_type", "force_generator")),
        "Embedding": ("input_length", "sparse"),
        "InputLayer": ("type_spec",),
    },
    rewritten={
        "BatchNormalization": _single_axis,
        "LayerNormalization": _single_axis,
        "SyncBatchNormalization": _sync_batch_normalization,
        "SeparableConv1D": _separable,
        "SeparableConv2D": _separable,
        "DepthwiseConv1D": _ungrouped,
        "DepthwiseConv2D": _ungrouped,
        "Conv1DTranspose": _ungrouped,
        "Conv2DTranspose": _ungrouped,
        "Conv3DTranspose": _ungrouped,
        "Policy": _policy,
    },
)
