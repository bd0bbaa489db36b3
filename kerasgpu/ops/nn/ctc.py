"""Connectionist temporal classification (Graves et al. 2006): the loss, and decoding by best path or beam search."""

from __future__ import annotations

import functools

from kerasgpu.engine import dtypes
from kerasgpu.engine.op import primitive
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.kernels import launch
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.nn import softmax
from kerasgpu.ops.nn.ctc_beam import decode_batch
from kerasgpu.ops.numpy import comparison, creation, exponential, joining, reduction, selection, shaping, sorting, tiling
from kerasgpu.ops.numpy import indexing as indexing_ops
from kerasgpu.ops.primitives import indexing
from kerasgpu.ops.primitives.operands import as_float, as_tensor

__all__ = ["ctc_decode", "ctc_loss"]

_LOG_ZERO = -1e5  # stands for log(0); a true -inf would give NaN gradients


def _check_same_batch(name, **tensors):
    sizes = {x.shape[0] for x in tensors.values()}
    if len(sizes) != 1:
        shapes = ", ".join(f"{key}.shape={x.shape}" for key, x in tensors.items())
        raise ValueError(f"{name}: arguments must have the same first dimension. Received: {shapes}")


@symbolic
def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """-log of the probability of the target, summed over all its alignments with the output.

    Args:
        target: class numbers, shape (batch, labels).
        output: logits, shape (batch, steps, classes).
        target_length: number of labels of each example, shape (batch,).
        output_length: number of steps of each example, shape (batch,).
        mask_index: the class that stands for "no label".

    Returns the losses, shape (batch,). For each label n, alpha_blank[n] and alpha_label[n] are the log-probabilities of having
    emitted n labels and standing on a blank, or on label n itself; both go forward one step at a time.
    """
    target, output = as_tensor(target, "int32"), as_float(output)
    if target.ndim != 2:
        raise ValueError(
            f"Targets `target` are expected to be a tensor of shape `(batch_size, max_length)`. Received: {target.shape}"
        )
    if output.ndim != 3:
        raise ValueError(
            "Logits `output` are expected to be a tensor of shape `(batch_size, max_length, num_classes)`. Received: "
            f"{output.shape}"
        )
    target_length, output_length = as_tensor(target_length, "int32"), as_tensor(output_length, "int32")
    _check_same_batch("ctc_loss", target=target, output=output, target_length=target_length, output_length=output_length)
    output = as_tensor(output, dtypes.result_type(output.dtype, "float32"))
    kind, steps = output.dtype, output.shape[1]
    labels = target.shape[1]
    logs = softmax.log_softmax(output, axis=-1)
    blank = conversion.unstack(logs[:, :, mask_index : mask_index + 1], axis=1)  # steps of (batch, 1)
    wanted = shaping.broadcast_to(shaping.expand_dims(target, 1), (target.shape[0], steps, labels))
    emit = conversion.unstack(indexing.take_along_axis(logs, wanted, 2), axis=1)  # steps of (batch, labels)
    same = casting.cast(comparison.equal(target[:, :-1], target[:, 1:]), kind)
    repeat = tiling.pad(same, [(0, 0), (0, 1)])  # the next label is the same: a blank must come between
    done = conversion.unstack(shaping.expand_dims(output_length, -1) <= creation.arange(steps, dtype="int32"), axis=1)
    first = creation.arange(labels + 1, dtype="int32") == 0
    on_blank = creation.zeros((target.shape[0], 1), dtype=kind) + selection.where(first, 0.0, _LOG_ZERO)
    on_label = creation.full((target.shape[0], labels), _LOG_ZERO, dtype=kind)
    for t in range(steps):
        over = shaping.expand_dims(done[t], -1)
        ready = _advance(on_blank, on_label + _LOG_ZERO * repeat)
        next_label = exponential.logaddexp(ready[:, :-1], on_label) + emit[t]
        next_blank = _advance(ready + blank[t], on_label + blank[t] + _LOG_ZERO * (1.0 - repeat))
        on_label = selection.where(over, on_label, next_label)
        on_blank = selection.where(over, on_blank, next_blank)
    total = _advance(on_blank, on_label)
    return -shaping.squeeze(indexing.take_along_axis(total, shaping.expand_dims(target_length, -1), 1), -1)


