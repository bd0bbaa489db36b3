"""How every kernel is started, on either device: `launch(name, inputs, outputs, spec)`.

Arrays are NumPy arrays (CPU) or CuPy arrays (GPU), contiguous and row-major. The families beside this file
(`gemm.py`, `softmax.py`, ...) check shapes, allocate outputs with `empty` and call `launch`; they are the same for both devices.
`spec` is the kernel's named tuple (spec.py).
While a program is being recorded, `launch` also tells the recorder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from kerasgpu import _core, config
from kerasgpu.config.installed import cuda
from kerasgpu.kernels import spec as specs
from kerasgpu.kernels.spec import NOTHING

_core.set_level(config.isa_level(_core.machine_level()))
_core.set_num_threads(config.num_threads())

_bfloat16 = None
_ids: dict[str, int] = {}
_numpy_dtypes: dict[str, np.dtype] = {}

# Set by kerasgpu.engine.recorder while a program is recorded: an object called as recorder(name, inputs, outputs, spec) for
# every launch, with `allocated(array)` for every new array and `host_read()` when Python looks at a value.
recorder = None


def numpy_dtype(dtype) -> np.dtype:
    """The NumPy dtype for a Keras dtype name such as "float32" or "bfloat16"."""
    if type(dtype) is not str:
        return np.dtype(dtype)
    found = _numpy_dtypes.get(dtype)
    if found is None:
        if dtype == "bfloat16":
            import ml_dtypes

            found = np.dtype(ml_dtypes.bfloat16)
        elif dtype.startswith("float8"):
            import ml_dtypes

            found = np.dtype(getattr(ml_dtypes, dtype))
        else:
            found = np.dtype(dtype)
        _numpy_dtypes[dtype] = found
    return found


def empty(shape, dtype, like=None):
    """An uninitialised array on the device of `like` (CPU when None), from that device's caching pool."""
    if like is None or type(like) is np.ndarray:
        made = _core.empty(shape, numpy_dtype(dtype))
    else:
        made = cuda.empty(shape, numpy_dtype(dtype), like)
    if recorder is not None:
        recorder.allocated(made)
    return made


def kernel_id(name: str) -> int:
    found = _ids.get(name)
    if found is None:
        found = _core.kernel_id(name)
        if found < 0:
            raise NotImplementedError(f"kernel {name!r} does not exist in kerasgpu._core")
        specs.of(name)
        _ids[name] = found
    return found


def launch(name: str, inputs: tuple, outputs: tuple, spec: tuple = NOTHING) -> None:
    """Run kernel `name`. `spec`: its parameters, the named tuple of its family; their meaning is in the kernel's header comment."""
    if recorder is not None:
        recorder(name, inputs, outputs, spec)
    first = outputs[0]
    if type(first) is np.ndarray:
        try:
            _core.launch(kernel_id(name), inputs, outputs, spec)
        except TypeError as error:  # a dtype without kernels: which operation met it?
            raise TypeError(f"{name}: {error}; cast, or take keras.ops.real and keras.ops.imag first") from None
    else:
        cuda.launch(name, inputs, outputs, spec)


def is_host(array) -> bool:
    return type(array) is np.ndarray


def host_call(function: Callable, inputs: tuple, outputs: tuple) -> None:
    """Run `function(*inputs, *outputs)`, a routine of NumPy that fills `outputs` in place; on a GPU, on copies of its operands.

    For the rare operation that has no kernel of ours (a singular value decomposition, say). It is recorded like a kernel.
    """
    if recorder is not None:
        recorder(function, inputs, outputs, NOTHING)
    run_on_host(function, inputs, outputs)


def run_on_host(function: Callable, inputs, outputs) -> None:
    """The call of `host_call`, not recorded."""
    if all(map(is_host, (*inputs, *outputs))):
        function(*inputs, *outputs)
    else:
        cuda.host_call(function, inputs, outputs)


def _described(array) -> str:
    return f"{array.dtype}{list(array.shape)}"


def _traced(run: Callable) -> Callable:
    """KERASGPU_DEBUG=2: a line on standard error for each launch, with operands and ms; =3: with the bytes in the pool too."""

    def traced(name, inputs, outputs, *parameters):
        begin = time.perf_counter()
        run(name, inputs, outputs, *parameters)
        ms = 1e3 * (time.perf_counter() - begin)
        label = name if isinstance(name, str) else getattr(name, "__qualname__", "host call")
        memory = f"  {_core.memory_stats()['in_use']} bytes in use" if config.debug() >= 3 else ""
        operands = f"{' '.join(map(_described, inputs))} -> {' '.join(map(_described, outputs))}"
        print(f"kerasgpu: {ms:9.4f} ms  {label}  {operands}{memory}", file=sys.stderr)

    return traced


if config.debug() >= 2:
    launch, host_call = _traced(launch), _traced(host_call)
