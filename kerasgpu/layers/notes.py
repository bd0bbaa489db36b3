"""Notes on errors: which layer was called, and with what, when a call failed."""

from __future__ import annotations

from kerasgpu.engine import nest
from kerasgpu.layers.call_spec import is_tensor


def describe(x):
    return f"{type(x).__name__}(shape={tuple(x.shape)}, dtype={x.dtype})" if is_tensor(x) else repr(x)[:80]


def add_note(error, text):
    if hasattr(error, "add_note"):
        notes = getattr(error, "__notes__", ())
        if len(notes) < 8:
            error.add_note(text)


def add_call_note(error, layer, spec):
    given = ", ".join(f"{k}={nest.map_structure(describe, v)}" for k, v in spec.user_arguments_dict.items())
    add_note(error, f"While calling layer '{layer.name}' ({type(layer).__name__}) with {given}")
