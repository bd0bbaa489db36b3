"""keras.legacy: the configs of Keras 2."""

from kerasgpu.legacy import saving

__all__ = ["saving"]
