"""The state of an optimizer from an `.h5` file of any version.

    Keras 1 to 2.10   [iterations,] then all first slots, all second slots, ...      "Adam/dense/kernel/m:0"
    Keras 2.11 on     iterations, [learning rate,] then each variable's slots        "Adam/m/dense/kernel:0"
    Keras 3           iteration, learning rate, then what the optimizer's build() made

Equal shapes say nothing about which slot a value is of, so values go by the names, and where names are of no use by the order of
the era. What does not fit leaves the optimizer as new, with a warning.
"""

from __future__ import annotations

import warnings

import numpy as np

# Names of slots in the files -> the attribute of our optimizers that lists them by variable.
_SLOTS = {
    "Adam": {"m": "_momentums", "v": "_velocities", "vhat": "_velocity_hats"},
    "AdamW": {"m": "_momentums", "v": "_velocities", "vhat": "_velocity_hats"},
    "Nadam": {"m": "_momentums", "v": "_velocities"},
    "Adamax": {"m": "_m", "v": "_u", "u": "_u"},
    "SGD": {"momentum": "momentums", "m": "momentums"},
    "RMSprop": {"rms": "_velocities", "velocity": "_velocities", "momentum": "_momentums", "mg": "_average_gradients"},
    "Adagrad": {"accumulator": "_accumulators"},
    "Adadelta": {
        "accum_grad": "_accumulated_grads",
        "accum_var": "_accumulated_delta_vars",
        "accumulated_grad": "_accumulated_grads",
        "accumulated_delta_var": "_accumulated_delta_vars",
    },
    "Ftrl": {"accumulator": "_accumulators", "linear": "_linears"},
    "Lion": {"m": "_momentums", "momentum": "_momentums"},
}
_ORDER = {
    # The slots in the order in which they come, all variables of one slot before the next.
    "Adam": ("_momentums", "_velocities", "_velocity_hats"),
    "Nadam": ("_momentums", "_velocities"),
    "Adamax": ("_m", "_u"),
    "SGD": ("momentums",),
    "RMSprop": ("_velocities",),
    "Adagrad": ("_accumulators",),
    "Adadelta": ("_accumulated_grads", "_accumulated_delta_vars"),
}
_LONG = {"momentum": "m", "velocity": "v", "velocity_hat": "vhat", "average_gradient": "mg"}


def restore(model, values, name, version) -> None:
    """Set the optimizer's variables from [(name in the file, array)], all or none of them."""
    optimizer = model.optimizer
    if not values:
        return
    found = _as_ours(optimizer, values) if version >= (3,) else _by_names(optimizer, model, values)
    if found is None and version < (2, 11):
        found = _by_order(optimizer, [v for _, v in values])
    if found is None or any(tuple(v.shape) != x.shape for v, x in found):
        if len(values) > 2:
            warnings.warn(
                f"{name}: the optimizer state in the file does not fit '{optimizer.name}', which starts afresh", stacklevel=5
            )
        return
    for variable, value in found:
        variable.assign(value)
    if version < (3,):
        _finish_schedule(_inner(optimizer))


def restore_numbered(optimizer, entry) -> bool:
    """The state from a `.keras` file of Keras 2, which holds it in our order without the learning rate; False if it does not fit."""
    if hasattr(optimizer, "inner_optimizer"):
        return True  # the optimizer inside has an entry of its own, which is all of the state
    if not len(entry):
        return False
    left_out = [getattr(optimizer, name, None) for name in ("_learning_rate", "_u_product")]
    mine = [v for v in optimizer.variables if not any(v is x for x in left_out)]
    values = [np.asarray(entry[str(k)]) for k in range(len(entry)) if str(k) in entry]
    if [tuple(v.shape) for v in mine] != [v.shape for v in values]:
        return False
    for variable, value in zip(mine, values):
        variable.assign(value)
    _finish_schedule(optimizer)
    return True


def _finish_schedule(optimizer):
    """Nadam's product of momentums is a function of the number of steps, which the files do not hold (or of another schedule)."""
    if hasattr(optimizer, "_u_product"):
        steps = np.arange(1, int(optimizer.iterations.numpy()) + 1)
        optimizer._u_product.assign(np.prod(optimizer.beta_1 * (1 - 0.5 * 0.96**steps)).astype("float32"))


