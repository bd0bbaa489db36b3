"""What the memory pool holds, and how to give it back."""

from __future__ import annotations

from kerasgpu import _core
from kerasgpu.config.installed import cuda
from kerasgpu.engine import device as devices


def memory_stats(device: str | None = None) -> dict:
    """Bytes of a device's pool: `in_use`, `cached` (free, kept for reuse), `peak`; and `allocations` asked of the system.

    >>> import kerasgpu as keras
    >>> sorted(keras.memory_stats("cpu"))
    ['allocations', 'cached', 'in_use', 'peak']
    """
    name = devices.check(device) if device else devices.current_device()
    if name.startswith("cpu"):
        return _core.memory_stats()
    return cuda.memory_stats(devices.parse(name)[1])


def empty_cache() -> None:
    """Give the free blocks of every pool back to the system."""
    import sys

    _core.empty_cache()
    if "kerasgpu.kernels.cuda" in sys.modules:
        sys.modules["kerasgpu.kernels.cuda"].empty_cache()


def readable_size(size) -> str:
    """A number of bytes as text: "60.00 B", "1.50 KB"."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"
