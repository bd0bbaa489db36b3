"""keras.preprocessing.sequence."""

from kerasgpu.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
