"""Optimizer steps over all tensors of a model in one launch, with the formulas of Keras 3 (csrc/cpu/optimizer_*.cpp).

Every function updates `variables` and its slots in place. Common arguments:
    grads, variables and each slot list: arrays of one dtype (float32, float64, float16 or bfloat16), matching in size.
    learning_rate: float32 or float64 array of 1 element. iterations: int32 or int64 array of 1 element, the steps done before.
    weight_decay: decoupled, applied first: x -= x * weight_decay * learning_rate.
    decay_mask: for each variable, whether weight decay applies; None means all.
Learning rate and iterations are read by the kernel, so a recorded step follows them.
"""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

_MAX_OUTPUTS = 500
_FLOATS = ("float32", "float64", "float16", "bfloat16")


@parameters("sgd")
class SgdSpec(NamedTuple):
    """For each tensor its elements, and whether weight decay applies (0 or 1)."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    nesterov: bool
    weight_decay: float
    momentum: float


@parameters("rmsprop")
class RmsPropSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    centered: bool
    weight_decay: float
    rho: float
    momentum: float
    epsilon: float


@parameters("adam")
class AdamSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    amsgrad: bool
    weight_decay: float
    beta_1: float
    beta_2: float
    epsilon: float


@parameters("adamax", "lamb")
class AdamaxSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    weight_decay: float
    beta_1: float
    beta_2: float
    epsilon: float


@parameters("nadam")
class NadamSpec(NamedTuple):
    """As SgdSpec; last: whether the product of the schedule is stored."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    last: bool
    weight_decay: float
    beta_1: float
    beta_2: float
    epsilon: float


@parameters("adagrad")
class AdagradSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    weight_decay: float
    epsilon: float


@parameters("adadelta")
class AdadeltaSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    weight_decay: float
    rho: float
    epsilon: float


@parameters("lion")
class LionSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    weight_decay: float
    beta_1: float
    beta_2: float


@parameters("ftrl")
class FtrlSpec(NamedTuple):
    """As SgdSpec."""

    tensors: int
    counts: tuple[int, ...]
    decay: tuple[int, ...]
    weight_decay: float
    power: float
    l1: float
    l2: float
    l2_shrinkage: float
    beta: float


@parameters("multi_square_sum")
class SquareSumSpec(NamedTuple):
    """total: one sum over all tensors; accumulate: added to what is there."""

    tensors: int
    counts: tuple[int, ...]
    total: bool
    accumulate: bool


@parameters("multi_clip")
class ClipSpec(NamedTuple):
    """mode: 0 by value, 1 by norm, 2 by global norm."""

    tensors: int
    counts: tuple[int, ...]
    mode: int
    limit: float


@parameters("ema_update")
class EmaSpec(NamedTuple):
    """For each tensor its elements."""

    tensors: int
    counts: tuple[int, ...]
    momentum: float


def _dtype_groups(xs, room):
    """Numbers of the tensors for each launch: one dtype, at most `room`."""
    groups: dict = {}
    for k, x in enumerate(xs):
        groups.setdefault(x.dtype.name, []).append(k)
    return [ks[i : i + room] for ks in groups.values() for i in range(0, len(ks), room)]


