"""The parameter structs of the CUDA kernels, read from their sources, so that planners set fields by name.

    Launch("cast.cu", "cast", {"FROM": "float"}, grid, 256, {"x": Input(0), "y": Output(0), "n": n, "dtype": 11})

`KG_KERNEL(cast, Params, 256)` says which struct the kernel takes, and `struct Params` which fields it has, of which types. A value is a
number, an `Input`, `Output` or `Scratch` (None: a null pointer), a list for an array, or a dict for a struct in it. A field that is
missing or that there is none of raises TypeError when the plan is made.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from kerasgpu.kernels.gpu.driver import sources


class Input(NamedTuple):
    """The address of an input, and bytes to add."""

    number: int
    offset: int = 0


class Output(NamedTuple):
    """The address of an output, and bytes to add."""

    number: int
    offset: int = 0


class Scratch(NamedTuple):
    """An address in the plan's scratch memory."""

    offset: int = 0


class Map(NamedTuple):
    """128 bytes by which the GPU copies boxes of an input (csrc/cuda/tma.cuh)."""

    number: int
    box: Any


class Field(NamedTuple):
    name: str
    code: str  # of the module struct; "P" for an address, "M" for a Map, "" for a struct
    dims: tuple[int, ...]
    fields: tuple = ()  # of a struct


class Layout(NamedTuple):
    fields: tuple[Field, ...]


_CODES = {
    "int8_t": "b", "uint8_t": "B", "int16_t": "h", "uint16_t": "H", "int32_t": "i", "int": "i", "uint32_t": "I", "u32": "I",
    "int64_t": "q", "uint64_t": "Q", "u64": "Q", "float": "f", "double": "d", "TensorMap": "M",
}  # fmt: skip
SIZES = {**dict(zip("bBhHiIqQfd", (1, 1, 2, 2, 4, 4, 8, 8, 4, 8))), "P": 8, "M": 64}  # alignments, and sizes but of M


def fill(params, fields: tuple[Field, ...], values: dict, where: str) -> None:
    """Appends the fields to a `plan.Params`, each with its value."""
    names = {field.name for field in fields}
    if names != values.keys():
        missing, extra = sorted(names - values.keys()), sorted(values.keys() - names)
        raise TypeError(f"{where}: the struct lacks a value for {missing or 'nothing'}, and has no field {extra or 'else'}")
    for field in fields:
        _put(params, field, field.dims, values[field.name], f"{where}.{field.name}")


def _put(params, field: Field, dims, value, where: str) -> None:
    if dims:
        if not isinstance(value, (list, tuple)) or len(value) != dims[0]:
            raise TypeError(f"{where}: needs a list of {dims[0]}, not {value!r}")
        for one in value:
            _put(params, field, dims[1:], one, where)
    elif field.fields:
        size = _alignment(field.fields)
        params.align(size)
        fill(params, field.fields, value, where)
        params.align(size)
    elif field.code == "M":
        params.tensor_map(value.number, value.box)
    elif field.code == "P":
        _point(params, value, where)
    else:
        params.number(field.code, value)


def _point(params, value, where: str) -> None:
    if value is None:
        params.null()
    elif type(value) is Input:
        params.input(value.number, value.offset)
    elif type(value) is Output:
        params.output(value.number, value.offset)
    elif type(value) is Scratch:
        params.scratch(value.offset)
    else:
        raise TypeError(f"{where}: is an address, not {value!r}")


def _alignment(fields) -> int:
    return max(_alignment(f.fields) if f.fields else SIZES[f.code] for f in fields)


@functools.lru_cache(1024)
def layout(source: str, entry: str, defines: tuple, text: str | None = None) -> Layout:
    """The struct of kernel `entry` of a source, with these macros."""
    return _Unit(source, defines, text).of_kernel(entry)