def _advance(on_blank, moved):
    """on_blank with `moved` added to the entries from 1 on."""
    return joining.concatenate([on_blank[:, :1], exponential.logaddexp(on_blank[:, 1:], moved)], axis=-1)


@symbolic
def ctc_decode(inputs, sequence_lengths, strategy="greedy", beam_width=100, top_paths=1, merge_repeated=True, mask_index=0):
    """The most probable label sequences of CTC outputs.

    Args:
        inputs: logits, shape (batch, steps, classes).
        sequence_lengths: number of steps of each example, shape (batch,).
        strategy: "greedy" takes the best class of every step; "beam_search" adds up the alignments of a sequence.
        beam_width: number of sequences kept by the beam search.
        top_paths: number of sequences returned by the beam search.
        merge_repeated: whether repeated classes count once ("greedy").
        mask_index: the class that stands for "no label".

    Returns (labels, scores): int32 of shape (top_paths, batch, steps), filled up with -1, and floats of shape (batch,
    top_paths): the negative sum of the best logits for "greedy", the log-probability for "beam_search".
    """
    if strategy not in ("greedy", "beam_search"):
        raise ValueError(f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'.")
    x = as_float(inputs)
    x = as_tensor(x, dtypes.result_type(x.dtype, "float32"))
    lengths = as_tensor(sequence_lengths, "int32")
    if x.ndim != 3:
        raise ValueError(f"ctc_decode: inputs must have shape (batch, steps, classes); received {x.shape}")
    _check_same_batch("ctc_decode", inputs=x, sequence_lengths=lengths)
    if mask_index is None:
        mask_index = x.shape[-1] - 1
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, mask_index)
    return _beam(softmax.log_softmax(x, axis=-1), lengths, int(beam_width), int(top_paths), int(mask_index))


def _greedy(x, lengths, merge_repeated, mask_index):
    steps = x.shape[1]
    place = creation.arange(steps, dtype="int32")
    over = place >= shaping.expand_dims(lengths, -1)
    best = selection.where(over, mask_index, reduction.argmax(x, axis=-1))
    scores = -reduction.sum(selection.where(over, 0.0, reduction.max(x, axis=-1)), axis=1, keepdims=True)
    if merge_repeated:
        again = tiling.pad(comparison.equal(best[:, 1:], best[:, :-1]), [(0, 0), (1, 0)])
        best = selection.where(again, mask_index, best)
    dropped = comparison.equal(best, mask_index)
    # Labels in their order, the dropped places behind them.
    order = sorting.argsort(selection.where(dropped, steps, place), axis=-1)
    labels = indexing_ops.take_along_axis(selection.where(dropped, -1, best), order, axis=-1)
    return shaping.expand_dims(casting.cast(labels, "int32"), 0), scores


@functools.lru_cache(16)
def _search(beam_width, mask_index):
    return functools.partial(decode_batch, beam_width, mask_index)


@primitive(tensors=2, differentiable=False, multiple=True)
def _beam(logs, lengths, beam_width, top_paths, mask_index):
    batch, steps, _ = logs.shape
    labels = launch.empty((top_paths, batch, steps), "int32", like=logs)
    scores = launch.empty((batch, top_paths), logs.dtype, like=logs)
    launch.host_call(_search(beam_width, mask_index), (logs, lengths), (labels, scores))
    return labels, scores


@_beam.shape
def _(logs, lengths, beam_width, top_paths, mask_index):
    batch, steps, _ = logs.shape
    return [((top_paths, batch, steps), "int32"), ((batch, top_paths), logs.dtype)]
