"""`compile(loss=..., loss_weights=...)`: which loss compares which output with which labels, and their weighted sum."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from kerasgpu import losses as losses_module
from kerasgpu import metrics as metrics_module
from kerasgpu import ops
from kerasgpu.config.numbers import is_number
from kerasgpu.engine import dtypes, nest, tape
from kerasgpu.training.compile_metrics import is_binary_or_sparse_categorical, object_name

LossEntry = namedtuple("LossEntry", ["path", "loss", "weight", "name"])


def get_loss(identifier, y_true, y_pred):
    """A Loss from a name, config, function or instance; "crossentropy" depends on the shapes of y_true and y_pred."""
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        is_binary, is_sparse = is_binary_or_sparse_categorical(y_true, y_pred)
        name = "binary" if is_binary else "sparse_categorical" if is_sparse else "categorical"
        found = losses_module.get(f"{name}_crossentropy")
    else:
        found = losses_module.get(identifier)
    if isinstance(found, losses_module.Loss):
        return found
    name = identifier if isinstance(identifier, str) else object_name(found)
    return losses_module.LossFunctionWrapper(found, name=name)


def _resolve(path, x):
    for key in path:
        x = x[key]
    return x


class CompileLoss:
    """The total loss of a model, built when the structures of labels and outputs are known.

    Args:
        loss: one loss (applied to every output), or a list, tuple or dict (by output name or like the outputs) of losses; None
        means
            that an output has no loss.
        loss_weights: a number, or numbers in the structure of `loss`.
        output_names: names of the model's outputs.

    With several losses, `metrics` holds a Mean named "<output>_loss" for each (of the unweighted loss).
    """

    def __init__(self, loss, loss_weights=None, reduction="sum_over_batch_size", output_names=None):
        if isinstance(loss_weights, np.ndarray) and loss_weights.ndim == 1:
            loss_weights = loss_weights.tolist()
        if loss_weights is not None and not (is_number(loss_weights) or isinstance(loss_weights, (list, tuple, dict, bool))):
            raise ValueError(
                "Expected `loss_weights` argument to be a float (single output case) or a list, tuple, or dict (multiple "
                "output case). "
                f"Received instead: loss_weights={loss_weights} of type {type(loss_weights)}"
            )
        self.name = "compile_loss"
        self.reduction = reduction
        self.dtype = dtypes.floatx()
        self.output_names = list(output_names) if output_names else None
        self._user_loss = loss
        self._user_loss_weights = loss_weights
        self.metrics: list = []
        self.entries: list = []
        self.built = False

    @property
    def variables(self):
        return [v for m in self.metrics for v in m.variables]

    # -- building -----------------------------------------------------------------------------------------------
    def build(self, y_true, y_pred):
        loss = self._user_loss
        if nest.is_nested(y_pred) and not nest.is_nested(loss):
            loss = nest.map_structure(lambda _: self._user_loss, y_pred)  # one for every output
        loss, weights = self._by_position(loss, self._user_loss_weights, y_pred)
        weights = _like_losses(loss, weights)
        names = self._names_like(y_pred)
        self.entries = []
        self._add(loss, weights, y_true, y_pred, names, ())
        if not self.entries:
            raise ValueError(f"`compile(loss=...)` holds no loss for any output. Received: loss={self._user_loss}")
        if len(self.entries) > 1:
            self.metrics[:] = [metrics_module.Mean(name=f"{e.name}_loss") for e in self.entries]
        self._structures = [nest.map_structure(lambda _: None, y) for y in (y_true, y_pred)]
        self.built = True

    def _by_position(self, loss, weights, y_pred):
        """Losses given by output name, for outputs in a list (or a single one), in the order of the outputs."""
        if isinstance(y_pred, dict) or not self.output_names:
            return loss, weights
        if isinstance(weights, dict) and nest.is_nested(loss):
            _check_keys(weights, self.output_names, "loss_weights")
            weights = [weights.get(n) for n in self.output_names]
        if not isinstance(loss, dict):
            return loss, weights
        _check_keys(loss, self.output_names, "loss")
        loss = [loss.get(n) for n in self.output_names]
        if not nest.is_nested(y_pred):
            loss, weights = loss[0], weights[0] if isinstance(weights, (list, tuple)) else weights
        return loss, weights

    def _names_like(self, y_pred):
        count = len(nest.flatten(y_pred))
        names = self.output_names
        if not names or len(names) != count:
            names = [None] * count
        elif isinstance(y_pred, dict) and set(y_pred) == set(names):
            return {k: k for k in y_pred}
        return nest.pack_sequence_as(y_pred, names)

    def _add(self, loss, weight, y_true, y_pred, names, path):
        if not nest.is_nested(loss):
            if loss is not None:
                resolved = get_loss(loss, y_true, y_pred)
                weight = float(weight) if is_number(weight) else weight
                self.entries.append(LossEntry(path, resolved, weight, _entry_name(path, names, resolved)))
            return
        if isinstance(loss, (list, tuple)):
            flat = len(nest.flatten(y_pred))
            if all(not nest.is_nested(part) for part in loss) and len(loss) == flat and nest.is_nested(y_pred):
                loss = nest.pack_sequence_as(y_pred, list(loss))
                weight = nest.pack_sequence_as(y_pred, list(weight) if nest.is_nested(weight) else [weight] * flat)
            elif not isinstance(y_pred, (list, tuple)):
                # Several losses for this one output.
                for part, w in zip(loss, weight):
                    self._add(part, w, y_true, y_pred, names, path)
                return
        if isinstance(loss, dict) != isinstance(y_pred, dict) or not nest.is_nested(y_pred):
            raise KeyError(f"The path: {path} in the `loss` argument, can't be found in the model's output (`y_pred`).")
        for key in loss if isinstance(loss, dict) else range(len(loss)):
            if loss[key] is None:
                continue
            if _has(y_pred, key) and isinstance(y_true, dict) and y_true.get(key) is None:
                raise ValueError(f"The output {key!r} has a loss but no labels: pass y for it, or no loss")
            if not (_has(y_pred, key) and _has(y_true, key)):
                raise KeyError(
                    f"The path: {(*path, key)} in the `loss` argument, can't be found in either the model's output (`y_pred`) "
                    "or in the "
                    "labels (`y_true`)."
                )
            self._add(loss[key], weight[key], y_true[key], y_pred[key], names[key], (*path, key))

    # -- calling ------------------------------------------------------------------------------------------------
    def align(self, y_true, y_pred):
        """y_true in the structure of y_pred."""
        if not nest.is_nested(y_true) and not nest.is_nested(y_pred):
            return y_true
        if _same_structure(y_true, y_pred):
            return y_true
        if isinstance(y_true, dict):
            y_true = self._by_name(y_true, y_pred)
        flat = nest.flatten(y_true)
        if len(flat) == len(nest.flatten(y_pred)):
            return nest.pack_sequence_as(y_pred, flat)
        # Labels only for the outputs that have a loss.
        losses = nest.flatten(self._user_loss)
        if len(flat) == sum(part is not None for part in losses) and len(losses) == len(nest.flatten(y_pred)):
            labels = iter(flat)
            return nest.pack_sequence_as(y_pred, [None if part is None else next(labels) for part in losses])
        shapes = [nest.map_structure(lambda _: "*", y) for y in (y_true, y_pred)]
        raise ValueError(f"y_true and y_pred have different structures.\ny_true: {shapes[0]}\ny_pred: {shapes[1]}\n")

    def _by_name(self, y_true, y_pred):
        """Labels in a dict, as y_pred is made: None for outputs that have no labels."""
        if isinstance(y_pred, dict):
            if any(nest.is_nested(part) for part in (*y_true.values(), *y_pred.values())):
                return y_true
            _check_keys(y_true, list(y_pred), "y")
            return nest.rebuild(y_pred, {k: y_true.get(k) for k in y_pred})
        if not self.output_names or not isinstance(y_pred, (list, tuple)) or len(self.output_names) != len(y_pred):
            return y_true
        _check_keys(y_true, self.output_names, "y")
        return [y_true.get(n) for n in self.output_names]

    def __call__(self, y_true, y_pred, sample_weight=None):
        if y_true is None:
            raise ValueError(
                f"No targets: the model was compiled with loss={self._user_loss!r}, but y is missing. Pass y, or (x, y) pairs"
            )
        if y_pred is None:
            raise ValueError("The model returned None, so there is no loss: does its call() lack a `return`?")
        y_true = self.align(y_true, y_pred)
        if not self.built:
            self.build(y_true, y_pred)
        if nest.is_nested(y_pred) and not _same_structure(self._structures[1], y_pred):
            # Built on a list, called on a dict, or the like: the same leaves in the structure that the paths lead through.
            y_true, y_pred = (nest.pack_sequence_as(s, nest.flatten(y)) for s, y in zip(self._structures, (y_true, y_pred)))
        total = None
        nested_weight = nest.is_nested(sample_weight)
        for k, (path, loss, weight, name) in enumerate(self.entries):
            p = _resolve(path, y_pred)
            t = _resolve(path, y_true)
            if t is None or p is None:
                what = "labels: pass y for it, or no loss" if t is None else "value: the model returned None there"
                raise ValueError(f"The output {name!r} has a loss but no {what}")
            w = _resolve(path, sample_weight) if nested_weight else sample_weight
            value = _named(loss, t, p, w)
            if value.dtype != self.dtype:
                value = ops.cast(value, self.dtype)
            if self.metrics:
                with tape.no_grad():
                    self.metrics[k].update_state(value, sample_weight=nest.flatten(p)[0].shape[0])
            if weight is not None:
                value = ops.multiply(value, weight)
            total = value if total is None else ops.add(total, value)
        return total

    call = __call__


def _check_keys(given, names, argument):
    unknown = [key for key in given if key not in names]
    if unknown:
        raise ValueError(
            f"Expected keys {names} in {argument} dict, but found {argument}.keys()={list(given)}: no output is called {unknown[0]!r}"
        )


def _named(loss, y_true, y_pred, weight):
    """The value of a loss, whose name is put before the message when shapes do not fit."""
    try:
        return loss(y_true, y_pred, weight)
    except ValueError as error:
        shapes = ", ".join(f"{n} {tuple(x.shape)}" for n, x in (("y_true", y_true), ("y_pred", y_pred)) if hasattr(x, "shape"))
        raise ValueError(f"loss {loss.name!r} of {shapes}: {error}{_cure(loss, y_true, y_pred)}") from None


def _cure(loss, y_true, y_pred) -> str:
    """What to do where class numbers meet a loss for one-hot labels, or the other way round."""
    kind = getattr(getattr(loss, "fn", None), "__name__", "")
    if not (hasattr(y_true, "shape") and hasattr(y_pred, "shape") and len(y_pred.shape)):
        return ""
    labels, outputs = tuple(y_true.shape), tuple(y_pred.shape)
    one_hot = labels == outputs
    if kind == "categorical_crossentropy" and labels in (outputs[:-1], (*outputs[:-1], 1)):
        return ". If y holds class numbers, use loss='sparse_categorical_crossentropy', or keras.utils.to_categorical(y)"
    if kind == "sparse_categorical_crossentropy" and one_hot:
        return ". If y is one-hot, use loss='categorical_crossentropy', or class numbers: y.argmax(-1)"
    return ""


def _entry_name(path, names, loss):
    output = names if names is not None and not nest.is_nested(names) else None if nest.is_nested(names) else loss.name
    if not path:
        path = (output or loss.name,)
    elif isinstance(path[-1], int) and output is not None:
        path = (*path[:-1], output)
    return "/".join(map(str, path))


def _has(x, key):
    return (isinstance(x, dict) and key in x) or (isinstance(x, (list, tuple)) and isinstance(key, int) and key < len(x))


def _same_structure(a, b) -> bool:
    """Whether both nest in the same way; lists and tuples count as the same."""
    if isinstance(a, dict) or isinstance(b, dict):
        return isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b) and all(_same_structure(a[k], b[k]) for k in a)
    if nest.is_nested(a) and nest.is_nested(b):
        return len(a) == len(b) and all(_same_structure(x, y) for x, y in zip(a, b))
    return not nest.is_nested(a) and not nest.is_nested(b)


def _like_losses(loss, weights):
    """Weights (None where not given) in the structure of loss."""
    if weights is None:
        return nest.map_structure(lambda _: None, loss)
    if isinstance(loss, dict) and isinstance(weights, dict):
        _check_keys(weights, list(loss), "loss_weights")
        return {key: _like_losses(part, weights.get(key)) for key, part in loss.items()}
    if not nest.is_nested(loss):
        if nest.is_nested(weights):
            flat = nest.flatten(weights)
            if len(flat) != 1:
                raise ValueError(f"`loss_weights` must match the number of losses, got 1 losses and {len(flat)} weights.")
            return flat[0]
        return weights
    try:
        return nest.map_structure(lambda _, w: w, loss, weights)
    except (ValueError, TypeError, KeyError):
        flat = nest.flatten(weights)
        count = len(nest.flatten(loss))
        if len(flat) != count:
            raise ValueError(
                f"`loss_weights` must match the number of losses, got {count} losses and {len(flat)} weights."
            ) from None
        return nest.pack_sequence_as(loss, flat)
