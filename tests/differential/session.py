"""Runs programs for a time, keeping one finding of each kind."""

import os
import time
import warnings

from tests.differential import comparison, generate, shrink


def libraries():
    """kerasgpu and real Keras, quiet and with one thread where the oracle is PyTorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        import kerasgpu

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)
    return kerasgpu, keras


def search(seed, seconds, show=print, most=None):
    """(number of programs, {kind: script}) of what `seconds` allow, from `seed` on; at most `most` programs."""
    ours, theirs = libraries()
    end, count, findings = time.monotonic() + seconds, 0, {}
    while time.monotonic() < end and count != most:
        if os.environ.get("KERASGPU_DIFFERENTIAL_TRACE"):
            show(f"# at seed {seed + count}")
        program = generate.program(seed + count)
        found, _ = comparison.confirmed(program, ours, theirs)
        if found and signature(found) not in findings:
            small, less = shrink.shrunk(program, found, ours, theirs)
            findings[signature(found)] = f"# seed {seed + count}\n{shrink.script(small, less)}\n"
            show(findings[signature(found)])
        count += 1
    return count, findings


def signature(found):
    """Findings of one kind are shown once: the same start of the messages, or else the same call and the same kind of value."""
    errors = [shrink.text(e)[:50] for e in (found.ours, found.theirs) if isinstance(e, Exception)]
    return tuple(errors) or (found.step.source().split("(")[0], found.what.split("[")[0])
