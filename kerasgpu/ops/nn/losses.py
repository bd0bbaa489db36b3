"""Cross-entropies, per example.

Outputs of softmax and sigmoid remember their logits (`_keras_logits`) and what made them of these (`_keras_logits_of`: "sigmoid",
or the axis of a softmax). A loss is computed from logits whose activation is its own: binary cross-entropy from those of a sigmoid,
the categorical ones from those of a softmax over their class axis. After any other activation it takes the probabilities.
"""

from __future__ import annotations

import warnings

from kerasgpu import config
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.numpy import arithmetic, exponential, reduction, selection, shaping
from kerasgpu.ops.primitives import activations, cross_entropy, indexing
from kerasgpu.ops.primitives.labels import class_numbers
from kerasgpu.ops.primitives.lengths import ratio
from kerasgpu.ops.primitives.operands import as_float, as_tensor

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]


def _logits(output, from_logits, name, axis=None):
    """(tensor to use, whether it holds logits); axis: of the classes, None for a binary loss."""
    made_by = getattr(output, "_keras_logits_of", None)
    if made_by is None or made_by != ("sigmoid" if axis is None else axis % output.ndim):
        return output, from_logits
    logits = output._keras_logits
    if from_logits:
        warnings.warn(
            f'"`{name}` received `from_logits=True`, but the `output` argument was produced by a Softmax or Sigmoid activation '
            "and thus does not represent logits. Was this intended?",
            stacklevel=4,
        )
    return logits, True


def _clip(probabilities):
    return arithmetic.clip(probabilities, config.epsilon(), 1.0 - config.epsilon())


def _same_shapes(target, output):
    if target.ndim != output.ndim:
        raise ValueError(
            "Arguments `target` and `output` must have the same rank (ndim). Received: "
            f"target.shape={target.shape}, output.shape={output.shape}"
        )
    if target.shape != output.shape:
        raise ValueError(
            f"Arguments `target` and `output` must have the same shape. Received: target.shape={target.shape}, "
            f"output.shape={output.shape}"
        )


def _common(target, output):
    """Both in the float dtype that they promote to."""
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    if target.dtype == output.dtype and dtypes.is_float(output.dtype):
        return target, output
    kind = dtypes.result_type(target.dtype, output.dtype, float)
    return as_tensor(target, kind), as_tensor(output, kind)


@symbolic
def binary_crossentropy(target, output, from_logits=False):
    """-target log(output) - (1 - target) log(1 - output), element by element.

    Args:
        target: tensor of the shape of output.
        output: probabilities, or logits with from_logits=True. Probabilities are kept epsilon away from 0 and 1; those that
            come straight from `sigmoid` are replaced by its logits, which needs no such cut.

    >>> import kerasgpu as keras
    >>> float(keras.ops.binary_crossentropy([1.0], [0.5])[0]) == float(keras.ops.log(2.0))
    True
    """
    target = convert_to_tensor(target)
    output, from_logits = _logits(convert_to_tensor(output), from_logits, "binary_crossentropy")
    target, output = _common(target, output)
    _same_shapes(target, output)
    if from_logits:
        return activations.sigmoid_cross_entropy(output, target)
    output = _clip(output)
    return -(target * exponential.log(output) + (1 - target) * exponential.log(1 - output))


@symbolic
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target log(output)) over the class axis.

    Args:
        target: distributions over classes, of the shape of output.
        output: probabilities, or logits with from_logits=True. Probabilities are divided by their sum and kept epsilon away
            from 0 and 1; those that come straight from `softmax` are replaced by its logits.
        axis: the class axis.

    >>> import kerasgpu as keras
    >>> float(keras.ops.categorical_crossentropy([[0.0, 1.0]], [[5.0, 5.0]])[0]) == float(keras.ops.log(2.0))
    True
    """
    target = convert_to_tensor(target)
    output, from_logits = _logits(convert_to_tensor(output), from_logits, "categorical_crossentropy", axis)
    target, output = _common(target, output)
    if target.ndim < 1:
        raise ValueError(
            "Arguments `target` and `output` must be at least rank 1. Received: "
            f"target.shape={target.shape}, output.shape={output.shape}"
        )
    _same_shapes(target, output)
    if from_logits:
        if axis % output.ndim != output.ndim - 1:
            target, output = shaping.moveaxis(target, axis, -1), shaping.moveaxis(output, axis, -1)
        return cross_entropy.softmax_cross_entropy(output, target)[0]
    output = _clip(ratio(output, reduction.sum(output, axis, keepdims=True)))
    return -reduction.sum(target * exponential.log(output), axis)


@symbolic
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output[target]) for class numbers.

    Args:
        target: class numbers, of the shape of output without its class axis (or with 1 there). A number that is not a class
            gives NaN; one that is NaN or infinite itself is refused.
        output: probabilities, or logits with from_logits=True. Probabilities are divided by their sum and kept epsilon away
            from 0 and 1; those that come straight from `softmax` are replaced by its logits.
        axis: the class axis.

    >>> import kerasgpu as keras
    >>> float(keras.ops.sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]) == float(keras.ops.log(2.0))
    True
    """
    output, from_logits = _logits(convert_to_tensor(output), from_logits, "sparse_categorical_crossentropy", axis)
    target, output = convert_to_tensor(target), as_float(output)
    if output.ndim < 1:
        raise ValueError(f"Argument `output` must be at least rank 1. Received: output.shape={output.shape}")
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = shaping.squeeze(target, axis=axis)
    if target.ndim != output.ndim - 1:
        raise ValueError(
            f"Argument `output` must have rank (ndim) `target.ndim - 1`. Received: target.shape={target.shape}, "
            f"output.shape={output.shape}"
        )
    if axis % output.ndim != output.ndim - 1:
        output = shaping.moveaxis(output, axis, -1)
    if target.shape != output.shape[:-1]:
        raise ValueError(
            "Arguments `target` and `output` must have the same shape up until the last dimension: "
            f"target.shape={target.shape}, output.shape={output.shape}"
        )
    if target.dtype not in ("int32", "int64"):
        kind = "int64" if target.dtype in ("uint32", "uint64") else "int32"
        target = class_numbers(target, "sparse_categorical_crossentropy", kind)
    if not from_logits:
        return -exponential.log(_clip(ratio(_pick(output, target), reduction.sum(output, -1))))
    return cross_entropy.sparse_softmax_cross_entropy(output, target)[0]


def _pick(probabilities, target):
    """probabilities[target] along the last axis, NaN for a target that is no class."""
    index = selection.where(target < 0, probabilities.shape[-1], target)  # a negative index would count from the end
    return shaping.squeeze(indexing.take_along_axis(probabilities, shaping.expand_dims(index, -1), probabilities.ndim - 1), -1)
