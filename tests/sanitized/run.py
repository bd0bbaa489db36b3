"""Run pytest with the extension that `KERASGPU_SANITIZE=<name> python setup.py build_ext --inplace` built, and the sanitizer's runtime.

python tests/sanitized/run.py address|undefined|thread [pytest arguments]
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUNTIME = {"address": ["libasan.so", "libstdc++.so"], "undefined": ["libubsan.so"], "thread": ["libtsan.so"]}
OPTIONS = {
    # Python keeps what it has until the process ends, and h5py's libraries as well; what we allocate is tested by tests/test_memory.py.
    "address": {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1"},
    "undefined": {"UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"},
    "thread": {"TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={HERE / 'tsan.txt'}"},
}


def main(name, arguments):
    core = next((ROOT / "build" / name).glob("_core*.so"))
    compiler = os.environ.get("CXX", "g++")
    runtime = [
        subprocess.run([compiler, f"-print-file-name={lib}"], check=True, capture_output=True, text=True).stdout.strip()
        for lib in RUNTIME[name]
    ]
    env = {
        **os.environ,
        **OPTIONS[name],
        "LD_PRELOAD": " ".join(runtime),
        "KERASGPU_CORE": str(core),
        "PYTHONPATH": str(HERE),
        "PYTHONMALLOC": "malloc",  # a block of Python's own allocator has no guard around it
    }
    # The runtime of threads wants its memory at fixed places, which random addresses may take.
    fixed = ["setarch", platform.machine(), "-R"] if name == "thread" else []
    command = [*fixed, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
