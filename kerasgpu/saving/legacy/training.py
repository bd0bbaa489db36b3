"""The arguments of compile() in old files: optimizers, losses and metrics by their names of the time."""

from __future__ import annotations

from kerasgpu import losses, metrics, optimizers
from kerasgpu.configs import public_names, registry
from kerasgpu.configs.serialization import serialize_keras_object
from kerasgpu.saving.legacy.keras213 import LOSSES

AMBIGUOUS = ("accuracy", "acc", "crossentropy", "ce")
# Functions that Keras 3 knows by another name.
_FUNCTION_NAMES = {
    "cosine_proximity": "cosine_similarity",
    "cosine": "cosine_similarity",
    "kullback_leibler_divergence": "kl_divergence",
    "KLD": "kl_divergence",
    "kld": "kl_divergence",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "logcosh": "log_cosh",
}
_COMPILE_ARGUMENTS = (
    *("optimizer", "loss", "metrics", "loss_weights", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile"),
)
_LOSS_SCALE_KEYS = ("dynamic_growth_steps", "initial_scale")


def convert_compile_config(config, converter):
    """A compile_config of a `.keras` file of Keras 2 as one of today."""
    made = {k: v for k, v in config.items() if k != "from_serialized"}
    optimizer = made.get("optimizer")
    if isinstance(optimizer, dict):
        made["optimizer"] = modern_optimizer(optimizer, converter)
    for key in ("loss", "metrics", "weighted_metrics"):
        made[key] = _renamed(converter.convert(made.get(key)))
    # None was the default of every argument.
    return {k: v for k, v in made.items() if k in _COMPILE_ARGUMENTS and v is not None}


def _renamed(config):
    if isinstance(config, str):
        return _FUNCTION_NAMES.get(config, config)
    if isinstance(config, list):
        return [_renamed(x) for x in config]
    if isinstance(config, dict) and "class_name" not in config:
        return {k: _renamed(v) for k, v in config.items()}
    return config


def modern_optimizer(config, converter):
    """The config of an optimizer of any era as one of today."""
    inner = config.get("config")
    if not isinstance(config.get("class_name"), str) or not isinstance(inner, dict):
        raise ValueError(f"the optimizer in the file must have a class_name and a config. Received: {config}")
    made = converter.convert({k: v for k, v in config.items() if k != "module"})
    name, inner = made["class_name"].rpartition(">")[2], dict(made["config"])
    if converter.eras:
        if name == "LossScaleOptimizer":
            return _loss_scale(inner, converter)
        name, inner = _plain_optimizer(name, inner)
    public = public_names.lookup("keras.optimizers", name)
    return {"module": "keras.optimizers", "class_name": name, "config": inner} if public is not None else made


def _plain_optimizer(name, inner):
    if "lr" in inner:
        inner.setdefault("learning_rate", inner.pop("lr"))
    decay = inner.pop("decay", None)
    if decay and not isinstance(inner.get("learning_rate"), dict):
        inner["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {"initial_learning_rate": inner["learning_rate"], "decay_steps": 1, "decay_rate": decay},
        }
    for key in ("is_legacy_optimizer", "jit_compile", "schedule_decay"):
        inner.pop(key, None)
    if inner.get("learning_rate", 0) is None:
        del inner["learning_rate"]
    if inner.get("epsilon", 0) is None:  # Keras 2.0 to 2.2: the backend's epsilon
        inner["epsilon"] = 1e-7
    return name, inner


def _loss_scale(inner, converter):
    """tf.keras wrote {"inner_optimizer", "dynamic", "initial_scale", "dynamic_growth_steps"}, at first {"optimizer", "loss_scale"}."""
    given = inner.get("inner_optimizer") or inner.get("optimizer")
    made = {k: inner[k] for k in _LOSS_SCALE_KEYS if inner.get(k) is not None}
    scale = inner.get("loss_scale")
    if isinstance(scale, dict) and isinstance(scale.get("config"), dict):
        inside = scale["config"]
        for old, new in (("initial_loss_scale", "initial_scale"), ("increment_period", "dynamic_growth_steps")):
            if inside.get(old) is not None:
                made[new] = inside[old]
    if inner.get("dynamic") is False:
        raise ValueError("a LossScaleOptimizer with a fixed scale (dynamic=False) has no counterpart; load with compile=False")
    made["inner_optimizer"] = modern_optimizer(given, converter) if isinstance(given, dict) else given
    return {"module": "keras.optimizers", "class_name": "LossScaleOptimizer", "config": made}


def modern_training(training, converter) -> dict:
    """Arguments of compile() from the training_config of an `.h5` file."""
    old = bool(converter.eras)
    rename = _renamed if old else (lambda c: c)
    loss = rename(converter.convert(training.get("loss")))
    return {
        "optimizer": optimizers.deserialize(modern_optimizer(training["optimizer_config"], converter)),
        "loss": _nested(loss, lambda c: _by_name(c) if isinstance(c, str) else losses.deserialize(_loss(c))),
        "metrics": _nested(converter.convert(training.get("metrics")), lambda c: _metric(c, rename)),
        "weighted_metrics": _nested(converter.convert(training.get("weighted_metrics")), lambda c: _metric(c, rename)),
        "loss_weights": training.get("loss_weights"),
    }


def _loss(config):
    """A loss object; that of a plain function ("LossFunctionWrapper") is the function."""
    if config["class_name"] == "LossFunctionWrapper" and isinstance(config.get("config"), dict):
        function = config["config"].get("fn")
        if isinstance(function, str):
            return _FUNCTION_NAMES.get(function, function)
    return config


def objects_for_names(training) -> dict:
    """Losses and metrics that compile() was given by short names, as objects: Keras's reader knows only the long names."""

    def named(get):
        return lambda c: serialize_keras_object(get(c)) if isinstance(c, str) and c not in AMBIGUOUS else c

    getters = {"loss": losses.get, "metrics": metrics.get, "weighted_metrics": metrics.get}
    return {key: _nested(training.get(key), named(get)) for key, get in getters.items()}


def _nested(config, make):
    if config is None:
        return None
    if isinstance(config, str) or (isinstance(config, dict) and "class_name" in config):
        return make(config)
    if isinstance(config, dict):
        return {k: _nested(v, make) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return [_nested(v, make) for v in config]
    raise ValueError(
        f"Losses and metrics in a training_config are names, objects, or lists or dicts of these. Received: {config}"
    )


def _metric(config, rename):
    if isinstance(config, dict) and config["class_name"] == "MeanMetricWrapper" and isinstance(config["config"], dict):
        name = config["config"].get("name")
        given = config["config"].get("fn")
        given = given.get("config") if isinstance(given, dict) else given
        config = rename(given or name)
        function = public_names.lookup_function(config) if isinstance(config, str) else None
        if function is not None and config not in AMBIGUOUS:
            return metrics.MeanMetricWrapper(function, name=name)
    if isinstance(config, str):
        return _by_name(rename(config))
    return metrics.deserialize(config) if config["class_name"] not in LOSSES else _metric_like_loss(config)


def _metric_like_loss(config):
    """A metric of the same name as a loss: it has no `reduction`."""
    inner = {k: v for k, v in config["config"].items() if k not in ("reduction", "fn")}
    return metrics.deserialize({**config, "config": inner})


def _by_name(name):
    """A registered function of this name, or the name itself, which compile() understands and keeps as the metric's name."""
    return registry.get_registered_object(name) or name
