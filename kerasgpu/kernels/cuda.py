"""The GPU side of `launch`: plans a kernel call (kernels/gpu), fills in addresses, and lets the driver run it.

Arrays are CuPy arrays. Importing this module touches no GPU and does not import CuPy.
"""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import _core
from kerasgpu.config import installed, tensor_cores
from kerasgpu.kernels import spec as specs
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import transfer
from kerasgpu.kernels.gpu.plans.plan import DTYPES, HostPlan, Plan, make_plan
from kerasgpu.kernels.launch import kernel_id
from kerasgpu.kernels.spec import NOTHING

_LIMIT = 8192  # cached plans
_plans: dict = {}
_names: dict = {}  # NumPy dtype -> name


def forget() -> None:
    """Drop plans, which hold functions of a driver."""
    _plans.clear()


drivers.on_change(forget)
tensor_cores.on_change(forget)


def count() -> tuple[int, str]:
    """How many GPUs can be used, and if none: why, in one sentence."""
    return drivers.current().count()


def dtype_name(dtype) -> str:
    found = _names.get(dtype)
    if found is None:
        found = dtype.name
        if found not in DTYPES:
            raise TypeError(f"no GPU kernel works on arrays of dtype {dtype}; cast to one of {', '.join(DTYPES)}")
        _names[dtype] = found
    return found


def signature(arrays) -> tuple:
    """(dtype name, bytes) of each array: what planners may know."""
    return tuple([(_names.get(a.dtype) or dtype_name(a.dtype), a.nbytes) for a in arrays])


def plan_for(name: str, inputs: tuple, outputs: tuple, spec: tuple, repeated: bool = False, index: int = 0):
    """The cached plan of a call for a GPU; `repeated`: it will run many times. Floats are told apart by sign as well as by value."""
    driver = drivers.current()
    key = (name, inputs, outputs, specs.key(name, spec), repeated, driver.chip(index))
    found = _plans.get(key)
    if found is None:
        with drivers.planning(index):
            found = make_plan(name, inputs, outputs, spec, repeated and driver.specializes)
        if len(_plans) >= _LIMIT:
            _plans.clear()
        _plans[key] = found
    return found


def check(name, arrays, driver, index) -> None:
    """Refuses operands that are not on this GPU, or not contiguous, or not aligned."""
    for a in arrays:
        if type(a) is np.ndarray:
            raise TypeError(f"{name}: an operand is on the CPU and the result on gpu:{index}; move one with .to(device)")
        if driver.index_of(a) != index:
            raise ValueError(f"{name}: operands are on gpu:{driver.index_of(a)} and gpu:{index}; move one with .to(device)")
        if not a.flags.c_contiguous:
            raise ValueError(f"{name}: a GPU array of shape {a.shape} is not contiguous")
        if driver.address(a) % 16 and a.size:
            raise ValueError(f"{name}: a GPU array of shape {a.shape} does not begin at a multiple of 16 bytes; copy it first")


def launch(name: str, inputs: tuple, outputs: tuple, spec: tuple = NOTHING) -> None:
    """Run kernel `name` on GPU arrays; the twin of `_core.launch`."""
    driver = drivers.current()
    index = driver.index_of(outputs[0])
    check(name, (*inputs, *outputs), driver, index)
    plan = plan_for(name, signature(inputs), signature(outputs), spec, index=index)
    if type(plan) is HostPlan:
        return on_host(name, inputs, outputs, spec)
    if not plan.launches:
        return None
    run_plan(driver, plan, [driver.address(a) for a in inputs], [driver.address(a) for a in outputs], index)
    return None


def functions(driver, plan: Plan, index: int) -> list:
    """The loaded functions of a plan's launches on a GPU."""
    if plan.prepared is None:
        plan.prepared = {}
    found = plan.prepared.get(index)
    if found is None:
        driver.prepare(list(plan.launches), index)
        found = plan.prepared[index] = [driver.function(one, index) for one in plan.launches]
    return found


def run_plan(driver, plan: Plan, inputs: list, outputs: list, index: int) -> None:
    scratch, at = None, 0
    if plan.scratch:
        scratch = driver.empty((plan.scratch,), np.dtype("uint8"), index)
        at = driver.address(scratch)
    for function, one in zip(functions(driver, plan, index), plan.launches):
        driver.run(function, one, one.fill(inputs, outputs, at), index)
    del scratch  # the pool may give it to what is started next on this stream, which runs later


def on_host(name, inputs, outputs, spec) -> None:
    """The CPU kernel on copies of the operands."""
    host_in = tuple(to_host(a) for a in inputs)
    host_out = tuple(to_host(a) for a in outputs)
    _core.launch(kernel_id(name), host_in, host_out, spec)
    for device, host in zip(outputs, host_out):
        device.set(host)


def host_call(function, inputs: tuple, outputs: tuple) -> None:
    """`function(*inputs, *outputs)` on host copies; the outputs are copied back."""
    host_in = [to_host(a) for a in inputs]
    host_out = [a if type(a) is np.ndarray else to_host(a) for a in outputs]
    function(*host_in, *host_out)
    for device, host in zip(outputs, host_out):
        if device is not host:
            device.set(host)


def to_host(array) -> np.ndarray:
    return array if type(array) is np.ndarray else array.get()


def empty(shape, dtype, like):
    """An uninitialised array on the GPU of `like`, an array or a number."""
    driver = drivers.current()
    index = like if isinstance(like, int) else driver.index_of(like)
    shape = tuple(shape)
    if any(n < 0 for n in shape) or math.prod(shape) * np.dtype(dtype).itemsize >= 1 << 63:
        raise ValueError(f"empty: bad shape {shape}")
    return driver.empty(shape, dtype, index)


def put(array, where: tuple[str, int]):
    """`array` on device (kind, index): itself when it is there already, else a copy."""
    kind, index = where
    if kind == "cpu":
        return to_host(array)
    driver = drivers.current()
    if type(array) is not np.ndarray and driver.index_of(array) == index:
        return array
    return driver.put(array, index)


def of_array(array) -> int:
    return drivers.current().index_of(array)


def address(array) -> int:
    return drivers.current().address(array)


def download(arrays, index: int) -> transfer.Download:
    """Start bringing GPU arrays to the host, as they are after what was started before."""
    return transfer.Download(drivers.current(), arrays, index)


def adopt(array):
    """A GPU array of another library as one of ours, on the same memory; None for anything else."""
    return drivers.current().adopt(array)


def memory_stats(index: int) -> dict:
    return drivers.current().memory_stats(index)


def free_memory(index: int) -> int:
    """Bytes that may still be allocated: what the GPU has free, and what the pool keeps for reuse."""
    return drivers.current().free_memory(index)


def empty_cache() -> None:
    drivers.current().empty_cache()


def synchronize(index: int = 0) -> None:
    """Wait until the GPU has done all that was started."""
    drivers.current().synchronize(index)


installed.cuda.install(globals())
