"""Cross-entropies of logits, fused with their softmax, and the gradients."""

from __future__ import annotations

import math
from typing import NamedTuple

from kerasgpu.kernels.elementwise import _contiguous, elementwise
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

__all__ = [
    "sigmoid_cross_entropy",
    "sigmoid_cross_entropy_grad",
    "softmax_cross_entropy",
    "softmax_cross_entropy_grad",
    "sparse_softmax_cross_entropy",
    "sparse_softmax_cross_entropy_grad",
]


@parameters("softmax_cross_entropy", "softmax_cross_entropy_grad")
class CrossEntropySpec(NamedTuple):
    """See csrc/cpu/cross_entropy.cpp."""

    rows: int
    cols: int


@parameters("sparse_softmax_cross_entropy", "sparse_softmax_cross_entropy_grad")
class SparseSpec(NamedTuple):
    """See csrc/cpu/cross_entropy_sparse.cpp."""

    rows: int
    cols: int
    ignores: bool
    ignored: int


def _rows(name, x) -> tuple[int, int]:
    if len(x.shape) == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name}: need at least one class on the last axis, got shape {tuple(x.shape)}")
    return math.prod(x.shape[:-1]), x.shape[-1]


def _packed(*arrays):
    return tuple(a if a.flags.c_contiguous else _contiguous(a) for a in arrays)


def _check(name, what, got, need):
    if tuple(got) != tuple(need):
        raise ValueError(f"{name}: {what} has shape {tuple(got)}, needs {tuple(need)}")


def _check_same(name, a, b):
    _check(name, "the second array", b.shape, a.shape)
    if a.dtype != b.dtype:
        raise ValueError(f"{name}: arrays have dtypes {a.dtype} and {b.dtype}; cast them to one dtype first")


def _sparse_spec(name, labels, rows, cols, ignore_index):
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name}: labels must be integers, got {labels.dtype}; cast them first")
    return SparseSpec(rows, cols, ignore_index is not None, int(ignore_index or 0))


def sparse_softmax_cross_entropy(logits, labels, ignore_index=None, bad=None):
    """-log(softmax(logits)[label]) per row.

    Args:
        logits: floats (..., classes).
        labels: integers (...). One that names no class gives a row of NaN.
        ignore_index: a label whose rows have loss 0 and no gradient.
        bad: optional int32 array of one element that receives the number of labels that name no class.

    Returns:
        loss (...) and probabilities (..., classes), which the gradient needs.

    Example:
        loss, p = sparse_softmax_cross_entropy(np.zeros((2, 4), "float32"), np.array([1, 3]))  # loss = log(4)
    """
    name = "sparse_softmax_cross_entropy"
    rows, cols = _rows(name, logits)
    _check(name, "labels", labels.shape, logits.shape[:-1])
    spec = _sparse_spec(name, labels, rows, cols, ignore_index)
    logits, labels = _packed(logits, labels)
    loss, p = empty(logits.shape[:-1], logits.dtype, logits), empty(logits.shape, logits.dtype, logits)
    launch(name, (logits, labels), (loss, p) if bad is None else (loss, p, bad), spec)
    return loss, p


def sparse_softmax_cross_entropy_grad(p, labels, gloss, ignore_index=None):
    """Gradient with respect to the logits: (p - onehot(labels)) gloss, from the probabilities of the forward pass."""
    name = "sparse_softmax_cross_entropy_grad"
    rows, cols = _rows(name, p)
    _check(name, "labels", labels.shape, p.shape[:-1])
    _check(name, "gloss", gloss.shape, p.shape[:-1])
    spec = _sparse_spec(name, labels, rows, cols, ignore_index)
    out = empty(p.shape, p.dtype, p)
    launch(name, _packed(p, labels, gloss), (out,), spec)
    return out


def softmax_cross_entropy(logits, targets):
    """-sum(targets * log_softmax(logits)) over the last axis.

    Args:
        logits, targets: floats (..., classes) of one dtype; targets may be one-hot, smoothed, or any weights.

    Returns:
        loss (...) and probabilities (..., classes), which the gradient needs.
    """
    name = "softmax_cross_entropy"
    spec = CrossEntropySpec(*_rows(name, logits))
    _check_same(name, logits, targets)
    logits, targets = _packed(logits, targets)
    loss, p = empty(logits.shape[:-1], logits.dtype, logits), empty(logits.shape, logits.dtype, logits)
    launch(name, (logits, targets), (loss, p), spec)
    return loss, p


def softmax_cross_entropy_grad(p, targets, gloss):
    """Gradient with respect to the logits: (p sum(targets) - targets) gloss, from the probabilities of the forward pass."""
    name = "softmax_cross_entropy_grad"
    spec = CrossEntropySpec(*_rows(name, p))
    _check_same(name, p, targets)
    _check(name, "gloss", gloss.shape, p.shape[:-1])
    out = empty(p.shape, p.dtype, p)
    launch(name, _packed(p, targets, gloss), (out,), spec)
    return out


def sigmoid_cross_entropy(logits, targets):
    """max(x, 0) - x z + log(1 + exp(-|x|)) element by element, for logits x and targets z."""
    return elementwise("bce_logits", logits, targets)


def sigmoid_cross_entropy_grad(logits, targets, gloss):
    """Gradient with respect to the logits: (sigmoid(x) - z) gloss."""
    difference = elementwise("sub", elementwise("sigmoid", logits), targets)
    return elementwise("mul", difference, gloss)
