"""A failing program made small: lines and arguments are left out as long as the same kind of difference stays."""

from tests.differential.comparison import confirmed

HEADER = """import tempfile, numpy as np
from tests.differential.helpers import batches, dataset, spread, subclassed"""


def shrunk(program, found, ours, theirs, tries=80):
    """(program, difference), smaller by lines and then by arguments."""

    kept = sum("spread" in step.source() for step in program[: found.at + 1])

    def fails(smaller):
        nonlocal tries
        tries -= 1
        if tries < 0 or (found.numbers and sum("spread" in s.source() for s in smaller) < kept):  # else the weights are random
            return None
        again, _ = confirmed(smaller, ours, theirs)
        return again if again and again.kind() == found.kind() and type(again.ours) is type(found.ours) else None

    program = program[: found.at + 1]
    for size in (len(program) // 2, 4, 2, 1, 1):
        at = len(program) - 1 - size
        while at >= 0 and size:
            smaller = program[:at] + program[at + size :]
            again = fails(smaller)
            program, found = (smaller, again) if again else (program, found)
            at -= size
    for at in reversed(range(len(program))):
        progress = True
        while progress:
            progress = False
            for step in program[at].smaller():
                smaller = [*program[:at], step, *program[at + 1 :]]
                if again := fails(smaller):
                    program, found, progress = smaller, again, True
                    break
    return program, found


def script(program, found) -> str:
    """The program as Python, with both results."""
    lines = [step.source() for step in program]
    return "\n".join([*lines, f"# {found.what}", f"#   ours:  {text(found.ours)}", f"#   Keras: {text(found.theirs)}"])


def text(value) -> str:
    whole = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else str(value)
    return " ".join(whole.split())[:600]
