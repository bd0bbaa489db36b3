"""Where each object's variables lie in a weights file: paths made of attribute names, as in Keras 3.

    layers/dense/vars/0           a layer of a Sequential or Functional model
    encoder/items/dense_1/vars/0  the second Dense in the list `self.items` of the layer `self.encoder`
    optimizer/vars/0              the optimizer of a compiled model

Attributes are visited in alphabetical order, private ones last; in containers names count per class. What was visited once is
skipped.
"""

from __future__ import annotations

import functools

from kerasgpu.engine.naming import to_snake_case
from kerasgpu.engine.operation import Operation

_NEVER = {"_programs", "_functional", "_operations", "operations", "_compile_config", "_compile_loss", "_compile_metrics"}


def is_saveable(x) -> bool:
    if isinstance(x, Operation):
        return True
    return hasattr(x, "save_own_variables") or (hasattr(x, "_obj_type") and not isinstance(x, type))


@functools.lru_cache(None)
def _internal_names() -> frozenset:
    """Attributes that every layer and model has: none of them is the user's."""
    from kerasgpu import layers, models

    plain = layers.Layer()
    inputs = layers.Input((1,))
    functional = models.Model(inputs, layers.Dense(1)(inputs))
    sequential = models.Sequential([layers.Input((1,)), layers.Dense(1)])
    for model in (functional, sequential):
        model.compile("sgd", "mse")
    names = set(_NEVER)
    for x in (plain, functional, sequential):
        names |= set(vars(x))
    return frozenset(names - {"optimizer"})


def _key(name):
    return f"~{name}" if name.startswith("_") else name


def children(x):
    """(attribute name, object or container) of everything below x that may hold variables."""
    from kerasgpu.layers import Layer
    from kerasgpu.models import Functional, Model, Sequential

    if isinstance(x, (Sequential, Functional)):
        yield "layers", x.layers
    if isinstance(x, Layer):
        names = set(vars(x)) - _internal_names()
        if isinstance(x, Model):
            names.add("layers")
            if getattr(x, "optimizer", None) is not None:
                names.add("optimizer")
    else:
        names = set(getattr(x, "__dict__", ()))
    for name in sorted(names, key=_key):
        if name.startswith("__"):
            continue
        child = x.layers if name == "layers" and isinstance(x, Model) else getattr(x, name, None)
        if is_saveable(child) or isinstance(child, (list, tuple, dict)):
            yield name, child


def walk(x, visit, path="", visited=None):
    """Call visit(object, path) on x and everything below it, each object once."""
    visited = set() if visited is None else visited
    if id(x) in visited:
        return
    visited.add(id(x))
    visit(x, path)
    for name, child in children(x):
        below = f"{path}/{name}" if path else name
        if is_saveable(child):
            walk(child, visit, below, visited)
        else:
            _walk_container(child, visit, below, visited, set())


def _walk_container(container, visit, path, visited, seen):
    if id(container) in seen:
        return
    seen.add(id(container))
    used: dict[str, int] = {}

    def unique(name):
        used[name] = used.get(name, -1) + 1
        return f"{name}_{used[name]}" if used[name] else name

    for x in container.values() if isinstance(container, dict) else container:
        if is_saveable(x):
            walk(x, visit, f"{path}/{unique(to_snake_case(type(x).__name__))}", visited)
        elif isinstance(x, (list, tuple, dict)):
            _walk_container(x, visit, f"{path}/{unique('container')}", visited, seen)
