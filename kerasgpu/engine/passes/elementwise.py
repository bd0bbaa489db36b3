"""Join elementwise calls over the same elements into one loop, so that values between them stay in registers."""

from __future__ import annotations

from kerasgpu.engine.passes.chain import collapse, common_dims, contiguous_strides, expand
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.elementwise import ChainSpec
from kerasgpu.kernels.elementwise_chain import DOUBLE, FLOAT, MAX_INSTRUCTIONS, MAX_OUTPUTS, MAX_REGISTERS, PREDICATES


def fuse_elementwise(calls, wanted):
    calls = list(calls)
    uses = Uses(calls)
    for k in range(len(calls)):
        _fuse_into(calls, uses, k, wanted)
    return [call for call in calls if call is not None]


def _fuse_into(calls, uses, k, wanted) -> None:
    """Join call k with an earlier elementwise call that makes one of its inputs. None takes the place that becomes free, so that
    positions stay what they are."""
    consumer = calls[k]
    if not _fusible(consumer):
        return
    sources = {w for b in consumer.inputs for w in uses.writers.get(id(b), ()) if w < k}
    for p in sorted(sources, reverse=True):
        producer = calls[p]
        if not _fusible(producer):
            continue
        down, up = _may_move_down(calls, uses, p, k), _may_move_up(calls, uses, p, k)
        if not (down or up):
            continue
        joined = _join(producer, consumer, uses, p, k, wanted)
        if joined is None:
            continue
        uses.remove(p, producer)
        uses.remove(k, consumer)
        at, free = (k, p) if down else (p, k)
        uses.add(at, joined)
        calls[at], calls[free] = joined, None
        return


def _fusible(call) -> bool:
    if call.kernel != "elementwise" or call.spec.compute not in (FLOAT, DOUBLE):
        return False
    allowed = ("float32", "bool") if call.spec.compute == FLOAT else ("float64", "bool")
    return all(b.dtype.name in allowed for b in (*call.inputs, *call.outputs))


def _may_move_down(calls, uses, p, k) -> bool:
    """Whether call p may run right before k: nobody between uses its results or changes its inputs."""
    producer = calls[p]
    return not any(uses.touched_between(b, p, k) for b in producer.outputs) and not any(
        uses.written_between(b, p, k) for b in producer.inputs
    )


def _may_move_up(calls, uses, p, k) -> bool:
    """Whether call k may run right after p."""
    consumer = calls[k]
    return not any(uses.touched_between(b, p, k) for b in consumer.outputs) and not any(
        uses.written_between(b, p, k) for b in consumer.inputs
    )


def _join(producer, consumer, uses, p, k, wanted):
    """The call that does both, or None."""
    a, b = producer.spec.chain(), consumer.spec.chain()
    if a.compute != b.compute:
        return None
    dims = common_dims(a.dims, b.dims)
    if dims is None or _size(a.dims) != _size(b.dims):
        return None
    a_strides, b_strides = expand(a.dims, a.strides, dims), expand(b.dims, b.strides, dims)
    if a_strides is None or b_strides is None:
        return None
    full = tuple(0 if d == 1 else s for d, s in zip(dims, contiguous_strides(dims)))
    made_by = {id(out): name for out, name in zip(producer.outputs, (_maker(a, r) for r in a.outputs))}

    inputs = list(producer.inputs)
    strides = list(a_strides)
    source_of = []  # for each input of the consumer: ("out", register of a) or ("in", position)
    for buffer, s in zip(consumer.inputs, b_strides):
        if id(buffer) in made_by:
            if s != full or (buffer.dtype.name == "bool" and made_by[id(buffer)] not in PREDICATES):
                return None
            source_of.append(("out", a.outputs[[id(o) for o in producer.outputs].index(id(buffer))]))
            continue
        same = [j for j, (i, t) in enumerate(zip(inputs, strides)) if i is buffer and t == s]
        if not same:
            inputs.append(buffer)
            strides.append(s)
            same = [len(inputs) - 1]
        source_of.append(("in", same[0]))

    constants = list(a.constants)
    for c in b.constants:
        if not any(_same_number(c, d) for d in constants):
            constants.append(c)
    n_in, n_const = len(inputs), len(constants)

    def from_a(r):
        if r < a.n_inputs:
            return r
        if r < a.n_inputs + len(a.constants):
            return n_in + r - a.n_inputs
        return n_in + n_const + r - a.n_inputs - len(a.constants)

    a_temporaries = 1 + max([d - a.n_inputs - len(a.constants) for _, d, *_ in a.instructions], default=-1)

    def from_b(r):
        if r < b.n_inputs:
            kind, at = source_of[r]
            return at if kind == "in" else from_a(at)
        if r < b.n_inputs + len(b.constants):
            value = b.constants[r - b.n_inputs]
            return n_in + next(j for j, c in enumerate(constants) if _same_number(c, value))
        return n_in + n_const + a_temporaries + r - b.n_inputs - len(b.constants)

    instructions = [(n, *(from_a(r) for r in rs)) for n, *rs in a.instructions]
    instructions += [(n, *(from_b(r) for r in rs)) for n, *rs in b.instructions]

    outputs, out_registers = [], []
    for buffer, register in zip(producer.outputs, a.outputs):
        only_here = (
            buffer.temporary
            and id(buffer) not in wanted
            and uses.readers.get(id(buffer), []) == [k]
            and uses.only_writer(buffer) == p
        )
        if not only_here and not any(buffer is o for o in consumer.outputs):
            outputs.append(buffer)
            out_registers.append(from_a(register))
    for buffer, register in zip(consumer.outputs, b.outputs):
        outputs.append(buffer)
        out_registers.append(from_b(register))
    # An output may be one of the inputs only where both are at the same element.
    for buffer in outputs:
        if any(i is buffer and s != full for i, s in zip(inputs, strides)):
            return None
    registers = n_in + n_const + len(instructions)
    if registers > MAX_REGISTERS or len(instructions) > MAX_INSTRUCTIONS or len(outputs) > MAX_OUTPUTS:
        return None
    dims, strides = collapse(dims, [*strides, full])
    chain = ChainSpec(a.compute, dims, strides[:-1], constants, out_registers, instructions)
    return Call("elementwise", inputs, outputs, chain.encode())


def _maker(chain, register):
    return next((n for n, d, *_ in reversed(chain.instructions) if d == register), None)


def _same_number(x, y):
    return str(x) == str(y) and (x == y or x != x)  # 0.0 and -0.0 are different constants, NaN is one


def _size(dims):
    n = 1
    for d in dims:
        n *= d
    return n
