"""The version, as Keras gives it: a function."""

from kerasgpu import __version__


def version() -> str:
    """The version of kerasgpu, such as "0.1.0"."""
    return __version__
