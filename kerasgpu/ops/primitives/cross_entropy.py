"""Softmax and cross-entropy in one pass over the logits, for labels and for distributions. Classes are on the last axis."""

from __future__ import annotations

import kerasgpu.kernels.cross_entropy as kernels
from kerasgpu.config.installed import ops
from kerasgpu.engine import state
from kerasgpu.engine.op import primitive
from kerasgpu.ops.primitives.softmax import log_softmax, softmax


def _probabilities(logits, saved):
    """softmax(logits): the saved output, unless the gradient itself is being recorded for differentiation."""
    return softmax(logits) if state.thread.grad_enabled and logits._requires else saved


@primitive(tensors=2, multiple=True)
def sparse_softmax_cross_entropy(logits, labels):
    """(-log softmax(logits)[label], softmax(logits)); logits: (..., classes), labels: (...) of an integer dtype.

    A label outside [0, classes) gives NaN. The second output is there for the gradient and passes none on.
    """
    return kernels.sparse_softmax_cross_entropy(logits, labels)


@sparse_softmax_cross_entropy.shape
def _(logits, labels):
    return [(logits.shape[:-1], logits.dtype), (logits.shape, logits.dtype)]


@sparse_softmax_cross_entropy.gradient
def _(g, y, logits, labels):
    return sparse_softmax_cross_entropy_grad(g[0], _probabilities(logits, y[1]), labels), None


@primitive(tensors=3)
def sparse_softmax_cross_entropy_grad(g, probabilities, labels):
    """g (p - onehot(label)), g: (...), probabilities: (..., classes)."""
    return kernels.sparse_softmax_cross_entropy_grad(probabilities, labels, g)


@sparse_softmax_cross_entropy_grad.shape
def _(g, probabilities, labels):
    return probabilities.shape, probabilities.dtype


@sparse_softmax_cross_entropy_grad.gradient
def _(h, g, p, labels):
    def to_g():
        hot = ops.one_hot(labels, p.shape[-1], dtype=p.dtype)
        return ops.sum(h * (p - hot), -1)

    return to_g, lambda: h * ops.expand_dims(g, -1), None


@primitive(tensors=2, multiple=True)
def softmax_cross_entropy(logits, targets):
    """(-sum(targets log softmax(logits)), softmax(logits)), both (..., classes)."""
    return kernels.softmax_cross_entropy(logits, targets)


@softmax_cross_entropy.shape
def _(logits, targets):
    return [(logits.shape[:-1], logits.dtype), (logits.shape, logits.dtype)]


@softmax_cross_entropy.gradient
def _(g, y, logits, targets):
    def to_targets():
        return -ops.expand_dims(g[0], -1) * log_softmax(logits)

    return lambda: softmax_cross_entropy_grad(g[0], _probabilities(logits, y[1]), targets), to_targets


@primitive(tensors=3)
def softmax_cross_entropy_grad(g, probabilities, targets):
    """g (p sum(targets) - targets), g: (...), the others (..., classes)."""
    return kernels.softmax_cross_entropy_grad(probabilities, targets, g)


@softmax_cross_entropy_grad.shape
def _(g, probabilities, targets):
    return probabilities.shape, probabilities.dtype


@softmax_cross_entropy_grad.gradient
def _(h, g, p, targets):
    total = ops.sum(targets, -1, keepdims=True)
    wide = ops.expand_dims(g, -1)
    return (
        lambda: ops.sum(h * (p * total - targets), -1),
        lambda: h * wide * total,
        lambda: wide * (ops.sum(h * p, -1, keepdims=True) - h),
    )
