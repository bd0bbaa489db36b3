"""What is verified and built before the first step, so that mistakes end in one sentence."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import inference, nest, tape
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.ops.primitives.labels import not_finite
from kerasgpu.training.adapters import ArrayAdapter
from kerasgpu.training.adapters.pack import unpack_x_y_sample_weight


def check_compiled(model, method):
    if not model.compiled:
        raise ValueError(
            "You must call `compile()` before using the model: call model.compile(optimizer=..., loss=...) before "
            f"`{method}()`."
        )


def _needs_build(model) -> bool:
    parts = (model._compile_metrics, model._compile_loss, getattr(model, "optimizer", None))
    if any(part is not None and not part.built for part in parts):
        return True
    return not all(layer.built for layer in model._flatten_layers())


def build_on(model, batch, train=True):
    """Create weights, losses, metrics and optimizer state from the shapes of a batch, without running the model.

    A model whose `call` does not work on shapes alone is run once on the batch. One with a train_step of its own may not have a
    `call` at all; it is left to that step.
    """
    if not _needs_build(model):
        return
    x, y, _ = unpack_x_y_sample_weight(batch)
    check_target(model, y)
    spec = _output_spec(model, x)
    if spec is not None:
        model._put(_output_spec=spec)
        _build_compiled(model, y, spec)
    optimizer = getattr(model, "optimizer", None)
    if train and optimizer is not None and not optimizer.built and all(s.built for s in model._flatten_layers()):
        variables = model.trainable_variables
        if variables:
            optimizer.build(variables)


def _output_spec(model, x):
    custom = not (model._is_default("train_step") and model._is_default("test_step"))
    try:
        return inference.infer_spec(model, (nest.map_structure(_symbolic, x),), _inference(model))
    except Exception:
        if custom:
            return None
    # Something in call() needs values, or it is wrong: run it. Its own error, if it has one, is the clearest message.
    with tape.no_grad():
        return nest.map_structure(_symbolic, model(x, **_inference(model)))


def _inference(model):
    return {"training": False} if model._call_has_training_arg else {}


def _symbolic(x):
    return KerasTensor(x.shape, x.dtype) if hasattr(x, "shape") and hasattr(x, "dtype") else x


def _build_compiled(model, y, y_pred):
    loss, metrics = model._compile_loss, model._compile_metrics
    y = nest.map_structure(_symbolic, y)
    if loss is not None and not loss.built and y is not None and model._is_default("compute_loss"):
        loss.build(loss.align(y, y_pred), y_pred)
    if metrics is not None and not metrics.built and y is not None and model._is_default("compute_metrics"):
        metrics.build(y, y_pred)


def check_labels(model, adapter):
    """Refuse class numbers in memory that the model has no output for, before they give NaN losses."""
    check = label_check(model) if isinstance(adapter, ArrayAdapter) else None
    if check is not None:
        check(adapter._structure)


def label_check(model):
    """A function that refuses a batch (x, y) whose class numbers have no output; None when there is nothing to look at."""
    loss, spec = model._compile_loss, model._output_spec
    if loss is None or not loss.built or spec is None or nest.is_nested(spec):
        return None
    found = [entry.loss for entry in loss.entries if _is_sparse_categorical(entry.loss)]
    axes = [getattr(one, "axis", -1) for one in found if getattr(one, "ignore_class", None) is None]
    counts = [spec.shape[axis] for axis in axes if spec.shape[axis] is not None]
    if not found:
        return None
    classes = min(counts, default=None)

    def check(batch):
        _, y, _ = unpack_x_y_sample_weight(batch)
        y = y._data if isinstance(y, Tensor) else y
        if y is None or nest.is_nested(y) or not launch.is_host(y) or not y.size or y.dtype.kind not in "iuf":
            return
        low, high = y.min(), y.max()
        if y.dtype.kind == "f" and not np.isfinite(low + high):
            raise not_finite(y, "sparse_categorical_crossentropy")
        if classes is not None and (low < 0 or high >= classes):
            raise ValueError(
                "The labels do not fit the model: sparse_categorical_crossentropy needs class numbers from 0 to "
                f"{classes - 1}, because the "
                f"output of the model has shape {tuple(spec.shape)}, but y holds numbers from {low} to {high}. {_remedy(low, high)}"
            )

    return check


def _remedy(low, high):
    if low < 0:
        return "Map the labels to 0, 1, 2, ..., or pass ignore_class to the loss if one number marks missing labels"
    return f"Give the last layer {int(high) + 1} units, or map the labels to 0, 1, 2, ..."


def check_target(model, y):
    """A compiled loss needs targets."""
    if y is None and model._compile_loss is not None and model._is_default("train_step") and model._is_default("compute_loss"):
        raise ValueError(
            f"No targets: the model was compiled with loss={model._compile_loss._user_loss!r}, but y is missing. Pass y, or (x, y) pairs"
        )


def _is_sparse_categorical(loss) -> bool:
    function = getattr(loss, "fn", None)
    names = (getattr(function, "__name__", ""), type(loss).__name__)
    return "sparse_categorical_crossentropy" in names or "SparseCategoricalCrossentropy" in names
