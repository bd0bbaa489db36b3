"""Rules of the project that a machine can check."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    p
    for folder in ("kerasgpu", "csrc", "tests", "benchmarks", "examples")
    for ending in ("*.py", "*.cpp", "*.h", "*.cu", "*.cuh")
    for p in (ROOT / folder).rglob(ending)
)


def test_no_file_is_too_long():
    long = [f"{p.relative_to(ROOT)}: {n} lines" for p in SOURCES if (n := len(p.read_text().splitlines())) > 500]
    assert not long, "a file is one idea; split: " + ", ".join(long)


def test_test_files_have_names_of_their_own():
    # pytest imports them by base name.
    names = [p.name for p in (ROOT / "tests").rglob("*.py") if p.name not in ("conftest.py", "__init__.py")]
    twice = sorted({n for n in names if names.count(n) > 1})
    assert not twice, "rename: " + ", ".join(twice)


def names_imported(node):
    """What one statement imports, with the module in front; nothing for other statements."""
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{a.name}" for a in node.names]
    return [a.name for a in node.names] if isinstance(node, ast.Import) else []


GPU_FOLDERS = ("driver", "vendor", "plans", "graph")  # each imports only those before it


@pytest.mark.parametrize("folder", GPU_FOLDERS)
def test_folders_of_the_gpu_side_are_in_order(folder):
    above = [f"kerasgpu.kernels.gpu.{f}" for f in GPU_FOLDERS[GPU_FOLDERS.index(folder) + 1 :]]
    files = sorted((ROOT / "kerasgpu" / "kernels" / "gpu" / folder).glob("*.py"))
    assert len(files) > 1
    bad = [
        f"{p.relative_to(ROOT)} imports {name}"
        for p in files
        for node in ast.walk(ast.parse(p.read_text()))  # inside functions, too
        for name in names_imported(node)
        if any(name == f or name.startswith(f + ".") for f in above)
    ]
    assert not bad, bad


def stems(folder):
    return {p.name.split(".")[0] for p in (ROOT / "csrc" / folder).iterdir()}


def test_kernels_of_both_devices_have_the_same_file_names():
    section = (ROOT / "docs" / "cuda.md").read_text().split("## Files without a twin")[1].split("\n## ")[0]
    listed = {"cpu": set(), "cuda": set()}
    for folder, names in re.findall(r"^\| `csrc/(cpu|cuda)` \| (.*?) \|", section, re.M):
        listed[folder] |= set(re.findall(r"`(\w+)`", names))
    for folder, other in (("cpu", "cuda"), ("cuda", "cpu")):
        alone = stems(folder) - stems(other)
        missing = sorted(alone - listed[folder])
        assert not missing, f"csrc/{folder} has {missing}, csrc/{other} not: add the twin, or say why in docs/cuda.md"
        stale = sorted(listed[folder] - alone)
        assert not stale, f"docs/cuda.md lists {stale} as only in csrc/{folder}, which is not so"


def test_only_the_reader_opens_model_files():
    allowed = {"saving", "datasets", "utils"}
    names = ("zipfile", "h5py", "pickle", "marshal", "shelve", "dill")
    bad = []
    for p in (ROOT / "kerasgpu").rglob("*.py"):
        top = p.relative_to(ROOT / "kerasgpu").parts[0]
        for node in ast.walk(ast.parse(p.read_text())):
            modules = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for m in modules:
                opens_files = m.split(".")[0] in names
                if p.name == "backup_file.py" and m == "zipfile":  # written and read by itself, with a checksum of each member
                    continue
                if m.split(".")[0] in ("marshal", "shelve", "dill") or (opens_files and top not in allowed):
                    bad.append(f"{p.relative_to(ROOT)}:{node.lineno} imports {m}")
    assert not bad, bad


def test_import_is_light():
    code = (
        "import sys, kerasgpu\n"
        "heavy = {'h5py', 'cupy', 'PIL', 'matplotlib', 'scipy', 'pandas', 'ml_dtypes', 'tensorflow', 'jax', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "kerasgpu.Sequential([kerasgpu.Input((4,)), kerasgpu.layers.Dense(2)]).compile('adam', 'mse')\n"
        "heavy = {'h5py', 'cupy', 'PIL', 'matplotlib', 'scipy', 'pandas', 'tensorflow', 'jax', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_environment_variable_is_documented():
    used = set(
        re.findall(r"[\"'](KERAS(?:GPU)?_[A-Z_]+)[\"']", "".join(p.read_text() for p in (ROOT / "kerasgpu").rglob("*.py")))
    )
    documented = (ROOT / "docs" / "environment.md").read_text()
    missing = sorted(v for v in used if f"`{v}" not in documented)
    assert not missing, f"docs/environment.md does not mention {missing}"


def test_parameters_of_kernels_have_names():
    """No code outside the kernels package takes a parameter by its position, nor does a kernel that could read its struct."""
    positional = re.compile(r"\.(ints|floats|spec|i|f)\[")
    bad = [
        f"{p.relative_to(ROOT)}: {line.strip()}"
        for p in (ROOT / "kerasgpu").rglob("*.py")
        for line in p.read_text().splitlines()
        if positional.search(line)
    ]
    bad += [
        f"{p.relative_to(ROOT)}: {line.strip()}"
        for p in (ROOT / "csrc" / "cpu").glob("*")
        for line in p.read_text().splitlines()
        if re.search(r"\b(call|c)\.[if]\[\d", line) and not line.lstrip().startswith("//")
    ]
    assert not bad, "name the parameters: " + ", ".join(bad)
