"""PyTorch as a subject of the benchmarks, in a process of another interpreter: nothing here needs it installed beside us.

`Peer(python)` starts `python -m benchmarks.peer THREADS`; each line written to it describes a case and asks for the time of one turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import timing


class Peer:
    """The process. `round(case, seconds)` is the time of one call, the mean over about `seconds`."""

    def __init__(self, python: str, threads: int):
        command = [python, "-m", "benchmarks.peer", str(threads)]
        root = Path(__file__).resolve().parent.parent
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        hello = self._process.stdout.readline()  # type: ignore[union-attr]
        if not hello:
            raise SystemExit(f"benchmarks: {python} cannot run PyTorch; see the message above, or leave --peer away")
        self.name = json.loads(hello)

    def round(self, case: dict, seconds: float) -> float:
        self._process.stdin.write(json.dumps({**case, "seconds": seconds}) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        return json.loads(self._process.stdout.readline())  # type: ignore[union-attr]

    def interleaved(self, case, rounds: int, seconds: float):
        """Seconds per call of our function and the peer's in alternating rounds."""
        calls = timing.calibrate(case.ours, seconds)
        self.round(case.peer, seconds)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(timing.turn(case.ours, calls))
            theirs.append(self.round(case.peer, seconds))
        return ours, theirs


def convolution(torch, case):
    """The case as a function, in channels_last, the layout that oneDNN likes best. Padding on one side only is done beforehand."""
    batch, height, width, channels = case["x"]
    layout = torch.channels_last
    before, after = case["padding"]
    x = torch.randn(batch, channels, height, width).contiguous(memory_format=layout)
    if before != after:
        x = torch.nn.functional.pad(x, (before, after, before, after)).contiguous(memory_format=layout)
        before = 0
    groups = case.get("groups", 1)
    w = torch.randn(case["filters"], channels // groups, case["kernel"], case["kernel"]).contiguous(memory_format=layout)
    forward = lambda: torch.nn.functional.conv2d(x, w, None, case["stride"], before, 1, groups)
    if case["operation"].endswith("conv"):
        return forward
    dy = torch.randn_like(forward())
    wanted = [case["operation"].endswith("input_grad"), case["operation"].endswith("filter_grad"), False]
    geometry = ([case["stride"]] * 2, [before] * 2, [1, 1], False, [0, 0], groups)
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *geometry, wanted)


def pooling(torch, case):
    """The case as a function; PyTorch pads by as much on both sides, which gives as many windows and the same work."""
    batch, height, width, channels = case["x"]
    k, s, pad = case["kernel"], case["stride"], case["padding"]
    x = torch.randn(batch, channels, height, width).contiguous(memory_format=torch.channels_last)
    kind, gradient = case["operation"].split()
    if kind == "max":
        forward = lambda: torch.nn.functional.max_pool2d(x, k, s, pad, return_indices=gradient != "alone")
    else:
        forward = lambda: torch.nn.functional.avg_pool2d(x, k, s, pad, count_include_pad=False)
    if gradient != "gradient":
        return forward
    geometry = ([k, k], [s, s], [pad, pad])
    if kind == "max":
        y, index = forward()
        dy = torch.randn_like(y)
        return lambda: torch.ops.aten.max_pool2d_with_indices_backward(dy, x, *geometry, [1, 1], False, index)
    dy = torch.randn_like(forward())
    return lambda: torch.ops.aten.avg_pool2d_backward(dy, x, *geometry, False, False, None)


def serve(threads):
    import torch

    torch.set_num_threads(threads)
    print(json.dumps(f"PyTorch {torch.__version__}"), flush=True)
    last, function, calls = None, None, 1
    for line in sys.stdin:
        case = json.loads(line)
        seconds = case.pop("seconds")
        with torch.no_grad():
            if case != last:
                make = pooling if case["operation"].startswith(("max", "average")) else convolution
                last, function = case, make(torch, case)
                calls = timing.calibrate(function, seconds)
            print(json.dumps(timing.turn(function, calls)), flush=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
