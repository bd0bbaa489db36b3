"""Runs the fuzzers for KERASGPU_FUZZ_SECONDS (20) each, in processes of their own, so that a crash or a hang is a failed test."""

import os
import subprocess
import sys

import pytest

SECONDS = float(os.environ.get("KERASGPU_FUZZ_SECONDS", "20"))
SEED = os.environ.get("KERASGPU_FUZZ_SEED", "0")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fuzzer", ["kernels", "model_files"])
def test_nothing_but_clean_errors(fuzzer, tmp_path):
    place = tmp_path / "log" if fuzzer == "kernels" else tmp_path
    command = [sys.executable, "-m", f"tests.fuzz.{fuzzer}", SEED, str(SECONDS), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 120)
    at = place.read_text()[:2000] if fuzzer == "kernels" and place.exists() else f"the input in {place}"
    assert done.returncode == 0, f"exit {done.returncode} at {at}\n{done.stderr[-2000:]}"
    assert int(done.stdout.split()[0]) > 0
