"""keras.mixed_precision: dtype policies and loss scaling under their old names."""

from kerasgpu.dtype_policies import DTypePolicy as Policy
from kerasgpu.dtype_policies import dtype_policy, set_dtype_policy
from kerasgpu.optimizers import LossScaleOptimizer

DTypePolicy = Policy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
