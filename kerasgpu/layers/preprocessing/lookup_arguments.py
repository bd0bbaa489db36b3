"""What the arguments of lookup layers must fulfil."""

from __future__ import annotations

import numpy as np

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OOV_METHODS = ("floormod", "farmhash")


def check_arguments(
    layer, max_tokens, num_oov_indices, pad_to_max_tokens, oov_method, output_mode, invert, sparse, idf_weights
):
    """ValueError for values that do not go together."""
    if max_tokens is not None and max_tokens <= 1:
        raise ValueError(f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}")
    if pad_to_max_tokens and max_tokens is None:
        raise ValueError(f"If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens={max_tokens}")
    if num_oov_indices < 0:
        raise ValueError(f"`num_oov_indices` must be greater than or equal to 0. Received: num_oov_indices={num_oov_indices}")
    for name, value, choices in (("oov_method", oov_method, _OOV_METHODS), ("output_mode", output_mode, _MODES)):
        if value not in choices:
            raise ValueError(f"Unknown value for argument `{name}` of layer {layer}: {value}. It must be one of {choices}.")
    if invert and output_mode != "int":
        raise ValueError(f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={output_mode}")
    if sparse and output_mode == "int":
        raise ValueError(
            "`sparse` may only be true if `output_mode` is `'one_hot'`, `'multi_hot'`, `'count'` or `'tf_idf'`. Received: "
            f"sparse={sparse} and output_mode={output_mode}"
        )
    if idf_weights is not None and output_mode != "tf_idf":
        raise ValueError(
            f"`idf_weights` should only be set if `output_mode` is `'tf_idf'`. Received: idf_weights={idf_weights} and "
            f"output_mode={output_mode}"
        )


def read_salt(salt, dtype, oov_method):
    """The key of the hash of tokens that are not in the vocabulary: None or two numbers."""
    if salt is None:
        return None
    if dtype != "string" and oov_method != "farmhash":
        raise ValueError(f"`salt` can only be used when `oov_method='farmhash'`. Received: oov_method={oov_method}")
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return list(salt)
    if isinstance(salt, (int, np.integer)):
        return [salt, salt]
    raise ValueError(
        f"The `salt` argument for `IndexLookup` can only be a tuple of 2 integers, or a single integer. Received: salt={salt}."
    )
