"""Where NVIDIA's libraries may be: their wheels, a toolkit, the system's search path. None is needed except NVRTC."""

from __future__ import annotations

import glob
import os
import sys

# Part of a file's name -> folders of its wheel under nvidia/, for CUDA 12 and for 13.
_WHEELS = {"nvrtc": ("cuda_nvrtc", "cu1?"), "cublasLt": ("cublas", "cu1?"), "cudnn": ("cudnn", "cudnn")}
_PIP = {"nvrtc": "nvidia-cuda-nvrtc", "cublasLt": "nvidia-cublas", "cudnn": "nvidia-cudnn"}


def candidates(name: str, majors: tuple[int, ...]) -> list[str]:
    """Files, then bare names for the system's loader, of a library such as "cublasLt"."""
    found: list[str] = []
    for folder in sys.path:
        for wheel in _WHEELS[name]:
            found += glob.glob(os.path.join(folder, "nvidia", wheel, "lib", f"lib{name}.so.*"))
        found += glob.glob(os.path.join(folder, "nvidia", "*", "bin", "**", f"{name}64_*.dll"), recursive=True)
    for home in (os.environ.get("CUDA_PATH"), os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if home:
            found += glob.glob(os.path.join(home, "lib64", f"lib{name}.so.*"))
            found += glob.glob(os.path.join(home, "bin", f"{name}64_*.dll"))
    found = [f for f in found if "builtins" not in f and ".alt." not in f]
    pattern = f"{name}64_{{}}.dll" if sys.platform == "win32" else f"lib{name}.so.{{}}"
    return [*dict.fromkeys(found), *(pattern.format(major) for major in majors)]


def pip_line(name: str, major: int) -> str:
    """How to install a library for the newest CUDA that a driver runs. From CUDA 13 on only cuDNN's wheel has it in its name."""
    suffix = f"-cu{min(max(major, 12), 13)}" if major < 13 or name == "cudnn" else ""
    return f"pip install {_PIP[name]}{suffix}"
