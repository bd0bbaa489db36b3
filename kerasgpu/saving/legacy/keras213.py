"""Keras 2.13 to 2.15 and tf_keras: the last vocabulary before Keras 3, in `.h5` and in `.keras` files."""

from __future__ import annotations

from kerasgpu.saving.legacy import keras23
from kerasgpu.saving.legacy.era import Era

_LAMBDA = ("module", "function_type", "output_shape_type", "output_shape_module")
_OPTIMIZERS = (
    *("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Ftrl", "Adafactor", "Lion"),
    "LossScaleOptimizer",
)
_ACTIVATIONS = ("activation", "recurrent_activation")
_RENAMED_FUNCTIONS = {"hard_sigmoid": "legacy_hard_sigmoid", "softmax_v2": "softmax"}


def old_activations(config: dict) -> dict:
    """Keras 2's hard_sigmoid, clip(0.2 x + 0.5, 0, 1), is not that of Keras 3, relu6(x + 3) / 6: it has a name of its own."""
    made = dict(config)
    for key in _ACTIVATIONS:
        value = made.get(key)
        if isinstance(value, str):
            made[key] = _RENAMED_FUNCTIONS.get(value, value)
        elif isinstance(value, dict) and value.get("class_name") == "function":
            inner = value.get("config")
            if isinstance(inner, str) and inner in _RENAMED_FUNCTIONS:
                made[key] = _RENAMED_FUNCTIONS[inner]
    return made


def _lambda(name, config):
    for key in _LAMBDA:
        config.pop(key, None)
    function = config.get("function")
    if isinstance(function, list) or (isinstance(function, dict) and function.get("class_name") == "__lambda__"):
        config["function"] = {"class_name": "__lambda__", "config": {"code": None}}  # recognised in order to be refused by name
    for key in ("output_shape", "mask"):
        if isinstance(config.get(key), list) and config[key] and isinstance(config[key][0], str):
            config[key] = {"class_name": "__lambda__", "config": {"code": None}}
    return name, config


def _input_layer(name, config):
    shape = config.pop("batch_input_shape", None)
    if shape is not None:
        config["batch_shape"] = shape
    elif "batch_shape" not in config and config.get("input_shape") is not None:
        config["batch_shape"] = [config.pop("batch_size", None), *config.pop("input_shape")]
    config.pop("ragged", None)
    return name, config


def _loss(name, config):
    """A loss object: its function is fixed by its class, and "auto" meant the mean over the batch."""
    config.pop("fn", None)
    if config.get("reduction") in ("auto", "legacy"):
        config["reduction"] = "sum_over_batch_size"
    return name, config


LOSSES = (
    *("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
    *("BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"),
    *("SparseCategoricalCrossentropy", "Hinge", "SquaredHinge", "CategoricalHinge", "Poisson", "LogCosh", "KLDivergence"),
    *("Huber", "CosineSimilarity"),
)

ERA = Era(
    before=(3,),
    classes={"LossScaleOptimizerV3": "LossScaleOptimizer"},
    renamed={"LeakyReLU": {"alpha": "negative_slope"}},
    dropped={
        **keras23.ERA.dropped,
        **dict.fromkeys(_OPTIMIZERS, ("is_legacy_optimizer", "jit_compile")),
        "Attention": ("causal",),
        "AdditiveAttention": ("causal",),
    },
    rewritten={
        **keras23.ERA.rewritten,
        "Lambda": _lambda,
        "InputLayer": _input_layer,
        **dict.fromkeys(LOSSES, _loss),
    },
)
