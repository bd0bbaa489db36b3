"""Compiled kernels on disk. An entry is used only if it was made by this user from exactly this source, whole and unchanged."""

from __future__ import annotations

import hashlib
import os
import tempfile

from kerasgpu import config

MAGIC = b"KGPU1\n"


def folder() -> str:
    return os.path.join(config.cache_dir(), "cuda")


def _path(key: str) -> str:
    return os.path.join(folder(), f"{key}.bin")


def read(key: str) -> bytes | None:
    """The image stored under a fingerprint; None for a missing, foreign or damaged entry."""
    path = _path(key)
    try:
        with open(path, "rb") as f:
            status = os.fstat(f.fileno())
            if hasattr(os, "getuid") and status.st_uid != os.getuid():
                return None
            data = f.read()
    except OSError:
        return None
    head = len(MAGIC) + 64 + 32
    image = data[head:]
    good = data[:head] == MAGIC + key.encode().ljust(64) + hashlib.sha256(image).digest()
    return image if good and image else None


def write(key: str, image: bytes) -> None:
    """Store an image; a reader sees all of it or nothing. A folder that cannot be written to is no error."""
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder())
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(MAGIC + key.encode().ljust(64) + hashlib.sha256(image).digest() + image)
        os.replace(name, _path(key))
    except OSError:
        if os.path.exists(name):
            os.unlink(name)
