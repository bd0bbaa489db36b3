"""pad_sequences."""

from __future__ import annotations

import numpy as np


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Sequences of different lengths as rows of one array.

    Args:
        sequences: list of sequences.
        maxlen: length of the rows; default: the longest sequence.
        dtype: of the result; `object` for texts.
        padding, truncating: "pre" or "post": where to fill up or cut.
        value: what to fill with.

    Returns a NumPy array (len(sequences), maxlen, ...).

    >>> import kerasgpu as keras
    >>> keras.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    for name, where in (("Padding", padding), ("Truncating", truncating)):
        if where not in ("pre", "post"):
            raise ValueError(f'{name} type "{where}" not understood')
    lengths = []
    for s in sequences:
        try:
            lengths.append(len(s))
        except TypeError:
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {s}") from None
    if maxlen is None:
        maxlen = max(lengths, default=0)
    kind = np.dtype(dtype) if dtype is not object else np.dtype(object)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set `dtype=object` for variable length strings."
        )
    first = next((s for s in sequences if len(s)), None)
    rest = np.asarray(first).shape[1:] if first is not None else ()
    out = np.full((len(lengths), maxlen, *rest), value, dtype=dtype)
    for k, s in enumerate(sequences):
        if not len(s) or maxlen == 0:
            continue
        part = np.asarray(s[-maxlen:] if truncating == "pre" else s[:maxlen], dtype=dtype)
        if part.shape[1:] != rest:
            raise ValueError(
                f"Shape of sample {part.shape[1:]} of sequence at position {k} is different from expected shape {rest}"
            )
        if padding == "pre":
            out[k, maxlen - len(part) :] = part
        else:
            out[k, : len(part)] = part
    return out
