"""Configs of Keras 2 (and of `.h5` files of Keras 3) as configs of today. Only plain data goes in and comes out."""

from __future__ import annotations

from kerasgpu.configs import public_names, registry
from kerasgpu.configs.serialization import serialize_keras_object

_NO_LONGER = {"InputLayer": ("ragged",), "BatchNormalization": ("fused", "virtual_batch_size", "adjustment"), "Lambda": ()}
_LAMBDA_KEYS = ("module", "function_type", "output_shape_type", "output_shape_module")
_OPTIMIZER_KEYS = ("decay", "is_legacy_optimizer", "jit_compile")
_PACKAGES = ("Addons>", "Vision>")
AMBIGUOUS = ("accuracy", "acc", "crossentropy", "ce")


def modern_config(config):
    """A model or layer config, at any depth, with today's names of arguments."""
    if isinstance(config, list):
        return [modern_config(x) for x in config]
    if not isinstance(config, dict):
        return config
    if not isinstance(config.get("class_name"), str) or "config" not in config:
        return {k: modern_config(v) for k, v in config.items()}
    made = dict(config)
    name, inner = config["class_name"], config["config"]
    if ">" in name and "registered_name" not in config:
        made["registered_name"] = name
    if name in ("Sequential",) and isinstance(inner, list):  # the oldest files hold a bare list of layers
        inner = {"name": "sequential", "layers": inner}
    if isinstance(inner, dict):
        made["config"] = _modern_arguments(name, dict(inner))
    if name == "Policy" and "module" not in config:
        made.update(class_name="DTypePolicy", module="keras")
        made["config"] = {"name": inner.get("name")} if isinstance(inner, dict) else {}
    if "inbound_nodes" in made:
        made["inbound_nodes"] = config["inbound_nodes"]  # references to layers; nothing to translate
    return made


def _modern_arguments(name, inner):
    for key in _NO_LONGER.get(name, ()):
        inner.pop(key, None)
    if name == "InputLayer" and "batch_input_shape" in inner:
        inner["batch_shape"] = inner.pop("batch_input_shape")
    axis = inner.get("axis")
    if isinstance(axis, list) and len(axis) == 1 and isinstance(axis[0], int):
        inner["axis"] = axis[0]
    if name == "Lambda":
        for key in _LAMBDA_KEYS:
            inner.pop(key, None)
        function = inner.get("function")
        if isinstance(function, list):  # [byte code, defaults, closure]: recognised in order to be refused by name
            inner["function"] = {"class_name": "__lambda__", "config": {"code": None}}
    return {k: modern_config(v) for k, v in inner.items()}


def objects_for_names(training) -> dict:
    """Losses and metrics that compile() was given by short names, as objects: Keras's reader knows only the long names."""
    from kerasgpu import losses, metrics

    def named(get):
        return lambda c: serialize_keras_object(get(c)) if isinstance(c, str) and c not in AMBIGUOUS else c

    getters = {"loss": losses.get, "metrics": metrics.get, "weighted_metrics": metrics.get}
    return {key: _nested(training.get(key), named(get)) for key, get in getters.items()}


def modern_training(training) -> dict:
    """Arguments of compile() from a training_config."""
    from kerasgpu import losses, metrics, optimizers

    return {
        "optimizer": _optimizer(training["optimizer_config"], optimizers),
        "loss": _nested(training.get("loss"), lambda c: _by_name(c) if isinstance(c, str) else losses.deserialize(c)),
        "metrics": _nested(training.get("metrics"), lambda c: _metric(c, metrics)),
        "weighted_metrics": _nested(training.get("weighted_metrics"), lambda c: _metric(c, metrics)),
        "loss_weights": training.get("loss_weights"),
    }


def _optimizer(config, optimizers):
    inner = config.get("config")
    if not isinstance(config.get("class_name"), str) or not isinstance(inner, dict):
        raise ValueError(f"The optimizer in a training_config must have a class_name and a config. Received: {config}")
    inner = dict(inner)
    if "lr" in inner:
        inner.setdefault("learning_rate", inner.pop("lr"))
    decay = inner.get("decay")
    for key in _OPTIMIZER_KEYS:
        inner.pop(key, None)
    if decay and not isinstance(inner.get("learning_rate"), dict):
        inner["learning_rate"] = {
            "class_name": "InverseTimeDecay",
            "config": {"initial_learning_rate": inner["learning_rate"], "decay_steps": 1, "decay_rate": decay},
        }
    name = config["class_name"]
    for package in _PACKAGES:
        name = name.removeprefix(package)
    inner["learning_rate"] = modern_config(inner.get("learning_rate"))
    if inner["learning_rate"] is None:
        del inner["learning_rate"]
    return optimizers.deserialize({"class_name": name, "config": inner})


def _nested(config, make):
    if config is None:
        return None
    if isinstance(config, str) or (isinstance(config, dict) and "class_name" in config):
        return make(modern_config(config))
    if isinstance(config, dict):
        return {k: _nested(v, make) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return [_nested(v, make) for v in config]
    raise ValueError(
        f"Losses and metrics in a training_config are names, objects, or lists or dicts of these. Received: {config}"
    )


def _metric(config, metrics):
    if isinstance(config, dict) and config["class_name"] == "MeanMetricWrapper" and isinstance(config["config"], dict):
        name = config["config"].get("name")
        config = config["config"].get("fn") or name
        function = public_names.lookup_function(config) if isinstance(config, str) else None
        if function is not None and config not in AMBIGUOUS:
            return metrics.MeanMetricWrapper(function, name=name)
    return _by_name(config) if isinstance(config, str) else metrics.deserialize(config)


def _by_name(name):
    """A registered function of this name, or the name itself, which compile() understands and keeps as the metric's name."""
    return registry.get_registered_object(name) or name
