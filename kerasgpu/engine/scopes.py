"""SymbolicScope: marks that shapes, not data, are being worked on."""

from __future__ import annotations

from kerasgpu.engine import state

_KEY = "symbolic_scope"


class SymbolicScope:
    """Context manager: `in_symbolic_scope()` is true inside.

    >>> import kerasgpu as keras
    >>> from kerasgpu.engine.scopes import in_symbolic_scope
    >>> with keras.SymbolicScope():
    ...     in_symbolic_scope()
    True
    """

    def __enter__(self):
        self.original_scope = get_symbolic_scope()
        state.set_global_attribute(_KEY, self)
        return self

    def __exit__(self, *args, **kwargs):
        state.set_global_attribute(_KEY, self.original_scope)


def in_symbolic_scope() -> bool:
    return get_symbolic_scope() is not None


def get_symbolic_scope():
    return state.get_global_attribute(_KEY)
