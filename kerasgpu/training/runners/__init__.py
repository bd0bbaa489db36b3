"""Runners: what runs the steps of an epoch. `base.Runner` is what the loops see of them.

    eager     batch by batch, in Python
    captured  arrays in memory, whole stretches of an epoch in one call (a program per batch size)
    streamed  data that does not lie on the GPU, fed to programs through two slots

`program` is what the latter two share, `capture` decides what may be captured and keeps it with the model.
"""

from __future__ import annotations

from kerasgpu.training.runners.base import Runner, device_of
from kerasgpu.training.runners.capture import can_capture, fits
from kerasgpu.training.runners.captured import CapturedRunner
from kerasgpu.training.runners.eager import EagerRunner
from kerasgpu.training.runners.streamed import StreamedRunner
from kerasgpu.training.source import ArraySource, make_source


def make_runner(model, mode, adapter, steps_per_epoch=None) -> Runner:
    """The runner of these steps; `mode` is "train", "test" or "predict"."""
    source = make_source(adapter, steps_per_epoch, from_the_top=mode != "train")
    if not can_capture(model):
        return EagerRunner(model, mode, source)
    where = device_of(model)
    if isinstance(source, ArraySource) and fits(model, mode, adapter, where):
        return CapturedRunner(model, mode, source)
    return EagerRunner(model, mode, source) if where.startswith("cpu") else StreamedRunner(model, mode, source)
