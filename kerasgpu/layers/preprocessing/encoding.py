"""Class numbers as indicator vectors, as several preprocessing layers give them."""

from __future__ import annotations

from kerasgpu import ops

OUTPUT_MODES = ("one_hot", "multi_hot", "count")


def encode(indices, output_mode, depth, dtype, weights=None):
    """Indices encoded over `depth` classes.

    Args:
        indices: integer tensor; a scalar counts as one example of one.
        output_mode: "int" (as they are), "one_hot" (a vector for each index; a last axis of size 1 becomes the class axis),
            "multi_hot" (ones at all classes along the last axis), or "count" (how often each occurs along it).
        depth: number of classes.
        dtype: of the result.
        weights: for "count": what each index counts, instead of 1.
    """
    if output_mode == "int":
        return ops.cast(indices, dtype)
    if indices.ndim == 0:
        indices = ops.expand_dims(indices, -1)
    if output_mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    hot = ops.one_hot(indices, depth, dtype=dtype)
    if output_mode == "multi_hot":
        return ops.max(hot, axis=-2)
    if weights is not None:
        hot = hot * ops.expand_dims(weights, -1)
    return ops.sum(hot, axis=-2)


def refuse_sparse(layer_name, sparse):
    if sparse:
        raise ValueError(f"{layer_name}: `sparse=True` cannot be used with kerasgpu, whose tensors are dense; leave it out")
