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
    with pytest.raises(ValueError, match="output 0 is input 0, and there the kernel does not work in place"):
        run("reduce", [memory[:8]], [memory[:8]], (0, 8, 1, 1))
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
        program.add_call(_core.kernel_id("reduce"), [a], [a], spec_of("reduce", (0, 8, 1, 1)))
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


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# kernel, inputs, shapes of the outputs, integers, floats, and the (output, input) pairs that may be the same array.
ROWS, COLS = 300, 70
X, G = numbers(ROWS, COLS), numbers(ROWS, COLS, seed=1)
ROW, COLUMN = np.abs(numbers(COLS, seed=2)) + 1, np.abs(numbers(ROWS, seed=3)) + 1
STATE = np.array([3, 4], "uint32")
IN_PLACE = [
    ("softmax", [X], [X.shape], (ROWS, COLS, 1), (), [(0, 0)]),
    ("softmax", [X], [X.shape], (10, 30, 70), (), [(0, 0)]),
    ("log_softmax", [X], [X.shape], (ROWS, COLS, 1), (), [(0, 0)]),
    ("softmax_grad", [X, G], [X.shape], (ROWS, COLS, 1), (), [(0, 0), (0, 1)]),
    ("softmax_grad", [X, G], [X.shape], (10, 30, 70), (), [(0, 0), (0, 1)]),
    ("log_softmax_grad", [X, G], [X.shape], (ROWS, COLS, 1), (), [(0, 0), (0, 1)]),
    ("softmax_cross_entropy_grad", [X, G, COLUMN], [X.shape], (ROWS, COLS), (), [(0, 0), (0, 1)]),
    ("sparse_softmax_cross_entropy_grad", [X, np.arange(ROWS) % COLS, COLUMN], [X.shape], (ROWS, COLS, 0, 0), (), [(0, 0)]),
    ("scan", [X], [X.shape], (0, ROWS, COLS, 1, 0, 0), (), [(0, 0)]),
    ("scan", [X], [X.shape], (1, 10, 30, 70, 1, 1), (), [(0, 0)]),
    ("layer_norm", [X, ROW], [X.shape, (3 * ROWS,)], (ROWS, COLS, 1, 0, 1), (1e-3,), [(0, 0)]),
    ("layer_norm_grad", [X, G, numbers(3 * ROWS), ROW], [X.shape, (COLS,), (COLS,)], (ROWS, COLS, 1, 1, 1), (), [(0, 0), (0, 1)]),
    ("batch_norm", [X, G], [X.shape, (COLS,), (COLS,), (2 * COLS,)], (1, ROWS, COLS, 1, 1, 0, 0, 1, 1), (1e-3,), [(0, 0), (0, 1)]),
    ("batch_norm_apply", [X, ROW, ROW, G], [X.shape], (ROWS, COLS, 1, 0, 0, 1, 0), (1e-3,), [(0, 0), (0, 3)]),
    (
        "batch_norm_grad", [X, G, ROW, numbers(2 * COLS, seed=5), ROW, numbers(COLS)], [X.shape, (COLS,), (COLS,)],
        (1, ROWS, COLS, 1, 1, 1, 1, 1), (), [(0, 0), (0, 1)],
    ),
    ("gemm", [numbers(ROWS, 600), numbers(600, COLS), G], [X.shape], (1, ROWS, COLS, 600, 0, 0, 0, 0, 0, 2, 0), (1.0,), [(0, 2)]),
    ("copy", [X], [X.shape], (), (), [(0, 0)]),
    ("dropout", [X, STATE], [X.shape], (X.size, 0), (0.5,), [(0, 0)]),
    ("tri_mask", [X], [X.shape], (1, ROWS, COLS, -3, 2), (), [(0, 0)]),
    ("multi_clip", [X, G], [X.shape, G.shape], (2, X.size, G.size, 0), (0.5,), [(0, 0), (1, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "inputs", "shapes", "ints", "floats", "pairs"), IN_PLACE, ids=[f"{k}-{c[0]}" for k, c in enumerate(IN_PLACE)]
)
def test_in_place_gives_the_same_bits(kernel, inputs, shapes, ints, floats, pairs):
    """Every pair that a kernel names with KG_IN_PLACE; all others of the same size are refused."""
    want = [np.zeros(shape, "float32") for shape in shapes]
    run(kernel, inputs, want, ints, floats)
    for o in range(len(shapes)):
        for i, x in enumerate(inputs):
            if x.nbytes != want[o].nbytes or x.itemsize != 4:
                continue
            ins, outs = [a.copy() for a in inputs], [np.zeros(shape, "float32") for shape in shapes]
            outs[o] = ins[i].view("float32").reshape(shapes[o])
            if (o, i) in pairs:
                run(kernel, ins, outs, ints, floats)
                for got, expected in zip(outs, want):
                    np.testing.assert_array_equal(got, expected)
            else:
                with pytest.raises(ValueError, match="does not work in place"):
                    run(kernel, ins, outs, ints, floats)


def test_gemm_writes_over_the_mask_only():
    a, b, c = np.eye(4, dtype="float32"), np.eye(4, dtype="float32"), np.ones((4, 4), "float32")
    for inputs, bias_kind, activation in (([a, b], 0, 0), ([a, b, c], 0, 2)):
        with pytest.raises(ValueError, match="output 0 is input 0"):
            run("gemm", inputs, [a], (1, 4, 4, 4, 0, 0, 0, 0, bias_kind, activation, 0), (1.0,))


def chain(x, out, strides, registers):
    """relu of x into the outputs whose register is 1; those of register 0 are x itself."""
    relu = 37
    ints = (0, 2, 1, 0, len(out), 1, 4, 4, *strides, *registers, relu, 1, 0, 0, 0)
    run("elementwise", [x], out, ints)


def test_elementwise_writes_over_an_input_that_lies_like_its_output():
    x = numbers(4, 4)
    want = np.maximum(x, 0)
    y = x.copy()
    chain(y, [y], (4, 1), (1,))
    np.testing.assert_array_equal(y, want)
    y = x.copy()
    with pytest.raises(ValueError, match="does not work in place"):  # x transposed: its elements are wanted later
        chain(y, [y], (1, 4), (1,))
    with pytest.raises(ValueError, match="does not work in place"):  # the other output is x as it was
        chain(y, [y, np.zeros_like(x)], (4, 1), (1, 0))
    np.testing.assert_array_equal(y, x)
