"""Every environment variable of kerasgpu, read once when it is first needed. docs/environment.md describes each."""

from __future__ import annotations

import os

ISA_LEVELS = {"portable": 0, "avx2": 1, "neon": 1, "avx512": 2}


def _choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = os.environ.get(name, "").strip().lower() or default
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not known; use one of {', '.join(allowed)}")
    return value


def _integer(name: str, low: int, high: int, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ValueError(f"{name}={text!r} must be a whole number from {low} to {high}")
    return value


def isa_level(machine_level: int) -> int:
    """KERASGPU_ISA: the instruction set to use, at most what the machine has."""
    name = _choice("KERASGPU_ISA", ("auto", *ISA_LEVELS), "auto")
    if name == "auto":
        return machine_level
    if ISA_LEVELS[name] > machine_level:
        raise ValueError(f"KERASGPU_ISA={name}: this processor does not have it; unset KERASGPU_ISA to use the best it has")
    return ISA_LEVELS[name]


def _read_words(path: str) -> list[str]:
    with open(path) as f:
        return f.read().split()


def _cgroup_cpus() -> int | None:
    """The CPU quota of a container (cgroup v2, then v1), rounded up; None when there is none."""
    for paths in (["/sys/fs/cgroup/cpu.max"], ["/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"]):
        try:
            quota, period = (int(word) for path in paths for word in _read_words(path))
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if quota > 0 and period > 0:
            return -(-quota // period)
    return None


def available_cpus() -> int:
    """Cores that this process may use: its affinity mask, cut by the container's quota."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_cpus()
    return min(cpus, quota) if quota else cpus


def num_threads() -> int:
    """KERASGPU_NUM_THREADS: threads of the CPU kernels; default: the available cores."""
    return _integer("KERASGPU_NUM_THREADS", 1, 1024, available_cpus())


def device() -> str:
    """KERASGPU_DEVICE: "auto" (first GPU that works, else CPU), "cpu", "gpu" (an error without one) or "gpu:N"."""
    value = os.environ.get("KERASGPU_DEVICE", "").strip().lower() or "auto"
    kind, _, index = value.partition(":")
    if kind not in ("auto", "cpu", "gpu") or (index and not index.isdigit()):
        raise ValueError(f"KERASGPU_DEVICE={value!r} is not known; use auto, cpu, gpu or gpu:N")
    return value


def debug() -> int:
    """KERASGPU_DEBUG: 0 silent, 1 why a step was not captured, 2 each launch with operands and ms, 3 memory too."""
    return _integer("KERASGPU_DEBUG", 0, 3, 0)


def capture() -> bool:
    """KERASGPU_CAPTURE: 0 runs every step eagerly."""
    return _choice("KERASGPU_CAPTURE", ("0", "1"), "1") == "1"


def resident_share() -> float:
    """KERASGPU_RESIDENT: percent of a GPU's free memory that a data set may take; a larger one is streamed."""
    return _integer("KERASGPU_RESIDENT", 0, 100, 50) / 100


def tf32() -> bool:
    """KERASGPU_TF32: 0 keeps float32 products on a GPU off the tensor cores."""
    return _choice("KERASGPU_TF32", ("0", "1"), "1") == "1"


def products() -> str:
    """KERASGPU_GEMM: which kernels, or NVIDIA's library, compute products; "auto" is the best that was measured."""
    return _choice("KERASGPU_GEMM", ("auto", "own", "mma", "wgmma", "cublaslt"), "auto")


def convolutions() -> str:
    """KERASGPU_CONV: our kernels, or NVIDIA's cuDNN, for convolutions on a GPU."""
    return _choice("KERASGPU_CONV", ("own", "cudnn"), "own")


def early_launch() -> int:
    """KERASGPU_PDL: whether a kernel of a captured step on a GPU is placed before the kernel that it depends on has ended."""
    return _integer("KERASGPU_PDL", 0, 2, 1)


def branches() -> str:
    """KERASGPU_BRANCHES: which kernels of a captured step may run beside each other on a GPU."""
    return _choice("KERASGPU_BRANCHES", ("0", "auto", "all"), "auto")


def grouping() -> bool:
    """KERASGPU_GROUP: 0 starts every kernel of a captured step on a GPU by itself, however small."""
    return _choice("KERASGPU_GROUP", ("0", "1"), "1") == "1"


def offline() -> bool:
    """KERASGPU_OFFLINE: 1 forbids every download."""
    return _choice("KERASGPU_OFFLINE", ("0", "1"), "0") == "1"


def cache_dir() -> str:
    """KERASGPU_CACHE: folder of compiled GPU kernels; default kerasgpu/ in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    return os.path.expanduser(os.environ.get("KERASGPU_CACHE") or os.path.join(home, "kerasgpu"))


def dump_folder() -> str:
    """KERASGPU_DUMP: folder to which source, PTX and log of every GPU kernel that is compiled are written; empty: none."""
    return os.path.expanduser(os.environ.get("KERASGPU_DUMP", "").strip())


def keras_home() -> str:
    """KERAS_HOME: folder of keras.json and of downloaded data sets; default ~/.keras."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))


def floatx() -> str:
    """KERAS_FLOATX: default float dtype at start."""
    return _choice("KERAS_FLOATX", ("float16", "bfloat16", "float32", "float64"), "float32")