class _Unit:
    """What a source declares once macros are known: constants, type names, structs and kernels."""

    def __init__(self, source: str, defines: tuple, text: str | None):
        macros = dict(defines)
        whole = [*sources.closure(source).items()]
        headers = [content for name, content in whole if name != source]
        lines = "\n".join([*reversed(headers), text or "", sources.read(f"cuda/{source}")])
        self.source = source
        self.text = _chosen(re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", "", lines, flags=re.S)), macros)
        self.macros = macros
        self.types = {new: old.strip() for old, new in re.findall(r"^typedef\s+([^;{}]+?)\s+(\w+);", self.text, re.M)}
        self.constants: dict[str, str] = {}
        for one in re.findall(r"^constexpr int ([^;]+);", self.text, re.M):
            self.constants.update(re.findall(r"(\w+)\s*=\s*(\d+)(?=\s*(?:,|$))", one))

    def of_kernel(self, entry: str) -> Layout:
        found = re.search(rf"KG_KERNEL(?:_MANY)?\({entry}, (\w+),", self.text)
        if not found:
            raise TypeError(f"{self.source}: there is no KG_KERNEL({entry}, ...) with these macros: {self.macros}")
        return Layout(self.fields(found[1]))

    def fields(self, struct: str) -> tuple[Field, ...]:
        begin = re.search(rf"^(?:template <[^>]*> )?struct {struct} {{", self.text, re.M)
        if not begin:
            raise TypeError(f"{self.source}: there is no struct {struct}")
        return tuple(field for one in _statements(self.text[begin.end() :]) for field in self.declared(one))

    def declared(self, statement: str) -> list[Field]:
        """The fields of `const T *a, *b;` or `int64_t size, dims[kDims];`."""
        match = re.fullmatch(r"(?:const )?((?:unsigned )?\w+(?:<[^>]*>)?)\s*(.+)", statement, re.S)
        if not match:
            raise TypeError(f"{self.source}: cannot read the field {statement!r}")
        found = []
        for one in match[2].split(","):
            star, name, dims = re.fullmatch(r"\s*(\*?)\s*(\w+)((?:\[\w+(?: \+ 1)?\])*)\s*", one).groups()  # type: ignore[union-attr]
            size = tuple(self.number(d) for d in re.findall(r"\[([^\]]+)\]", dims))
            if star:
                found.append(Field(name, "P", size))
            else:
                code = self.code(match[1])
                found.append(Field(name, code, size, () if code else self.fields(match[1].split("<")[0])))
        return found

    def code(self, of: str) -> str:
        """The letter of a scalar type; "" for a struct."""
        for _ in range(4):
            if of in _CODES:
                return _CODES[of]
            of = self.macros.get(of, self.types.get(of, ""))
        return ""

    def number(self, text: str) -> int:
        base, plus, _ = text.partition(" + 1")
        return int(self.constants.get(base, base)) + bool(plus)


def _statements(body: str):
    """Declarations of a struct whose brace is open; functions and structs in it are left out."""
    depth, begin = 0, 0
    for at, letter in enumerate(body):
        if letter == "{":
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth < 0:
                return
            if depth == 0:
                begin = at + 1
        elif letter == ";" and depth == 0:
            one = " ".join(body[begin:at].split())
            begin = at + 1
            if one and "(" not in one and not one.startswith(("typedef", "static", "struct")):
                yield one


def _chosen(text: str, macros: dict) -> str:
    """The lines that the compiler's #if, #elif, #else and #ifdef keep."""
    kept, stack = [], [[True, True]]  # [whether lines are kept, whether a branch was taken]
    for line in text.replace("\\\n", " ").splitlines():
        word = re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif|define)\b(.*)", line)
        if not word:
            if stack[-1][0]:
                kept.append(line)
        elif word[1] == "endif":
            stack.pop()
        elif word[1] in ("else", "elif"):
            outer = stack[-2][0]
            now = outer and not stack[-1][1] and (word[1] == "else" or _holds(word[2], macros))
            stack[-1] = [now, stack[-1][1] or now]
        elif word[1] == "define":
            name, _, value = word[2].strip().partition(" ")
            if stack[-1][0] and "(" not in name:
                macros.setdefault(name, value.strip() or "1")
        else:
            test = {"if": word[2], "ifdef": f"defined({word[2]})", "ifndef": f"!defined({word[2]})"}[word[1]]
            now = stack[-1][0] and _holds(test, macros)
            stack.append([now, now or not stack[-1][0]])
    return "\n".join(kept)


def _holds(test: str, macros: dict) -> bool:
    return any(all(_term(one.strip(), macros) for one in part.split("&&")) for part in test.split("||"))


def _term(test: str, macros: dict) -> bool:
    """X, X == 1, X >= 1, defined(X), and ! before them; what is not defined is 0."""
    known = re.fullmatch(r"(!?)\s*defined\s*\(\s*(\w+)\s*\)", test)
    if known:
        return (known[2] in macros) != bool(known[1])
    found = re.fullmatch(r"(!?)(\w+)(?:\s*(==|>=)\s*(\d+))?", test)
    if not found:
        raise TypeError(f"cannot read the condition #if {test}")
    text = macros.get(found[2], "0")
    value, other = int(text) if text.isdigit() else 0, int(found[4] or 0)
    holds = value == other if found[3] == "==" else value >= other if found[3] else bool(value)
    return holds != bool(found[1])
