"""What a recurrent layer asks of its cell."""

from __future__ import annotations

import contextlib

from kerasgpu.layers.layer import Layer
from kerasgpu.layers.rnn.dropout_rnn_cell import DropoutRNNCell
from kerasgpu.layers.rnn.gated_cell import GatedCell
from kerasgpu.layers.rnn.stacked_rnn_cells import StackedRNNCells


def splits_steps(cell, layer) -> bool:
    """Whether `project` and `step` of a cell do what calling it would: no class or object has changed the call."""
    return (
        isinstance(cell, GatedCell)
        and type(cell).call is GatedCell.call
        and type(cell).__call__ is Layer.__call__
        and "call" not in cell.__dict__
        and cell.activity_regularizer is None
        and (cell.compute_dtype, cell.variable_dtype) == (layer.compute_dtype, layer.variable_dtype)
    )


def drops(cell, training) -> bool:
    """Whether a call of a cell of ours draws dropout masks."""
    return bool(training) and (cell.dropout > 0 or cell.recurrent_dropout > 0)


@contextlib.contextmanager
def fresh_masks(cell):
    """Context manager: calls inside draw the dropout masks of a cell once, and share them with no call outside."""
    _forget(cell)
    try:
        yield
    finally:
        _forget(cell)


def _forget(cell):
    if isinstance(cell, StackedRNNCells):
        for one in cell.cells:
            _forget(one)
    elif isinstance(cell, DropoutRNNCell) and (cell._dropout_mask is not None or cell._recurrent_dropout_mask is not None):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
