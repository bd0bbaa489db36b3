"""Whether float32 products may be computed on tensor cores, which round their factors to TF32 (10 bits of fraction), and how."""

from __future__ import annotations

from collections.abc import Callable

from kerasgpu.config import environment

_enabled: bool | None = None
_products: str | None = None
_watchers: list[Callable[[], None]] = []


def is_tf32_enabled() -> bool:
    """Whether float32 matrix products and convolutions on a GPU round their factors to TF32; KERASGPU_TF32 sets the default, yes.

    Example:
        >>> from kerasgpu import config
        >>> isinstance(config.is_tf32_enabled(), bool)
        True
    """
    global _enabled
    if _enabled is None:
        _enabled = environment.tf32()
    return _enabled


def enable_tf32() -> None:
    """Let float32 products on a GPU run on tensor cores in TF32: a relative error of about 1e-3, several times the speed.

    Steps that were captured before keep what they were captured with.

    Example:
        >>> from kerasgpu import config
        >>> config.enable_tf32()
        >>> config.is_tf32_enabled()
        True
    """
    _set(True)


def disable_tf32() -> None:
    """Compute float32 products on a GPU in full float32. On the CPU they always are.

    Example:
        >>> from kerasgpu import config
        >>> config.disable_tf32()
        >>> config.is_tf32_enabled()
        False
        >>> config.enable_tf32()
    """
    _set(False)


def _set(value: bool) -> None:
    global _enabled
    if value != is_tf32_enabled():
        _enabled = value
        for forget in _watchers:
            forget()


def products() -> str:
    """What computes products: "auto", "own", "mma", "wgmma" or "cublaslt"; KERASGPU_GEMM sets it (docs/environment.md)."""
    global _products
    if _products is None:
        _products = environment.products()
    return _products


def set_products(value: str | None) -> None:
    """Use other kernels for the products that are planned from now on; None: what KERASGPU_GEMM says."""
    global _products
    if value != _products:
        _products = value
        for forget in _watchers:
            forget()


def on_change(forget: Callable[[], None]) -> None:
    """Call `forget` whenever the setting changes."""
    _watchers.append(forget)
