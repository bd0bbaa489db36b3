"""Files that take their place only when they are complete: written beside it, brought to the disk, then renamed.

An error, a full disk or a kill at any moment leaves the file that was there before. What a killed process left beside it is removed
by the next one that writes the same file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import zlib

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".saving-"
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def write_bytes(data, path) -> None:
    """Write a file that appears under its name only when it is complete."""
    with replacing(path) as handle:
        handle.write(data)


class replacing:
    """Context manager: a binary file that takes the place of `path` when the block ends without an error.

    The mode is that of the file it replaces, else what `open` would give. A link stays one: the file it names is replaced.
    """

    def __init__(self, path):
        self.path = os.path.realpath(os.fspath(path))

    def __enter__(self):
        folder, name = os.path.split(self.path)
        os.makedirs(folder, exist_ok=True)
        remove_stale(folder, name)
        self._descriptor, self._temporary = _create(folder, name)
        self._held = os.dup(self._descriptor)  # keeps the lock until the file is in its place
        with contextlib.suppress(OSError, AttributeError):
            os.fchmod(self._descriptor, stat.S_IMODE(os.stat(self.path).st_mode))
        self._file = os.fdopen(self._descriptor, "wb")
        return self._file

    def finish(self):
        """Everything on the disk: its errors come here at the latest. May be called before the end."""
        if self._file.closed:
            return
        self._file.flush()
        os.fsync(self._descriptor)
        self._file.close()

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.finish()
                os.replace(self._temporary, self.path)
                sync_folder(os.path.dirname(self.path))
        finally:
            self._discard()

    def _discard(self):
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)
        os.close(self._held)


def sync_folder(folder) -> None:
    """Bring renames in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):  # Windows opens no folders; some file systems have no fsync for them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_stale(folder, name=None) -> None:
    """Remove what processes that are gone left in a folder while they wrote the file `name`, or any file."""
    if fcntl is None:
        return
    prefix = _PREFIX if name is None else _prefix(name)
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if entry.name.startswith(prefix)]
        for path in found:
            _remove_if_stale(path)


def _remove_if_stale(path):
    # Whoever writes a file holds its lock, and the system opens the lock when he is killed.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        finally:
            os.close(descriptor)


def _prefix(name) -> str:
    return f"{_PREFIX}{zlib.crc32(os.fsencode(name)):08x}-"


def _create(folder, name):
    """(descriptor, path) of a new file that nobody takes for stale."""
    while True:
        path = os.path.join(folder, _prefix(name) + secrets.token_hex(4))
        try:
            descriptor = os.open(path, _FLAGS, 0o666)  # the system takes the umask off
        except FileExistsError:
            continue
        if _locked(descriptor, path):
            return descriptor, path
        os.close(descriptor)


def _locked(descriptor, path) -> bool:
    """Lock a new file; False if another process has removed it in the moment before."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where nothing is taken for stale either
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
