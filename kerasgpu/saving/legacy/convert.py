"""Applies the tables of the eras to a config, at any depth. Plain data goes in and comes out."""

from __future__ import annotations

from kerasgpu.configs import public_names, registry
from kerasgpu.saving.legacy import graph, sequential, training
from kerasgpu.saving.legacy.era import parse_version
from kerasgpu.saving.legacy.eras import eras_from
from kerasgpu.saving.legacy.keras213 import old_activations

# What real registered names of built-in classes begin with: Keras 2.11 and later wrote "Custom>Adam" for its own optimizers.
_PACKAGES = ("Custom>", "Addons>", "Vision>", "keras>")
MODELS = ("Functional", "Model", "Sequential")


class Converter:
    """Configs of one file as configs of today.

    version: the file's keras_version, as text; None for a file that does not say (Keras 1).
    custom: names of the user's classes, whose configs stay as they are.
    """

    def __init__(self, version, custom=()):
        self.version = parse_version(version)
        self.eras = eras_from(self.version)
        self.custom = {*custom, *registry.scope_objects(), *registry.GLOBAL_CUSTOM_OBJECTS}

    def convert(self, config):
        """A config, a list of configs, or plain values, at any depth."""
        if not self.eras:
            return _named_packages(config)
        if isinstance(config, list):
            return [self.convert(x) for x in config]
        if not isinstance(config, dict):
            return config
        if isinstance(config.get("class_name"), str) and "config" in config:
            return self._object(config)
        special = _special(config)
        return {k: self.convert(v) for k, v in config.items()} if special is config else special

    def _object(self, config):
        made = dict(config)
        name, inner = config["class_name"], config["config"]
        if config.get("registered_name") in self.custom or name in self.custom:
            return _with_registered_name(made)
        if ">" in name:
            plain = name
            for package in _PACKAGES:
                plain = plain.removeprefix(package)
            if not is_built_in(plain):
                return _with_registered_name(made)
            name = plain
        if made.get("registered_name") in (f"{p}{name}" for p in _PACKAGES):
            made["registered_name"] = None
        if name in MODELS:
            name, inner = sequential.as_dict(name, inner)
        if isinstance(inner, dict):
            for era in self.eras:
                name, inner = era.step(name, inner)
            inner = old_activations(inner)
            inner = self._model(name, inner) if "layers" in inner and name in MODELS else self.convert_values(inner)
        made.update(class_name=name, config=inner)
        if isinstance(made.get("compile_config"), dict):
            made["compile_config"] = self._compile_config(made["compile_config"])
        if isinstance(config.get("module"), str):
            made["module"] = _module(config["module"], name)
        return made

    def convert_values(self, inner):
        return {k: self.convert(v) for k, v in inner.items()}

    def _model(self, name, inner):
        if name == "Sequential":
            return {**inner, "layers": [self.convert(x) for x in inner["layers"]]}
        return graph.convert_functional(inner, self)

    def _compile_config(self, config):
        return training.convert_compile_config(config, self)

    def is_functional(self, entry) -> bool:
        """Whether a layer of a model will be a Functional model, which counts its own graph as a call."""
        return entry["class_name"].rpartition(">")[2] in ("Functional", "Model") and entry["class_name"] not in self.custom


def is_built_in(name) -> bool:
    return public_names.lookup_class(name) is not None


def _with_registered_name(config):
    if ">" in config["class_name"] and "registered_name" not in config:
        config["registered_name"] = config["class_name"]
    return config


def _named_packages(config):
    """A config of Keras 3 in an `.h5` file: all it lacks is the registered name beside a class name with a package."""
    if isinstance(config, list):
        return [_named_packages(x) for x in config]
    if not isinstance(config, dict):
        return config
    made = {k: v if k == "inbound_nodes" else _named_packages(v) for k, v in config.items()}
    return _with_registered_name(made) if isinstance(made.get("class_name"), str) and "config" in made else made


def _special(config):
    """Values that JSON has no form for, as the encoders of Keras 2 wrote them."""
    if set(config) == {"type", "value"} and config["type"] == "ndarray":
        return config["value"]
    if config.get("class_name") in ("__tuple__", "TensorShape") and isinstance(config.get("items"), list):
        return config["items"]
    if config.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return config


def _module(module, name):
    """The public module of a class that was written with the path of Keras 2's own source."""
    if not module.startswith(("keras.", "tf_keras.", "tensorflow.keras.", "tensorflow.python.keras.", "keras")):
        return module
    if public_names.lookup(module, name) is not None:
        return module
    found = public_names.lookup_class(name)
    public = public_names.public_name(found) if found is not None else None
    return public[0] if public is not None else module
