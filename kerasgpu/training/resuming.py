"""What fit() and a callback that resumes it (BackupAndRestore) say to each other."""

from __future__ import annotations


def attach(callbacks, runner, validation) -> None:
    """Show the callbacks that ask for it where the batches come from."""
    for callback in getattr(callbacks, "callbacks", ()):
        meet = getattr(callback, "_meet", None)
        if meet is not None:
            sources = [runner.source] if validation is None else [runner.source, validation.runner.source]
            meet(runner, sources, callbacks.callbacks)


def steps_done(model, runner) -> int:
    """How many steps of the epoch that has just begun a backup has behind it; usually none."""
    resume = model.__dict__.pop("_resume_epoch", None)
    return 0 if resume is None else resume(runner)