def _step(name, grads, variables, slots, learning_rate, iterations, make, weight_decay=0.0, decay_mask=None, shared=()):
    """Check and launch, split by dtype and number of operands.

    Args:
        make: the spec of a launch from (tensors, counts, decay, weight_decay, whether it is the last launch).
        shared: outputs that only the last launch stores.
    """
    n = len(variables)
    if len(grads) != n or any(len(s) != n for s in slots) or (decay_mask is not None and len(decay_mask) != n):
        raise ValueError(
            f"{name}: {n} variables, {len(grads)} gradients, slots {[len(s) for s in slots]}; the numbers must be equal"
        )
    for g, x in zip(grads, variables):
        if g.size != x.size or g.dtype != x.dtype or x.dtype.name not in _FLOATS:
            raise ValueError(f"{name}: gradient {g.dtype} {g.shape} does not match variable {x.dtype} {x.shape}")
    parts = _dtype_groups(variables, _MAX_OUTPUTS // (1 + len(slots)))
    for part in parts:
        inputs = (learning_rate, iterations, *[grads[k] for k in part])
        outputs = (*[variables[k] for k in part], *[s[k] for s in slots for k in part], *shared)
        decay = tuple([1 if decay_mask is None or decay_mask[k] else 0 for k in part])
        counts = tuple([variables[k].size for k in part])
        spec = make(len(part), counts, decay, float(weight_decay or 0.0), part is parts[-1])
        launch(name, inputs, outputs, spec)


def _plain(cls, *numbers):
    """Makes specs that have no flag of their own."""
    numbers = tuple(map(float, numbers))
    return lambda n, counts, decay, weight_decay, last: cls(n, counts, decay, weight_decay, *numbers)


def sgd(grads, variables, momentums, learning_rate, iterations, momentum=0.0, nesterov=False, **common):
    """x -= lr g, or with momentum > 0: m = momentum m - lr g; x += m. `momentums` is [] without momentum.

    >>> import numpy as np
    >>> x = np.ones(2, "float32")
    >>> sgd([np.ones(2, "float32")], [x], [], np.full(1, 0.5, "float32"), np.zeros(1, "int64"))
    >>> x
    array([0.5, 0.5], dtype=float32)
    """

    def make(n, counts, decay, weight_decay, last):
        return SgdSpec(n, counts, decay, bool(nesterov), weight_decay, float(momentum or 0.0))

    slots = (momentums,) if momentum else ()
    _step("sgd", grads, variables, slots, learning_rate, iterations, make, **common)


def rmsprop(
    grads, variables, velocities, learning_rate, iterations,
    rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, momentums=(), average_gradients=(), **common,
):  # fmt: skip
    """RMSprop; `momentums` is used when momentum > 0, `average_gradients` when centered."""

    def make(n, counts, decay, weight_decay, last):
        return RmsPropSpec(n, counts, decay, bool(centered), weight_decay, float(rho), float(momentum), float(epsilon))

    slots = (velocities, *([momentums] if momentum > 0 else []), *([average_gradients] if centered else []))
    _step("rmsprop", grads, variables, slots, learning_rate, iterations, make, **common)


def adam(
    grads, variables, momentums, velocities, learning_rate, iterations,
    beta_1=0.9, beta_2=0.999, epsilon=1e-7, velocity_hats=None, **common,
):  # fmt: skip
    """Adam (Kingma and Ba, 2015); AdamW with weight_decay; AMSGrad when `velocity_hats` is given."""
    slots = (momentums, velocities, *([] if velocity_hats is None else [velocity_hats]))
    amsgrad = velocity_hats is not None

    def make(n, counts, decay, weight_decay, last):
        return AdamSpec(n, counts, decay, amsgrad, weight_decay, float(beta_1), float(beta_2), float(epsilon))

    _step("adam", grads, variables, slots, learning_rate, iterations, make, **common)


def adamax(grads, variables, momentums, norms, learning_rate, iterations, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
    """Adamax: Adam with the infinity norm."""
    make = _plain(AdamaxSpec, beta_1, beta_2, epsilon)
    _step("adamax", grads, variables, (momentums, norms), learning_rate, iterations, make, **common)


def nadam(
    grads, variables, momentums, velocities, u_product, learning_rate, iterations,
    beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common,
):  # fmt: skip
    """Adam with Nesterov momentum (Dozat, 2016). u_product: array of 1 element of the variables' dtype, 1 at the start."""
    slots = (momentums, velocities)

    def make(n, counts, decay, weight_decay, last):
        return NadamSpec(n, counts, decay, last, weight_decay, float(beta_1), float(beta_2), float(epsilon))

    _step("nadam", grads, variables, slots, learning_rate, iterations, make, shared=(u_product,), **common)


def adagrad(grads, variables, accumulators, learning_rate, iterations, epsilon=1e-7, **common):
    """Adagrad (Duchi et al., 2011)."""
    _step("adagrad", grads, variables, (accumulators,), learning_rate, iterations, _plain(AdagradSpec, epsilon), **common)


def adadelta(
    grads, variables, accumulated_grads, accumulated_deltas, learning_rate, iterations, rho=0.95, epsilon=1e-7, **common
):
    """Adadelta (Zeiler, 2012)."""
    slots = (accumulated_grads, accumulated_deltas)
    _step("adadelta", grads, variables, slots, learning_rate, iterations, _plain(AdadeltaSpec, rho, epsilon), **common)


def lion(grads, variables, momentums, learning_rate, iterations, beta_1=0.9, beta_2=0.99, **common):
    """Lion (Chen et al., 2023)."""
    _step("lion", grads, variables, (momentums,), learning_rate, iterations, _plain(LionSpec, beta_1, beta_2), **common)


def ftrl(
    grads, variables, accumulators, linears, learning_rate, iterations,
    learning_rate_power=-0.5, l1=0.0, l2=0.0, l2_shrinkage=0.0, beta=0.0, **common,
):  # fmt: skip
    """FTRL-Proximal (McMahan et al., 2013)."""
    make = _plain(FtrlSpec, learning_rate_power, l1, l2, l2_shrinkage, beta)
    _step("ftrl", grads, variables, (accumulators, linears), learning_rate, iterations, make, **common)


def lamb(grads, variables, momentums, velocities, learning_rate, iterations, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
    """LAMB (You et al., 2020): Adam's direction scaled by |x| / |update| for each tensor."""
    make = _plain(AdamaxSpec, beta_1, beta_2, epsilon)
    _step("lamb", grads, variables, (momentums, velocities), learning_rate, iterations, make, **common)


def _sizes(name, xs):
    xs = tuple(xs)
    if any(x.dtype.name not in _FLOATS for x in xs):
        raise ValueError(f"{name}: needs float arrays. Received: {', '.join(sorted({x.dtype.name for x in xs}))}")
    return xs, tuple([x.size for x in xs])


def square_sum(xs):
    """The sum of the squares of all elements of all tensors: a float64 array of 1 element, added in a fixed order."""
    xs, sizes = _sizes("square_sum", xs)
    total = empty((1,), "float64", xs[0] if xs else None)
    for i, part in enumerate(_dtype_groups(xs, _MAX_OUTPUTS) or [[]]):
        spec = SquareSumSpec(len(part), tuple([sizes[k] for k in part]), True, i > 0)
        launch("multi_square_sum", tuple(xs[k] for k in part), (total,), spec)
    return total


def _clip(xs, mode, limit, sums):
    if not limit > 0:
        raise ValueError(f"clip: the limit must be above 0. Received: {limit}")
    xs, sizes = _sizes("clip", xs)
    ys = [empty(x.shape, x.dtype, x) for x in xs]
    for part in _dtype_groups(xs, _MAX_OUTPUTS):
        inputs, counts = tuple(xs[k] for k in part), tuple([sizes[k] for k in part])
        extra = ()
        if mode == 1:
            extra = (empty((len(part),), "float64", xs[0]),)
            launch("multi_square_sum", inputs, extra, SquareSumSpec(len(part), counts, False, False))
        elif mode == 2:
            extra = (sums,)
        launch("multi_clip", (*inputs, *extra), tuple(ys[k] for k in part), ClipSpec(len(part), counts, mode, float(limit)))
    return ys


def clip_by_value(grads, limit: float):
    """Every element limited to [-limit, limit] (`clipvalue`); NaN stays."""
    return _clip(grads, 0, limit, None)


def clip_by_norm(grads, limit: float):
    """Each tensor scaled so that its L2 norm is at most `limit` (`clipnorm`)."""
    return _clip(grads, 1, limit, None)


def clip_by_global_norm(grads, limit: float):
    """All tensors scaled by one factor to a joint L2 norm of at most `limit` (`global_clipnorm`); NaN if it is not finite."""
    grads = tuple(grads)
    return _clip(grads, 2, limit, square_sum(grads)) if grads else []


def ema_update(averages, values, iterations, momentum: float = 0.99):
    """average = momentum average + (1 - momentum) value in place; the first step (iterations[0] == 0) copies the values."""
    if len(averages) != len(values) or any(a.size != v.size or a.dtype != v.dtype for a, v in zip(averages, values)):
        raise ValueError("ema_update: averages and values must match in number, size and dtype")
    values, sizes = _sizes("ema_update", values)
    for part in _dtype_groups(values, _MAX_OUTPUTS):
        inputs = (iterations, *[values[k] for k in part])
        spec = EmaSpec(len(part), tuple([sizes[k] for k in part]), float(momentum))
        launch("ema_update", inputs, tuple(averages[k] for k in part), spec)
