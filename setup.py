"""Builds kerasgpu._core: every file of csrc/cpu once per instruction set, plus the bindings.

Environment: KERASGPU_BUILD_JOBS (parallel compilers, default: all cores), KERASGPU_WERROR=1 (warnings are errors),
KERASGPU_BUILD_ISAS (a list such as "portable,avx512": compile for these only, for quick development builds),
KERASGPU_SANITIZE=address|undefined|thread (with `build_ext --inplace`: an extension with that sanitizer in build/<name>, beside which
the usual one stays as it is; `make asan`, `make ubsan` and `make tsan` run tests with it).
"""

import functools
import os
import platform
import shutil
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup
from setuptools.command.build_py import build_py

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")

# name, level in the registry, compiler flags. Portable comes first: where the linker must choose between copies of an
# inline function of the standard library, it takes the first, which runs everywhere.
INSTRUCTION_SETS = [("portable", 0, [])]
if X86:
    INSTRUCTION_SETS += [
        ("avx2", 1, ["-mavx2", "-mfma", "-mf16c", "-mbmi2"]),
        (
            "avx512",
            2,
            [
                "-mavx512f",
                "-mavx512bw",
                "-mavx512vl",
                "-mavx512dq",
                "-mavx2",
                "-mfma",
                "-mf16c",
                "-mbmi2",
                "-mprefer-vector-width=512",
            ],
        ),
    ]
elif ARM:
    INSTRUCTION_SETS += [("neon", 1, [])]

WANTED = os.environ.get("KERASGPU_BUILD_ISAS", "").replace(",", " ").split()
if WANTED:
    KNOWN = [name for name, _, _ in INSTRUCTION_SETS]
    if "portable" not in WANTED or not set(WANTED) <= set(KNOWN):
        raise SystemExit(f"KERASGPU_BUILD_ISAS={','.join(WANTED)}: give portable and any others of {', '.join(KNOWN)}")
    INSTRUCTION_SETS = [one for one in INSTRUCTION_SETS if one[0] in WANTED]

# Files that hold no kernels are compiled once, for any machine.
ONCE = {"registry.cpp", "program.cpp", "overlap.cpp", "pool.cpp", "parallel.cpp"}

FLAGS = [
    "-std=c++17",
    "-O3",
    "-g0",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
    "-pthread",
]
if os.environ.get("KERASGPU_WERROR") == "1":
    FLAGS.append("-Werror")


SANITIZE = os.environ.get("KERASGPU_SANITIZE", "")
if SANITIZE not in ("", "address", "undefined", "thread"):
    raise SystemExit(f"KERASGPU_SANITIZE={SANITIZE}: give address, undefined or thread")
SANITIZER = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"] if SANITIZE else []
if SANITIZE:
    FLAGS = [*(flag for flag in FLAGS if flag not in ("-O3", "-g0")), "-O1", "-g1", *SANITIZER]


@functools.cache
def changed(path):
    """When a file was written last; never where there is none. Asked once for a header that many files include."""
    return os.stat(path).st_mtime if os.path.exists(path) else float("inf")


def up_to_date(target, dependencies):
    """Whether an object file is newer than all files that it was made from."""
    if not target.exists() or not dependencies.exists():
        return False
    files = dependencies.read_text().replace("\\\n", " ").split(":", 1)[-1].split()
    made = target.stat().st_mtime
    return all(changed(f) <= made for f in files)


def linked(target, listing, objects):
    """Whether a library is there, was linked from exactly these object files, and is newer than they are."""
    if not target.exists() or not listing.exists() or listing.read_text().split("\n") != objects:
        return False
    made = target.stat().st_mtime
    return all(os.stat(o).st_mtime <= made for o in objects)


class Progress:
    """One line for each file that is compiled, which takes minutes in all. Kept by `setup.py -q` too."""

    def __init__(self, total):
        self.total, self.done, self.lock = total, 0, threading.Lock()
        if total:
            print(f"kerasgpu: compiling {total} files, which takes some minutes when they are all", flush=True)

    def count(self, source, name):
        with self.lock:
            self.done += 1
            print(f"kerasgpu: file {self.done} of {self.total}: {source.name} for {name}", flush=True)


