"""Where each object's variables lie in a weights file: paths made of attribute names, as in Keras 3.

    layers/dense/vars/0           a layer of a Sequential or Functional model
    encoder/items/dense_1/vars/0  the second Dense in the list `self.items` of the layer `self.encoder`
    optimizer/vars/0              the optimizer of a compiled model

Attributes are visited in alphabetical order, private ones last; in containers names count per class. What was visited once is
skipped.
"""

from __future__ import annotations

import re
import warnings

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
    """Look for variables of the layer x that a walk which visited these objects did not reach.

    Raises ValueError that names them when an attribute leads to them after all. If none does, their layer was replaced by another one
    (tracking remembers both): a warning.
    """
    flatten = getattr(x, "_flatten_layers", None)
    layers = flatten() if flatten is not None else []
    for lost in layers:
        variables = [] if id(lost) in visited else [*lost._own_variables(), *(g.state for g in lost._seed_generators)]
        if not variables:
            continue
        names = ", ".join(v.path for v in variables)
        for owner in layers:
            attribute = next((k for k, v in vars(owner).items() if k not in _TRACKED and _leads_to(v, lost)), None)
            if attribute is not None:
                raise ValueError(
                    f"'{x.name}' cannot be saved: {names} would not be in the file. '{owner.name}' ({type(owner).__name__}) keeps "
                    f"them in its attribute {attribute!r}, a name that the base class uses itself; rename the attribute"
                )
        warnings.warn(
            f"'{x.name}' was saved without {names}: no attribute leads to the layer '{lost.name}' any more", stacklevel=4
        )


_TRACKED = {"_layers", "_tracker"}  # these lead to every sublayer


def _leads_to(value, layer) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return value is layer or (isinstance(value, _CONTAINERS) and any(_leads_to(v, layer) for v in value))


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
