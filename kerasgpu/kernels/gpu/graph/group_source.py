"""The source of several launches as one kernel: what csrc/cuda/group.cu includes as generated.cuh, and its parameter struct.

Members that are compiled from the same module share a namespace. Their sources are written out in full, headers included, but for those
that group.cu includes for all. No size stands in the text, so the same calls of another model share the compiled kernel.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from kerasgpu.kernels.gpu.driver import sources
from kerasgpu.kernels.gpu.driver.launch import OPTIONS, Launch, Params

SOURCE, ENTRY = "group.cu", "group"
BARRIER = "  sync_block();"
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"[^\n]*$', re.M)
_ALIGNMENT = 8  # of each member's parameters
MOST_PARAMS = 4000  # bytes; a kernel may have 4096


class Member(NamedTuple):
    launch: Launch
    after_barrier: bool  # it uses what a member before it wrote, or writes what one used


@functools.lru_cache(None)
def _shared() -> frozenset[str]:
    """Headers that group.cu includes for all members."""
    return frozenset(sources.closure(SOURCE)) - {SOURCE}


@functools.lru_cache(256)
def _flat(source: str) -> str:
    """A source with its headers written out, each once, but for the shared ones and generated.cuh."""
    files, seen = sources.closure(source), set()

    def expand(name):
        def included(match):
            inner = match[1]
            if inner not in files:  # generated.cuh, and what only the CPU's kernels include
                return match[0]
            if inner in seen or inner in _shared():
                return ""
            seen.add(inner)
            return expand(inner)

        return _INCLUDE.sub(included, files[name].replace("#pragma once", ""))

    return expand(source)


@functools.lru_cache(None)
def uses_shared_memory(source: str) -> bool:
    return any(word in _flat(source) for word in ("KG_SHARED(", "KG_DYNAMIC_SHARED("))


def _part(k: int, module: tuple) -> str:
    source, defines, text, _ = module
    body = _flat(source)
    if text is not None:
        body = _INCLUDE.sub(lambda match: text, body)
    lines = [f"namespace part{k} {{", "namespace kg {", "using namespace ::kg;", "}"]
    lines += [f"#define {name} {value}" for name, value in defines]
    lines += [body]
    lines += [f"#undef {name}" for name, _ in defines]
    return "\n".join([*lines, "}", ""])


def with_barriers(launches: Sequence[Launch], conflicts) -> list[Member]:
    """The launches in order. conflicts(j, k): whether launch k must follow launch j because of what they read and write."""
    members: list[Member] = []
    since = 0  # the first launch after the last barrier
    for k, one in enumerate(launches):
        needed = any(conflicts(j, k) or _same_room(launches[j], one) for j in range(since, k))
        if needed:
            since = k
        members.append(Member(one, needed))
    return members


def _same_room(a: Launch, b: Launch) -> bool:
    """Whether two launches would use the same shared memory."""
    return (a.module == b.module and uses_shared_memory(a.source)) or bool(a.shared and b.shared)


def combined(members: Sequence[Member], threads: int) -> Launch:
    """One launch that does the work of all."""
    modules = {one.launch.module: k for k, one in enumerate(members)}
    parts = {module: k for k, module in enumerate(modules)}
    text = [_part(k, module) for module, k in parts.items()]
    fields, calls = [], []
    for k, (launch, barrier) in enumerate(members):
        name = f"::part{parts[launch.module]}::kg::{launch.entry}"
        fields.append(f"  alignas({_ALIGNMENT}) {name}_params p{k};")
        calls += [BARRIER] * barrier + [f"  {name}_member(p.p{k});"]
    text += ["namespace kg {", "struct GroupParams {", *fields, "};"]
    text += ["KG_DEVICE void members(const GroupParams& p) {", *calls, "}", "}", ""]
    made = Launch(
        SOURCE,
        ENTRY,
        {"THREADS": threads},
        1,
        threads,
        Params(),
        shared=max(one.launch.shared for one in members),
        text="\n".join(text),
        options=OPTIONS,
    )
    made.params = bytes(join(one.launch.params for one in members))
    return made


def join(params) -> bytearray:
    """The parameter struct of a group from those of its members."""
    data = bytearray()
    for one in params:
        data += one
        data += bytes(-len(data) % _ALIGNMENT)
    return data
