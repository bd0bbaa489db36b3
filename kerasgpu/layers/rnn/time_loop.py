"""A cell over the steps of a sequence, with masks: the composition of operations behind every recurrent layer."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import nest
from kerasgpu.ops.primitives.rnn import equal_parts


def run_steps(step, inputs, states, *, go_backwards=False, mask=None, zero_output_for_mask=False, all_outputs=True):
    """(outputs, states): the outputs stacked on axis 1, or the last one alone, and the states after the last step.

    Args:
        step: function (input of a step, states) to (output, new states).
        inputs: tensor (batch, time, ...).
        states: nested list of tensors (batch, ...).
        go_backwards: whether the last step comes first.
        mask: bool tensor (batch, time), or None. Where it is False the states stay what they are, and the output is 0 with
            `zero_output_for_mask`, else that of the step before. Before the first step that is the first state of the last cell.
        all_outputs: whether outputs of all steps are kept.
    """
    order = range(inputs.shape[1])
    if go_backwards:
        order = reversed(order)
    steps = _steps(inputs)
    kept = _steps(ops.expand_dims(mask, -1)) if mask is not None else None
    outputs = []
    output = None
    for t in order:
        new_output, new_states = step(steps[t], states)
        if kept is None:
            output, states = new_output, new_states
        else:
            before = ops.zeros_like(new_output) if zero_output_for_mask else output
            if before is None:
                before = _first_output(states, new_output)
            output = _where(kept[t], new_output, before)
            states = nest.pack_sequence_as(
                states, [_where(kept[t], new, old) for new, old in zip(nest.flatten(new_states), nest.flatten(states))]
            )
        if all_outputs:
            outputs.append(output)
    return (ops.stack(outputs, axis=1) if all_outputs else output), states


def _steps(x):
    """x[:, t] for each t."""
    return [ops.squeeze(one, axis=1) for one in equal_parts(x, x.shape[1], 1)]


def _where(kept, new, old):
    """new where `kept` (batch, 1), else old."""
    if new.ndim != 2:
        kept = ops.reshape(kept, (kept.shape[0], *(1,) * (new.ndim - 1)))
    return ops.where(kept, new, old)


def _first_output(states, like):
    """What stands for the output before the first step: the state that an output usually is, where it has the shape of one."""
    first = states[-1] if nest.is_nested(states[0]) or nest.is_nested(states[-1]) else states[0]
    first = nest.flatten(first)[0]
    return ops.cast(first, like.dtype) if first.shape == like.shape else ops.zeros_like(like)