def _as_ours(optimizer, values):
    """Files of Keras 3 and kerasgpu: the variables in order."""
    mine = optimizer.variables
    return list(zip(mine, (v for _, v in values))) if len(mine) == len(values) else None


def _inner(optimizer):
    return getattr(optimizer, "inner_optimizer", None) or optimizer


def _by_names(optimizer, model, values):
    """[(variable, value)] if every value has a name that says what it is, and none is missing."""
    inner = _inner(optimizer)
    slots = _SLOTS.get(type(inner).__name__)
    if slots is None:
        return None
    places = _places(model.trainable_variables)
    found, seen = [], set()
    for name, value in values:
        parts = name.partition(":")[0].split("/")
        scalar = _scalar(parts[-1], inner, optimizer) if value.ndim == 0 else None
        if scalar is not None:
            if scalar is not False:
                found.append((scalar, value))
            continue
        place = _place(parts, slots, places)
        if place is None:
            return None
        attribute, k = place
        owned = getattr(inner, attribute, None)
        if not owned or owned[k] is None:
            return None
        seen.add((attribute, k))
        found.append((owned[k], value))
    wanted = {(a, k) for a in set(slots.values()) for k, v in enumerate(getattr(inner, a, None) or ()) if v is not None}
    return found if seen == wanted else None


def _places(variables):
    """{end of a variable's path: its position}, for ends of two names or more; -1 for one that several have."""
    places: dict = {}
    for k, v in enumerate(variables):
        parts = v.path.split("/")
        for start in range(max(1, len(parts) - 1)):
            end = "/".join(parts[start:])
            places[end] = k if end not in places else -1
    return places


def _scalar(last, inner, optimizer):
    """The variable for a number; False for one that we keep elsewhere; None for no number of the optimizer."""
    if last in ("iter", "iteration", "iterations", "Variable"):
        return inner.iterations
    if last in ("learning_rate", "lr"):
        learning_rate = getattr(inner, "_learning_rate", None)
        return learning_rate if hasattr(learning_rate, "assign") else False
    if last in ("momentum_cache", "_u_product", "u_product"):
        return False  # see _finish_schedule
    if last in ("decay", "rho", "beta_1", "beta_2", "momentum"):
        return False
    if last in ("current_loss_scale", "dynamic_scale"):
        return getattr(optimizer, "dynamic_scale", False)
    if last in ("good_steps", "step_counter", "dynamic_counter"):
        return getattr(optimizer, "step_counter", False)
    return None


def _place(parts, slots, places):
    """(attribute, position of the variable) of a slot: "Adam/dense/kernel/m", "Adam/m/dense/kernel", "dense/kernel/Adam/m"."""
    for slot_at in (len(parts) - 1, 1, 0):
        if slot_at >= len(parts):
            continue
        attribute = slots.get(_LONG.get(parts[slot_at], parts[slot_at])) or slots.get(parts[slot_at])
        if attribute is None:
            continue
        rest = parts[:slot_at] + parts[slot_at + 1 :]
        for start in range(len(rest)):
            for end in range(len(rest), start, -1):
                k = places.get("/".join(rest[start:end]))
                if k is not None:
                    return None if k < 0 else (attribute, k)
    return None


def _by_order(optimizer, values):
    """Keras 1 to 2.10: the iteration, if it is there, then slot by slot."""
    inner = _inner(optimizer)
    lists = [getattr(inner, a, None) or [] for a in _ORDER.get(type(inner).__name__, ())]
    flat = [v for slot in lists for v in slot if v is not None]
    values = [np.asarray(v) for v in values]
    if len(values) == 1 + 3 * len(optimizer._trainable_variables) and not getattr(inner, "amsgrad", True):
        values = (
            [v for k, v in enumerate(values) if k <= len(flat)]
            if all(v.shape == (1,) for v in values[len(flat) + 1 :])
            else values
        )
    if type(inner).__name__ == "SGD" and not flat and values and values[0].ndim == 0:
        values = values[:1]  # momentums that were never used
    if flat and len(values) == len(flat) + 1 and values[0].ndim == 0:
        return [(inner.iterations, values[0]), *zip(flat, values[1:])]
    if flat and len(values) == len(flat):
        return list(zip(flat, values))
    if not flat and len(values) == 1 and values[0].ndim == 0:
        return [(inner.iterations, values[0])]
    return None