class BuildKernels(build_ext):
    """Compiles (file, instruction set) pairs in parallel; unchanged ones are not compiled again."""

    def build_extension(self, ext):
        root = Path("csrc")
        include = [*ext.include_dirs, *self.include_dirs]
        # Not self.build_temp, which is a new folder each time for an editable installation.
        temp = Path("build") / f"objects.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
        if SANITIZE:
            temp = Path("build") / SANITIZE / "objects"
        jobs = []
        for source in sorted((root / "cpu").glob("*.cpp")):
            for name, level, flags in INSTRUCTION_SETS:
                if source.name in ONCE and level > 0:
                    continue
                jobs.append((source, name, [*flags, f"-DKG_ISA={name}", f"-DKG_ISA_LEVEL={level}"]))
        jobs += [(s, "bindings", []) for s in sorted((root / "bindings").glob("*.cpp"))]

        def files_of(job):
            source, name, _ = job
            target = temp / name / source.with_suffix(".o")
            # -MMD writes the headers that a file includes: it is compiled again only when one of them changed.
            return target, target.with_suffix(".d")

        stale = [job for job in jobs if self.force or not up_to_date(*files_of(job))]
        if stale:
            self.require_compiler()
        progress = Progress(len(stale))

        def compile_one(job):
            source, name, flags = job
            target, dependencies = files_of(job)
            extra = [*FLAGS, *flags, "-MMD", "-MF", str(dependencies)]
            target.parent.mkdir(parents=True, exist_ok=True)
            self.compiler.compile([str(source)], str(temp / name), include_dirs=include, extra_postargs=extra)
            progress.count(source, name)

        workers = int(os.environ.get("KERASGPU_BUILD_JOBS", os.cpu_count() or 1))
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(compile_one, stale))
        objects = [str(files_of(job)[0]) for job in jobs]
        order = {name: k for k, (name, _, _) in enumerate(INSTRUCTION_SETS)}
        objects.sort(key=lambda o: order.get(Path(o).relative_to(temp).parts[0], -1))
        target = self.get_ext_fullpath(ext.name)
        if SANITIZE:
            target = str(temp.parent / Path(target).name)
        listing = temp / "linked.txt"
        if not self.force and linked(Path(target), listing, objects):
            return
        self.require_compiler()
        strip = [] if SANITIZE or sys.platform == "darwin" else ["-Wl,--strip-debug"]
        self.compiler.link_shared_object(objects, target, extra_postargs=["-pthread", *strip, *SANITIZER], target_lang="c++")
        listing.write_text("\n".join(objects))

    def require_compiler(self):
        command = getattr(self.compiler, "compiler_so_cxx", None) or getattr(self.compiler, "compiler_so", None) or ["c++"]
        if shutil.which(command[0]) is None:
            raise SystemExit(
                f"kerasgpu needs a C++17 compiler, and {command[0]} was not found: install g++ or clang++, or set CC and CXX to one"
            )

    def copy_extensions_to_source(self):
        if not SANITIZE:  # the one in the package is the one without
            super().copy_extensions_to_source()


class CopySources(build_py):
    """Puts the CUDA sources, which are compiled on the user's machine, into the package."""

    def run(self):
        super().run()
        if self.editable_mode:  # then they are found in csrc/
            return
        for folder in ("cuda", "common"):
            target = Path(self.build_lib) / "kerasgpu" / "kernels" / "gpu" / "csrc" / folder
            target.mkdir(parents=True, exist_ok=True)
            for source in sorted((Path("csrc") / folder).iterdir()):
                self.copy_file(str(source), str(target / source.name))


setup(
    ext_modules=[Pybind11Extension("kerasgpu._core", ["csrc/bindings/module.cpp"])],
    cmdclass={"build_ext": BuildKernels, "build_py": CopySources},
)
