"""The base class of initializers."""

from __future__ import annotations

__all__ = ["Initializer"]


class Initializer:
    """Base class: called with a shape and dtype, returns the first value of a variable.

    A subclass implements `__call__(shape, dtype=None)`, and `get_config()` returning its constructor arguments.

    >>> import kerasgpu as keras
    >>> class Threes(keras.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return keras.ops.full(shape, 3.0, dtype=dtype)
    >>> Threes()((2,)).tolist()
    [3.0, 3.0]
    """

    def __call__(self, shape, dtype=None):
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def get_config(self):
        """The constructor arguments, as a dict that JSON can hold."""
        return {}

    @classmethod
    def from_config(cls, config):
        """An initializer from what `get_config` returned."""
        return cls(**config)

    def clone(self):
        return type(self).from_config(self.get_config())
