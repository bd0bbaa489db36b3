"""Plain data from the JSON texts of model files, read within limits."""

from __future__ import annotations

import json
import re

from kerasgpu.saving.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH, BadModelFile

_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def parse_json(data: bytes, what: str):
    """Plain data from JSON text in UTF-8, of limited size and depth."""
    if len(data) > MAX_JSON_BYTES:
        raise BadModelFile(f"{what}: {len(data)} bytes of JSON, more than the {MAX_JSON_BYTES} that are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadModelFile(f"{what} is not valid JSON in UTF-8: {error}") from None
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        c = text[found.start()]
        if c in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise BadModelFile(f"{what}: JSON nested more than {MAX_JSON_DEPTH} levels deep is not read")
        elif c != '"':
            depth -= 1
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadModelFile(f"{what} is not valid JSON: {error}") from None
