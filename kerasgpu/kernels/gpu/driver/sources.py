"""The CUDA sources: where they are, what a file includes, and the text that identifies a compiled module."""

from __future__ import annotations

import functools
import hashlib
import os
import re

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # kernels/gpu


@functools.lru_cache(None)
def root() -> str:
    """The folder that holds cuda/ and common/: inside an installed package, or csrc/ of a checkout."""
    for folder in (os.path.join(_HERE, "csrc"), os.path.join(_HERE, "..", "..", "..", "csrc")):
        if os.path.isdir(os.path.join(folder, "cuda")):
            return os.path.normpath(folder)
    raise RuntimeError(
        f"the CUDA sources of kerasgpu are missing: no folder {os.path.join(_HERE, 'csrc')}; install kerasgpu again"
    )


@functools.lru_cache(None)
def read(path: str) -> str:
    with open(os.path.join(root(), path), encoding="utf-8") as f:
        return f.read()


_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
# Found elsewhere: only included under g++, or written by a planner.
_ELSEWHERE = {"shim.h", "shim_wgmma.h", "shim_tma.h", "generated.cuh", "../cpu/kernel.h"}
# NVRTC knows no system headers; dev.cuh has what this one would define.
SYSTEM_HEADERS = {"stdint.h": "#pragma once\n"}


@functools.lru_cache(None)
def closure(source: str) -> dict[str, str]:
    """{name as included: text} of all headers that a source needs, and the source itself under its own name."""
    found: dict[str, str] = {}

    def visit(path, name):
        if name in found:
            return
        text = read(path)
        found[name] = text
        for included in _INCLUDE.findall(text):
            if included in _ELSEWHERE:
                continue
            # Includes are written relative to the file: "../common/x.h" from cuda/, "x.h" from the same folder.
            visit(os.path.normpath(os.path.join(os.path.dirname(path), included)), included)

    visit(os.path.join("cuda", source), source)
    return found


def fingerprint(source: str, defines: tuple, text: str | None, *more: str) -> str:
    """Hexadecimal SHA-256 of everything that decides what a module compiles to."""
    h = hashlib.sha256()
    for name, content in sorted(closure(source).items()):
        h.update(f"{name}\0{content}\0".encode())
    h.update(repr((source, defines, text, more)).encode())
    return h.hexdigest()
