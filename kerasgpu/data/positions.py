"""What data sets remember from pass to pass: how often one was shuffled, what a cache was filled from.

A training that is resumed in another process gives its data sets the memory of the one that was interrupted.
"""

from __future__ import annotations

from kerasgpu.data.stage import Stage


def positions(stage: Stage) -> list:
    """What this stage and those that it is made of remember, as plain data."""
    return [node._memory() for node in _nodes(stage)]


def set_positions(stage: Stage, found: list) -> None:
    """Let a stage made in the same way remember the same."""
    for node, memory in zip(_nodes(stage), found):
        node._remember(memory)


def _nodes(stage) -> list:
    found: list = []

    def visit(x):
        if isinstance(x, Stage):
            if all(x is not known for known in found):
                found.append(x)
                visit(list(vars(x).values()))
        elif isinstance(x, (list, tuple)):
            for y in x:
                if isinstance(y, (Stage, list, tuple, dict)):
                    visit(y)
        elif isinstance(x, dict):
            visit(list(x.values()))

    visit(stage)
    return found
