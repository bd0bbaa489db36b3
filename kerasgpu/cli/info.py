"""`python -m kerasgpu info`: what this installation runs on, and what a GPU would need."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time

from kerasgpu import _core, config

LEVEL_NAMES = {0: "portable", 1: "AVX2 + FMA", 2: "AVX-512"}


def instruction_set(level: int) -> str:
    if level == 1 and platform.machine().lower() in ("aarch64", "arm64"):
        return "NEON"
    return LEVEL_NAMES[level]


def package_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    try:
        with open("/proc/cpuinfo") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def print_info(check: bool = False) -> int:
    """Print the report; with check also run every CPU kernel family once against NumPy. Returns the exit status."""
    import kerasgpu.kernels.launch  # sets threads and instruction set from the environment
    from kerasgpu.engine import device as devices

    count, why = devices.gpu_count()
    rows = [
        ("kerasgpu", kerasgpu.__version__),
        ("python", f"{platform.python_version()} ({sys.executable})"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("processor", processor()),
        ("instruction set", f"{instruction_set(_core.level())} in use, {instruction_set(_core.machine_level())} available"),
        ("threads", f"{_core.num_threads()} of the kernels, {config.available_cpus()} cores available"),
        ("default device", devices.default_device()),
        ("GPUs", ", ".join(f"gpu:{k}" for k in range(count)) or f"none: {why}"),
        ("cache folder", config.keras_home()),
    ]
    rows += [(name, package_version(name)) for name in ("numpy", "ml_dtypes", "h5py", "pillow", "matplotlib", "scikit-learn")]
    rows += [
        (
            "cupy",
            next(
                (
                    f"{n} {package_version(n)}"
                    for n in ("cupy-cuda12x", "cupy-cuda13x", "cupy")
                    if package_version(n) != "not installed"
                ),
                "not installed",
            ),
        )
    ]
    for variable in sorted(k for k in os.environ if k.startswith(("KERASGPU_", "KERAS_"))):
        rows.append((variable, os.environ[variable]))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
    if not count:
        print(
            "\nTo use an NVIDIA GPU: install its driver, then  pip install 'kerasgpu[cuda12]'  (CUDA 12 driver) or 'kerasgpu[cuda13]'."
        )
    return self_test() if check else 0


def self_test() -> int:
    """Compare each kernel family with NumPy on small data; prints a line a family."""
    import numpy as np

    from kerasgpu import ops

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(65, 33)).astype("float32"), rng.normal(size=(33, 47)).astype("float32")
    e = np.exp(a - a.max(-1, keepdims=True))
    cases = [
        ("matmul", lambda: ops.matmul(a, b), a.astype("float64") @ b),
        ("elementwise", lambda: ops.exp(a) * 2 + a, np.exp(a.astype("float64")) * 2 + a),
        ("reduce", lambda: ops.sum(a, axis=0), a.astype("float64").sum(0)),
        ("softmax", lambda: ops.softmax(a), e / e.sum(-1, keepdims=True)),
        ("transpose", lambda: ops.transpose(a), a.T),
        ("take", lambda: ops.take(a, [3, 1, 64], axis=0), a[[3, 1, 64]]),
        ("sort", lambda: ops.sort(a, axis=-1), np.sort(a, -1)),
    ]
    failed = 0
    for name, run, expected in cases:
        begin = time.perf_counter()
        error = float(np.max(np.abs(np.asarray(run(), dtype="float64") - expected)))
        good = error < 1e-4
        failed += not good
        print(f"{'ok' if good else 'WRONG':6}{name:12} largest error {error:.1e}, {1e3 * (time.perf_counter() - begin):.1f} ms")
    return 1 if failed else 0
