"""Arguments of calls of recurrent layers, checked before the first step: masks, initial states, states given as inputs."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import nest


def _title(layer):
    return f"Layer '{layer.name}' ({type(layer).__name__})"


def split_inputs(layer, inputs, args, kwargs):
    """(sequences, initial state) of a call on a list [sequences, *states]."""
    if args or kwargs.get("initial_state") is not None:
        raise ValueError(
            f"{_title(layer)} was given states twice: as further inputs beside the sequences and as `initial_state`. Pass "
            "layer(sequences, initial_state=states)"
        )
    return inputs[0], list(inputs[1:])


def checked_mask(layer, sequences, mask):
    """The mask as a bool tensor (batch, time), or None."""
    mask = nest.flatten(mask)[0]
    if mask is None:
        return None
    mask = ops.convert_to_tensor(mask)
    if mask.ndim < 2 or mask.shape[:2] != sequences.shape[:2]:
        raise ValueError(
            f"{_title(layer)} was given a mask of shape {mask.shape} for sequences of shape {sequences.shape}. A mask has a value for "
            f"each step of each sequence: pass one of shape {sequences.shape[:2]}"
        )
    mask = ops.cast(mask, "bool")
    return ops.any(ops.reshape(mask, (*mask.shape[:2], -1)), axis=-1) if mask.ndim > 2 else mask


def checked_states(layer, sequences, states):
    """The initial states as a list of the structure that the cell has."""
    states = list(states) if isinstance(states, (list, tuple)) else [states]
    sizes = nest.flatten(list(layer.state_size))
    flat = nest.flatten(states)
    shapes = [tuple(x.shape) if hasattr(x, "shape") else None for x in flat]
    batch = sequences.shape[0]
    fits = len(flat) == len(sizes) and all(
        shape is not None and len(shape) >= 1 and shape[0] == batch and (len(shape) != 2 or shape[1] == size)
        for shape, size in zip(shapes, sizes)
    )
    if not fits:
        wanted = [(batch, size) for size in sizes]
        raise ValueError(
            f"{_title(layer)} has {len(sizes)} state{'s' if len(sizes) > 1 else ''}, of shape{'s' if len(sizes) > 1 else ''} "
            f"{', '.join(map(str, wanted))} for sequences of shape {sequences.shape}. Received initial_state with {len(flat)} tensor"
            f"{'s' if len(flat) != 1 else ''} of shapes {shapes}: pass a list of {len(sizes)}"
        )
    return states
