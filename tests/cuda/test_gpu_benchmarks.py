"""The benchmarks of the GPU run on the shim: what they time is right, and the files say what was timed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fit, gpu_case, gpu_peers
from benchmarks import gpu as bench
from benchmarks.cases import Case
from kerasgpu import kernels
from kerasgpu.engine import device as devices

ROOT = Path(__file__).parents[2]
PEAK = {"gflops": 1.0, "memory_gbs": 1.0, "cache_gbs": 1.0, "tf32": False}


def cases():
    rng = np.random.default_rng(0)
    x, a, b = rng.normal(size=(8, 10)).astype("float32"), np.ones((12, 8), "float32"), np.ones((8, 5), "float32")
    large = np.ones((64, 1024), "float32")
    e, s = kernels.elementwise, kernels.softmax
    yield Case("softmax", "8x10", lambda: s.softmax(x), lambda x=x: np.exp(x), 5.0 * x.size, 8.0 * x.size)
    yield Case("gemm", "12x5x8", lambda: kernels.gemm.gemm(a, b), lambda a=a, b=b: a @ b, 960.0, 4.0 * 196)
    yield Case("add", "65536", lambda: e.add(large, large), lambda v=large: v + v, large.size, 8.0 * large.size)


def test_cases_are_timed_and_written(gpu, tmp_path, capsys, monkeypatch):

    monkeypatch.setattr(gpu_peers, "installed", lambda: (None, None))
    out = tmp_path / "rows.json"
    rows = bench.main("", 2, 1e-4, out, cases=cases(), peak=PEAK)
    written = json.loads(out.read_text())
    assert [r["kernel"] for r in rows] == ["softmax", "gemm", "add"] and written["rows"] == rows
    assert all(r["warm_s"] > 0 and len(r["times"]["warm"]) == 2 and r["of_peak"] > 0 for r in rows)
    # Only the large case leaves the cache (of a megabyte here).
    assert [r["cold_s"] is not None for r in rows] == [False, False, True]
    assert {"device", "driver", "command", "libraries", "l2_bytes", "peak", "version"} <= set(written)
    assert "of peak" in capsys.readouterr().out
    assert bench.main("soft", 1, 1e-4, out, cases=cases(), peak=PEAK)[0]["shape"] == "8x10"


def test_a_case_runs_the_same_kernels_on_the_same_operands(gpu):
    case = next(cases())
    on = gpu_case.OnDevice(case)
    run, runs = on.warm(0)
    run()
    assert runs == 1 and on.launches == 1
    output = on._kept[id(on.calls[0].outputs[0])]
    np.testing.assert_allclose(output.get().reshape(8, 10), case.ours(), rtol=1e-6)


def test_peaks_are_measured(gpu, monkeypatch):

    found = bench.peaks(copied=1 << 14, n=32)
    assert found["memory_gbs"] > 0 and found["cache_gbs"] > 0 and found["gflops"] > 0 and found["tf32"] is False


def test_other_libraries_get_the_arrays_of_the_case():
    """A stand-in for CuPy whose arrays are lists of what they were made from."""

    class Array:
        def __init__(self, x):
            self.x = x

        def __matmul__(self, other):
            return Array(self.x @ other.x)

    cupy = type("cupy", (), {"asarray": staticmethod(Array)})
    gemm = list(cases())[1]
    np.testing.assert_array_equal(gpu_peers.cupy_function(gemm, cupy)().x, np.full((12, 5), 8))
    assert gpu_peers.cupy_function(next(cases()), cupy) is None  # it raised, so there is nothing to compare with


def test_without_a_gpu_it_says_why(monkeypatch):

    monkeypatch.setattr(devices, "gpu_count", lambda: (0, "no NVIDIA driver is installed"))
    with pytest.raises(SystemExit, match="no GPU timings here: no NVIDIA driver is installed"):
        bench.main("", 1, 0.1)


def test_fit_is_timed_on_the_device(gpu, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fit, "choose", lambda device: None)
    out = tmp_path / "fit.jsonl"
    with devices.device("gpu:0"):
        options = ["--batch-size", "8", "--steps-per-execution", "2", "--samples", "48", "--device", "gpu", "--json", str(out)]
        fit.main(["kerasgpu", "mlp", *options])
    row = json.loads(out.read_text())
    assert row["batch_size"] == 8 and row["device"] == "gpu" and row["us_per_step"] > 0 and row["steps_per_execution"] == 2
    assert {"gpu", "version", "command", "policy"} <= set(row)
    assert json.loads(capsys.readouterr().out)["workload"] == "mlp"


def test_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--device", "gpu"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    if devices.gpu_count()[0] == 0:
        assert done.returncode == 1 and "no GPU timings here" in done.stderr
