"""Passes over a recorded list of calls, in the order in which they run. Each takes and returns a list of calls.

None changes a result by a bit: they drop work, join loops over the same elements, and let kernels write where a copy would have.
"""

from __future__ import annotations

from kerasgpu.engine.passes.constants import keep_constants
from kerasgpu.engine.passes.copies import write_in_place
from kerasgpu.engine.passes.dead import drop_dead
from kerasgpu.engine.passes.elementwise import fuse_elementwise
from kerasgpu.engine.passes.epilogues import fuse_epilogues, fuse_masks
from kerasgpu.engine.passes.labels import keep_integer_labels
from kerasgpu.engine.passes.norm import fuse_normalization
from kerasgpu.engine.passes.pooling import mask_before_spreading
from kerasgpu.engine.passes.single import spare_sums_of_one
from kerasgpu.engine.passes.sums import fuse_column_sums

PASSES = (
    drop_dead,
    keep_constants,
    keep_integer_labels,
    spare_sums_of_one,
    fuse_epilogues,
    fuse_normalization,
    mask_before_spreading,
    fuse_masks,
    fuse_column_sums,
    write_in_place,
    fuse_elementwise,
    drop_dead,
)


def optimize(calls, keep):
    """Run every pass. `keep`: buffers whose values are wanted after the step, besides all that are not temporary."""
    wanted = {id(b) for b in keep}
    for run in PASSES:
        calls = run(calls, wanted)
    return calls
