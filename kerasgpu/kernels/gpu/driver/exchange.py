"""GPU arrays of other libraries (CuPy, PyTorch, JAX, Numba) taken over without a copy.

An array says that its memory is on a GPU by `__dlpack_device__` or `__cuda_array_interface__`. DLPack comes first: with it the
other library makes our stream wait for what it has not finished, and tells read-only memory and dtypes apart (bfloat16). What our
kernels cannot use as it is (not row-major, not at a multiple of 16 bytes) is copied on the GPU.
"""

from __future__ import annotations

CUDA, CUDA_MANAGED = 2, 13  # kDLCUDA, kDLCUDAManaged


def on_gpu(x) -> bool:
    """Whether an object says that its memory is on a GPU; looks at nothing else of it."""
    kind = type(x)
    if hasattr(kind, "__dlpack_device__"):
        try:
            return int(x.__dlpack_device__()[0]) in (CUDA, CUDA_MANAGED)
        except Exception:  # an array that cannot be handed over (PyTorch: one that is sparse, say)
            return False
    # Not hasattr(x, ...): PyTorch's tensors on the CPU raise other errors than AttributeError.
    try:
        return isinstance(x.__cuda_array_interface__, dict)
    except Exception:
        return False


def usable(array, address: int) -> bool:
    """Whether kernels can read an array where it is."""
    return array.flags.c_contiguous and (address % 16 == 0 or not array.size)


def cupy_array(cupy, x):
    """A CuPy array on the memory of x, an array on a GPU; None for anything else."""
    if not on_gpu(x):
        return None
    if isinstance(x, cupy.ndarray):
        array = x
    elif hasattr(type(x), "__dlpack_device__"):
        # PyTorch refuses tensors that require a gradient: their values are wanted here.
        array = cupy.from_dlpack(x.detach() if getattr(x, "requires_grad", False) else x)
    else:
        array = cupy.asarray(x)
    return array if usable(array, array.data.ptr) else array.copy(order="C")
