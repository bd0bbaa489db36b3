"""How a time is taken: rounds that alternate between the subjects, each long enough for the clock; the median and the spread."""

from __future__ import annotations

import statistics
import time

PAUSE = 0.1  # seconds between the turns of two subjects


def calibrate(function, seconds: float) -> int:
    """How many calls fill about `seconds`."""
    calls = 1
    while True:
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        took = time.perf_counter() - begin
        if took > seconds / 4 or calls >= 1 << 22:
            return max(1, int(calls * seconds / max(took, 1e-9)))
        calls *= 4


def turn(function, calls: int) -> float:
    """Seconds per call of one turn. It begins with a pause and as many calls that do not count, for each subject alike.

    The threads of another library may poll for work for a while after its turn (OpenBLAS, OpenMP: tens of milliseconds); after the
    pause our own threads sleep, the caches are another's and the clock of the processor is low.
    """
    time.sleep(PAUSE)
    for _ in range(calls):
        function()
    begin = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - begin) / calls


def interleaved(functions, rounds: int = 7, seconds: float = 0.02) -> list[list[float]]:
    """Seconds per call of each function in each round. Rounds alternate, so that a slow spell of the machine hits all alike."""
    for f in functions:
        f()
    calls = [calibrate(f, seconds) for f in functions]
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for f, n, out in zip(functions, calls, times):
            out.append(turn(f, n))
    return times


def ratio(ours: list[float], theirs: list[float]) -> float:
    """How many times faster we are, by the fastest round of each: what disturbs a round on a shared machine only makes it slower."""
    return min(theirs) / min(ours)


def summary(times: list[float]) -> dict:
    """Median, fastest, and the spread: half the distance between the quartiles over the median."""
    ordered = sorted(times)
    middle = statistics.median(ordered)
    quarter = len(ordered) // 4
    return {"median_s": middle, "best_s": ordered[0], "spread": (ordered[-1 - quarter] - ordered[quarter]) / 2 / middle}
