"""One launch of a kernel (kerasgpu/kernels/optimizer.py) for all variables, in place of an `update_step` per variable.

An optimizer that can do so implements `_fused(step)`, where step is a FusedStep.
"""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import dtypes, state
from kerasgpu.engine.tensor import Tensor, convert_to_tensor


class FusedStep:
    """The operands of a fused update as arrays.

    `grads` and `variables` in order, `slot(list of variables)` for the same ones, and `common`: learning rate and iterations
    (arrays, which the kernel reads when it runs) and weight decay.
    """

    def __init__(self, optimizer, grads, variables, learning_rate):
        self._indices = [optimizer._get_variable_index(v) for v in variables]
        self.grads = [(g if g.dtype == v._dtype else ops.cast(g, v._dtype))._data for g, v in zip(grads, variables)]
        self.variables = [v.writable() for v in variables]
        rate = convert_to_tensor(learning_rate)
        if rate.dtype not in ("float32", "float64"):
            rate = ops.cast(rate, "float32")
        decay = optimizer.weight_decay or 0.0
        self.common = {
            "learning_rate": rate._data,
            "iterations": convert_to_tensor(optimizer.iterations)._data,
            "weight_decay": decay,
            "decay_mask": [optimizer._use_weight_decay(v) for v in variables] if decay else None,
        }

    def slot(self, variables):
        """The buffers of one kind of state, about to be written."""
        return [variables[k].writable() for k in self._indices]


def can_run(optimizer, grads, variables) -> bool:
    """Whether this step can be fused: our arithmetic, and real float buffers on one device."""
    if optimizer._fused is None or state.thread.stateless_scope is not None or state.thread.shape_only:
        return False
    counter = optimizer._iterations._tensor
    if type(counter) is not Tensor:
        return False
    kind = type(counter._data)
    for g, v in zip(grads, variables):
        tensor = v._tensor
        if type(tensor) is not Tensor or type(tensor._data) is not kind or v._dtype not in dtypes.FLOAT_TYPES:
            return False
        if type(g) is not Tensor or type(g._data) is not kind or g.shape != v._shape:
            return False
    return not optimizer._fused_takes_one_dtype or len({v._dtype for v in variables}) == 1
