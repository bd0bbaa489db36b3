"""What the border between Python and the kernels refuses: operands in another byte order, unaligned, read-only, overlapping."""

import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels.spec import read as spec_of


def run(kernel, ins, outs, ints=(), floats=()):
    _core.launch(_core.kernel_id(kernel), tuple(ins), tuple(outs), spec_of(kernel, ints, floats))


def softmax(x, y):
    run("softmax", [x], [y], (2, 4, 1))


def test_byte_order():
    x = np.ones((2, 4), np.dtype("float32").newbyteorder())
    with pytest.raises(ValueError, match="byte order"):
        softmax(x, np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="byte order"):
        softmax(np.ones((2, 4), "float32"), x)
    with pytest.raises(ValueError, match="byte order"):
        _core.Program().add_buffer(x)


def test_alignment():
    x = np.zeros(8 * 4 + 1, np.uint8)[1:].view("float32")
    with pytest.raises(ValueError, match="not aligned"):
        softmax(x, np.zeros(8, "float32"))
    with pytest.raises(ValueError, match="not aligned"):
        _core.Program().add_buffer(x)


def test_read_only_outputs():
    y = np.zeros((2, 4), "float32")
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        softmax(np.ones((2, 4), "float32"), y)


def test_overlap():
    memory = np.zeros(16, "float32")
    with pytest.raises(ValueError, match="shares part of its memory"):
        softmax(memory[:8], memory[4:12])
    with pytest.raises(ValueError, match="does not work in place"):
        softmax(memory[:8], memory[:8])
    softmax(memory[:8], memory[8:])
    np.testing.assert_array_equal(memory[8:], 0.25)


def test_rows_gathered_into_their_own_indices():
    data, indices, cursor = np.arange(4), np.array([3, 2, 1, 0]), np.zeros(1, "int64")
    with pytest.raises(ValueError, match="does not work in place"):
        run("gather_rows", [data, indices, cursor], [indices], (4, 1, 4, 4))
    np.testing.assert_array_equal(indices, [3, 2, 1, 0])


def test_many_operands_that_overlap():
    memory = np.zeros(4000, "float32")
    parts = [memory[k * 10 : k * 10 + 10] for k in range(400)]
    with pytest.raises(ValueError, match="shares part of its memory|two outputs share"):
        run("sgd", [np.zeros(1, "float32")] * 200, [*parts[:200], memory[5:15]], (200, *[10] * 200, *[1] * 200, 0), (0.0, 0.0))


def test_programs_check_what_they_are_given():
    program, memory = _core.Program(), np.zeros(16, "float32")
    a, b = program.add_buffer(memory[:8]), program.add_buffer(memory[8:])
    program.add_call(_core.kernel_id("softmax"), [a], [b], spec_of("softmax", (2, 4, 1)))
    program.run()
    program.rebind(a, memory[4:12])
    for _ in range(2):
        with pytest.raises(ValueError, match="shares part of its memory"):
            program.run()
    program.rebind(b, np.zeros(8, "float32"))  # what counts is where they are when it runs
    program.run()
    with pytest.raises(ValueError, match="does not work in place"):
        program.add_call(_core.kernel_id("softmax"), [a], [a], spec_of("softmax", (2, 4, 1)))
    assert len(program) == 1
    y = np.zeros(8, "float32")
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        program.rebind(b, y)
    c = program.add_buffer(y)
    with pytest.raises(ValueError, match="read-only"):
        program.add_call(_core.kernel_id("softmax"), [a], [c], spec_of("softmax", (2, 4, 1)))


@pytest.mark.parametrize(
    "sizes", [(0, 2**31, 2**31), (0, 2**62, 1), (0, 2**32, 2**30), (2**62, 2**62, 4), (-1, 3, 1), (0, 2**61, 1)]
)
def test_one_hot_of_sizes_that_overflow(sizes):
    try:
        run("one_hot", [np.zeros(0, "int32")], [np.zeros(0, "float32")], sizes)
    except ValueError as error:
        assert "size product" in str(error) or "elements" in str(error)
