"""Where each object's variables lie in a weights file: paths made of attribute names, as in Keras 3.

    layers/dense/vars/0           a layer of a Sequential or Functional model
    encoder/items/dense_1/vars/0  the second Dense in the list `self.items` of the layer `self.encoder`
    optimizer/vars/0              the optimizer of a compiled model

Attributes are visited in alphabetical order, private ones last; in containers names count per class. What was visited once is
skipped.
"""

from __future__ import annotations

import re

from kerasgpu.engine.naming import to_snake_case

_CONTAINERS = (list, tuple, dict, set)


def is_saveable(x) -> bool:
    return hasattr(x, "save_own_variables") or (hasattr(x, "_obj_type") and not isinstance(x, type))


def _key(name):
    return f"~{name}" if name.startswith("_") else name


def children(x):
    """(attribute name, object or container) of everything below x that may hold variables.

    Layers and models say by `_saveable_children()` what that is; of other objects it is all their attributes.
    """
    ask = getattr(x, "_saveable_children", None)
    found = dict(getattr(x, "__dict__", ())) if ask is None else ask()
    if "layers" in found and getattr(x, "_layers_first", False):
        yield "layers", found["layers"]
    for name in sorted(found, key=_key):
        child = found[name]
        if not name.startswith("__") and (is_saveable(child) or isinstance(child, _CONTAINERS)):
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


def check_complete(x, visited) -> None:
    """Raise ValueError that names the variables of the layer x which a walk that visited these objects did not reach."""
    flatten = getattr(x, "_flatten_layers", None)
    for layer in flatten() if flatten is not None else ():
        lost = [] if id(layer) in visited else layer._own_variables()
        lost = [*lost, *(g.state for g in layer._seed_generators if id(g) not in visited and id(layer) not in visited)]
        if lost:
            names = ", ".join(v.path for v in lost)
            raise ValueError(
                f"'{x.name}' cannot be saved: {names} of layer '{layer.name}' ({type(layer).__name__}) would not be in the file, "
                "because no attribute that is saved leads to that layer. Keep it under another attribute name, one that "
                f"{type(x).__name__} does not use itself"
            )


def _in_file_order(container):
    """The elements. A set has no order of its own that lasts: its elements go by name, numbers in names counting as numbers."""
    if isinstance(container, dict):
        return container.values()
    if isinstance(container, set):
        digits = lambda x: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", str(getattr(x, "name", "")))]
        return sorted((x for x in container if is_saveable(x)), key=digits)
    return container


def _walk_container(container, visit, path, visited, seen):
    if id(container) in seen:
        return
    seen.add(id(container))
    used: dict[str, int] = {}

    def unique(name):
        used[name] = used.get(name, -1) + 1
        return f"{name}_{used[name]}" if used[name] else name

    for x in _in_file_order(container):
        if is_saveable(x):
            walk(x, visit, f"{path}/{unique(to_snake_case(type(x).__name__))}", visited)
        elif isinstance(x, _CONTAINERS):
            _walk_container(x, visit, f"{path}/{unique('container')}", visited, seen)
