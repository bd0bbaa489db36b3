"""A step recorded, optimised and replayed, beside the same step as it runs without a program."""

from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder


def replayed(step):
    """(the calls left, results of a replay, results of plain execution). `step` returns several arrays."""
    recorder = Recorder()
    with recorder:
        outs = step()
    program = Program(recorder, outputs=list(outs))
    program.run()
    return program.calls, [program.output(k) for k in range(len(outs))], step()


def replayed_kernels(step):
    """The same with the names of the calls."""
    calls, found, want = replayed(step)
    return [c.kernel for c in calls], found, want
