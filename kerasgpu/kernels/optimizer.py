"""Optimizer steps over all tensors of a model in one launch, with the formulas of Keras 3 (csrc/cpu/optimizer_*.cpp).

Every function updates `variables` and its slots in place. Common arguments:
    grads, variables and each slot list: arrays of one dtype (float32, float64, float16 or bfloat16), matching in size.
    learning_rate: float32 or float64 array of 1 element. iterations: int32 or int64 array of 1 element, the steps done before.
    weight_decay: decoupled, applied first: x -= x * weight_decay * learning_rate.
    decay_mask: for each variable, whether weight decay applies; None means all.
Learning rate and iterations are read by the kernel, so a recorded step follows them.
"""

from __future__ import annotations

from kerasgpu.kernels.launch import empty, launch

_MAX_OUTPUTS = 500
_FLOATS = ("float32", "float64", "float16", "bfloat16")


def _step(name, grads, variables, slots, learning_rate, iterations, floats, ints=(), weight_decay=0.0, decay_mask=None, shared=()):
    """Split the tensors into launches: `shared` is a function of whether this is the last one, giving ints; or a tuple."""
    n = len(variables)
    if len(grads) != n or any(len(s) != n for s in slots) or (decay_mask is not None and len(decay_mask) != n):
        raise ValueError(f"{name}: {n} variables, {len(grads)} gradients, slots {[len(s) for s in slots]}; the numbers must be equal")
    for g, x in zip(grads, variables):
        if g.size != x.size or g.dtype != x.dtype or x.dtype.name not in _FLOATS:
            raise ValueError(f"{name}: gradient {g.dtype} {g.shape} does not match variable {x.dtype} {x.shape}")
    # Tensors of different dtypes go to different launches.
    by_dtype: dict = {}
    for k, x in enumerate(variables):
        by_dtype.setdefault(x.dtype.name, []).append(k)
    room = _MAX_OUTPUTS // (1 + len(slots))
    parts = [ks[i : i + room] for ks in by_dtype.values() for i in range(0, len(ks), room)]
    for part in parts:
        inputs = (learning_rate, iterations, *[grads[k] for k in part])
        outputs = (*[variables[k] for k in part], *[s[k] for s in slots for k in part], *shared)
        decay = [1 if decay_mask is None or decay_mask[k] else 0 for k in part]
        last = (int(part is parts[-1]),) if shared else ()
        counts = [variables[k].size for k in part]
        launch(name, inputs, outputs, (len(part), *counts, *decay, *ints, *last), (float(weight_decay or 0.0), *map(float, floats)))


def sgd(grads, variables, momentums, learning_rate, iterations, momentum=0.0, nesterov=False, **common):
    """x -= lr g, or with momentum > 0: m = momentum m - lr g; x += m. `momentums` is [] without momentum.

    >>> import numpy as np
    >>> x = np.ones(2, "float32")
    >>> sgd([np.ones(2, "float32")], [x], [], np.full(1, 0.5, "float32"), np.zeros(1, "int64"))
    >>> x
    array([0.5, 0.5], dtype=float32)
    """
    slots = (momentums,) if momentum else ()
    _step("sgd", grads, variables, slots, learning_rate, iterations, (momentum or 0.0,), (int(nesterov),), **common)


def rmsprop(
    grads, variables, velocities, learning_rate, iterations,
    rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, momentums=(), average_gradients=(), **common,
):  # fmt: skip
    """RMSprop; `momentums` is used when momentum > 0, `average_gradients` when centered."""
    slots = (velocities, *([momentums] if momentum > 0 else []), *([average_gradients] if centered else []))
    _step("rmsprop", grads, variables, slots, learning_rate, iterations, (rho, momentum, epsilon), (int(centered),), **common)


def adam(
    grads, variables, momentums, velocities, learning_rate, iterations,
    beta_1=0.9, beta_2=0.999, epsilon=1e-7, velocity_hats=None, **common,
):  # fmt: skip
    """Adam (Kingma and Ba, 2015); AdamW with weight_decay; AMSGrad when `velocity_hats` is given."""
    slots = (momentums, velocities, *([] if velocity_hats is None else [velocity_hats]))
    amsgrad = int(velocity_hats is not None)
    _step("adam", grads, variables, slots, learning_rate, iterations, (beta_1, beta_2, epsilon), (amsgrad,), **common)


def adamax(grads, variables, momentums, norms, learning_rate, iterations, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
    """Adamax: Adam with the infinity norm."""
    _step("adamax", grads, variables, (momentums, norms), learning_rate, iterations, (beta_1, beta_2, epsilon), **common)


def nadam(
    grads, variables, momentums, velocities, u_product, learning_rate, iterations,
    beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common,
):  # fmt: skip
    """Adam with Nesterov momentum (Dozat, 2016). u_product: array of 1 element of the variables' dtype, 1 at the start."""
    slots = (momentums, velocities)
    floats = (beta_1, beta_2, epsilon)
    _step("nadam", grads, variables, slots, learning_rate, iterations, floats, shared=(u_product,), **common)


def adagrad(grads, variables, accumulators, learning_rate, iterations, epsilon=1e-7, **common):
    """Adagrad (Duchi et al., 2011)."""
    _step("adagrad", grads, variables, (accumulators,), learning_rate, iterations, (epsilon,), **common)


def adadelta(
    grads, variables, accumulated_grads, accumulated_deltas, learning_rate, iterations, rho=0.95, epsilon=1e-7, **common
):
    """Adadelta (Zeiler, 2012)."""
    slots = (accumulated_grads, accumulated_deltas)
    _step("adadelta", grads, variables, slots, learning_rate, iterations, (rho, epsilon), **common)


def lion(grads, variables, momentums, learning_rate, iterations, beta_1=0.9, beta_2=0.99, **common):
    """Lion (Chen et al., 2023)."""
    _step("lion", grads, variables, (momentums,), learning_rate, iterations, (beta_1, beta_2), **common)


def ftrl(
    grads, variables, accumulators, linears, learning_rate, iterations,
    learning_rate_power=-0.5, l1=0.0, l2=0.0, l2_shrinkage=0.0, beta=0.0, **common,
):  # fmt: skip
    """FTRL-Proximal (McMahan et al., 2013)."""
    floats = (learning_rate_power, l1, l2, l2_shrinkage, beta)
    _step("ftrl", grads, variables, (accumulators, linears), learning_rate, iterations, floats, **common)


def lamb(grads, variables, momentums, velocities, learning_rate, iterations, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
    """LAMB (You et al., 2020): Adam's direction scaled by |x| / |update| for each tensor."""
    _step("lamb", grads, variables, (momentums, velocities), learning_rate, iterations, (beta_1, beta_2, epsilon), **common)
