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
    rows += gpu_rows()
    for variable in sorted(k for k in os.environ if k.startswith(("KERASGPU_", "KERAS_"))):
        rows.append((variable, os.environ[variable]))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")
    if not count:
        print(
            "\nTo use an NVIDIA GPU: install its driver, then  pip install 'kerasgpu[cuda12]'  (CUDA 12 driver) or 'kerasgpu[cuda13]'."
        )
    return check_devices(count) if check else 0


def gpu_rows() -> list[tuple[str, str]]:
    """Driver, CuPy, NVRTC, every GPU and its memory; or the one thing that is missing."""
    from kerasgpu.kernels.gpu.driver import interface as driver

    return driver.current().info()


def check_devices(count: int) -> int:
    """The self-test on the CPU and on every GPU."""
    from kerasgpu.engine import device as devices

    failed = 0
    for name in ("cpu:0", *(f"gpu:{k}" for k in range(count))):
        with devices.device(name):
            print(f"\n{name}")
            failed |= self_test()
    return failed


def by_wgmma(a, b, tile: str):
    """a @ b in bfloat16 with Hopper's own instructions, by a tile of kernels/gpu/plans/gemm_table.py."""
    from kerasgpu import ops
    from kerasgpu.kernels import cuda
    from kerasgpu.kernels.gpu.plans import gemm_table

    before, gemm_table.forced = gemm_table.forced, (tile, 1)
    cuda.forget()
    try:
        return ops.cast(ops.matmul(ops.cast(a, "bfloat16"), ops.cast(b, "bfloat16")), "float32")
    finally:
        gemm_table.forced = before
        cuda.forget()


def by_library(name: str, run):
    """run() with matrix products by cuBLASLt, or convolutions by cuDNN."""
    from kerasgpu.config import tensor_cores
    from kerasgpu.kernels import cuda

    products, convolutions = tensor_cores.products(), os.environ.get("KERASGPU_CONV")
    tensor_cores.set_products("cublaslt" if name == "cublasLt" else products)
    os.environ["KERASGPU_CONV"] = "cudnn" if name == "cudnn" else "own"
    cuda.forget()
    try:
        return run()
    finally:
        tensor_cores.set_products(products)
        os.environ.pop("KERASGPU_CONV") if convolutions is None else os.environ.update(KERASGPU_CONV=convolutions)
        cuda.forget()


def library_cases() -> list:
    """(name, function, expected) for those of NVIDIA's optional libraries that are here."""
    import numpy as np

    from kerasgpu import ops
    from kerasgpu.kernels.gpu.driver import interface as driver

    a, b = (np.random.default_rng(k).integers(-3, 4, (48, 48)).astype("float32") for k in range(2))
    x, w = np.ones((1, 6, 6, 8), "float32"), np.ones((3, 3, 8, 16), "float32")
    cases = {
        "cublasLt": (lambda: ops.matmul(a, b), a @ b),
        "cudnn": (lambda: ops.conv(x, w), np.full((1, 4, 4, 16), 72)),
    }
    return [
        (name, lambda name=name, run=run: by_library(name, run), expected)
        for name, (run, expected) in cases.items()
        if not driver.current().library_problem(name)
    ]


def self_test() -> int:
    """Compare each kernel family with NumPy on small data, on the current device; prints a line a family."""
    import numpy as np

    from kerasgpu import ops, random
    from kerasgpu.engine import device as devices
    from kerasgpu.kernels.gpu.plans import gemm_table

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(65, 33)).astype("float32"), rng.normal(size=(33, 47)).astype("float32")
    e = np.exp(a - a.max(-1, keepdims=True))
    cases: list = [
        ("matmul", lambda: ops.matmul(a, b), a.astype("float64") @ b),
        ("elementwise", lambda: ops.exp(a) * 2 + a, np.exp(a.astype("float64")) * 2 + a),
        ("reduce", lambda: ops.sum(a, axis=0), a.astype("float64").sum(0)),
        ("softmax", lambda: ops.softmax(a), e / e.sum(-1, keepdims=True)),
        ("transpose", lambda: ops.transpose(a), a.T),
        ("take", lambda: ops.take(a, [3, 1, 64], axis=0), a[[3, 1, 64]]),
        ("sort", lambda: ops.sort(a, axis=-1), np.sort(a, -1)),
        ("scan", lambda: ops.cumsum(a, axis=1), a.astype("float64").cumsum(1)),
        ("argmax", lambda: ops.argmax(a, axis=1), a.argmax(1)),
        ("logsumexp", lambda: ops.logsumexp(a, axis=1), np.log(e.sum(-1)) + a.max(-1)),
        ("pad", lambda: ops.pad(a, [[1, 2], [0, 3]]), np.pad(a, [[1, 2], [0, 3]])),
        ("slice", lambda: ops.convert_to_tensor(a)[3:50:4, ::-1], a[3:50:4, ::-1]),
        ("concatenate", lambda: ops.concatenate([a, a], axis=1), np.concatenate([a, a], 1)),
        ("one_hot", lambda: ops.one_hot([2, 0, 5], 6), np.eye(6)[[2, 0, 5]]),
        ("scatter", lambda: ops.scatter([[1], [4], [1]], np.array([1, 2, 3], "float32"), (6,)), np.array([0, 4, 0, 0, 2, 0])),
        ("cast", lambda: ops.cast(ops.cast(a, "float16"), "float32"), a.astype("float16")),
        ("random", lambda: ops.mean(random.uniform((20000,), seed=1)) * 1e-3, np.array(0.5e-3)),
        (
            "conv",
            lambda: ops.conv(np.ones((1, 5, 5, 2), "float32"), np.ones((3, 3, 2, 4), "float32")),
            np.full((1, 3, 3, 4), 18),
        ),
        (
            "max_pool",
            lambda: ops.max_pool(a[None, :64, :32, None], 2),
            a[:64, :32].reshape(32, 2, 16, 2).max((1, 3))[None, ..., None],
        ),
    ]
    if devices.current_device().startswith("gpu") and gemm_table.wgmma_tiles("half"):
        c, d = rng.integers(-1, 2, (136, 192)).astype("float32"), rng.integers(-1, 2, (192, 72)).astype("float32")
        for tile in ("w128x128x64s4", "t128x128x64s6"):
            cases.append(
                (f"wgmma {tile[0]}", lambda tile=tile: by_wgmma(c, d, tile), c @ d)
            )  # sums that bfloat16 holds exactly
    if devices.current_device().startswith("gpu"):
        cases += library_cases()
    failed = 0
    for name, run, expected in cases:
        begin = time.perf_counter()
        try:
            error = float(np.max(np.abs(np.asarray(run(), dtype="float64") - expected)))
        except Exception as raised:  # the rest is worth knowing, too
            failed += 1
            print(f"FAILED {name}: {raised}")
            continue
        good = error < (5e-3 if name in ("matmul", "conv") else 1e-4)  # float32 products may run as TF32
        failed += not good
        print(f"{'ok' if good else 'WRONG':6}{name:12} largest error {error:.1e}, {1e3 * (time.perf_counter() - begin):.1f} ms")
    return 1 if failed else 0
