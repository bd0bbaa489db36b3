"""CuPy and PyTorch on the same GPU, for the cases of cases.py, where they are installed.

CuPy runs the NumPy side of a case: the function is given CuPy arrays for its NumPy arrays, and NumPy's functions hand over to CuPy.
Its calls are started from Python, so small ones show that; PyTorch's run as a CUDA graph.
"""

from __future__ import annotations

import types

import numpy as np

from benchmarks import gpu_candidates, gpu_case
from benchmarks import peer as peers


def replaced(x, convert):
    """x with `convert` of every NumPy array in it: arrays, lists, functions with their defaults and closures."""
    if type(x) is np.ndarray:
        return convert(x)
    if isinstance(x, (list, tuple)):
        return type(x)(replaced(v, convert) for v in x)
    if isinstance(x, types.FunctionType):
        defaults = replaced(x.__defaults__, convert) if x.__defaults__ else None
        cells = tuple(types.CellType(replaced(c.cell_contents, convert)) for c in x.__closure__ or ())
        return types.FunctionType(x.__code__, x.__globals__, x.__name__, defaults, cells or None)
    return x


def cupy_function(case, cupy):
    """The NumPy side of a case on CuPy arrays; None where it is none or CuPy cannot."""
    if case.numpy is None or case.kernel in ("uniform", "normal", "dropout", "permutation"):  # drawn by NumPy's own generator
        return None
    function = replaced(case.numpy, cupy.asarray)
    try:
        function()
    except Exception:
        return None
    return function


def cupy_seconds(function, budget: float) -> float:
    gpu_case.seconds(function, 1)
    calls = max(1, min(200, int(budget / max(gpu_case.seconds(function, 1), 1e-7))))
    return gpu_case.seconds(lambda: [function() for _ in range(calls)], calls)


ELEMENTWISE = {"add": "add", "mul": "mul", "max": "maximum", "exp": "exp", "tanh": "tanh", "relu": "relu", "sqrt": "sqrt"}


def torch_function(case, torch, inputs):
    """The same work in PyTorch; None where nobody wrote it down. `inputs`: arrays of the case's first kernel."""
    if case.peer:
        make = peers.pooling if case.peer["operation"].startswith(("max", "average")) else peers.convolution
        with torch.device("cuda"):
            return make(torch, case.peer)
    if case.kernel == "gemm":
        return replaced(case.numpy, lambda a: torch.from_numpy(a).cuda())
    tensors = [torch.from_numpy(a).cuda() for a in inputs if a.dtype == np.float32]
    if case.kernel in ELEMENTWISE and tensors:
        operation = getattr(torch, ELEMENTWISE[case.kernel])
        return lambda: operation(*tensors)
    if case.kernel == "softmax":
        return lambda: torch.softmax(tensors[0], -1)
    return None


def torch_seconds(case, torch, inputs) -> float | None:
    with torch.no_grad():
        function = torch_function(case, torch, inputs)
        return None if function is None else gpu_candidates.torch_seconds(torch, function)


def installed():
    """(CuPy, PyTorch), None for what cannot use a GPU here."""
    cupy, torch = gpu_candidates.optional("cupy"), gpu_candidates.optional("torch")
    return cupy, torch if torch is not None and torch.cuda.is_available() else None
