"""Scaled dot-product attention."""

from __future__ import annotations

import functools
import math

import numpy as np

from kerasgpu.engine import device, dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.ops.nn import softmax
from kerasgpu.ops.numpy import logical, selection, shaping
from kerasgpu.ops.primitives.matmul import product
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["dot_product_attention"]

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


@functools.lru_cache(8)
def _causal_mask(rows, columns, where):
    """True where a query may look: at its own position and before."""
    with device.device(where):
        return convert_to_tensor(np.tril(np.ones((rows, columns), "bool")))


def _four_dims(x, heads, name):
    """A mask or bias as (batch, heads or 1, T, S)."""
    while x.ndim < 4:
        x = shaping.expand_dims(
            x, 2 if x.ndim == 3 and x.shape[1] == heads and heads != 1 and name == "bias" else 1 if x.ndim == 3 else 0
        )
    return x


@symbolic
def dot_product_attention(
    query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None, attn_logits_soft_cap=None
):
    """softmax(scale query key^T + bias) value, for every head (Vaswani et al. 2017).

    Args:
        query: tensor of shape (batch, T, heads, features).
        key, value: tensors of shape (batch, S, key heads, features); heads is a multiple of key heads, and so many query heads
            share a key head.
        bias: tensor that broadcasts to (batch, heads, T, S), added to the logits; or None.
        mask: boolean tensor that broadcasts to (batch, heads, T, S), True where a query may look; or None.
        scale: factor of the logits; None for 1 / sqrt(features).
        is_causal: whether a query at position t may look at keys 0 to t only.
        flash_attention: accepted for compatibility.
        attn_logits_soft_cap: must be None.

    Returns a tensor of shape (batch, T, heads, features).
    """
    if attn_logits_soft_cap is not None:
        raise ValueError(
            "attn_logits_soft_cap is only supported for JAX on TPU. Set attn_logits_soft_cap=None when not using JAX on TPU."
        )
    query, key, value = convert_to_tensor(query), convert_to_tensor(key), convert_to_tensor(value)
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. Received: "
            f"query.shape={query.shape}, key.shape={key.shape}, value.shape={value.shape}."
        )
    kind = dtypes.result_type(query.dtype, key.dtype, value.dtype, float)
    query, key, value = as_tensor(query, kind), as_tensor(key, kind), as_tensor(value, kind)
    batch, rows, heads, features = query.shape
    columns, groups = key.shape[1], key.shape[2]
    if heads % groups != 0:
        raise ValueError(f"dot_product_attention: query has {heads} heads, which is not a multiple of the key's {groups}")
    scale = 1.0 / math.sqrt(features) if scale is None else scale
    # (batch, heads, T, features); query heads that share a key head are more rows of one product.
    q = shaping.reshape(shaping.transpose(query, (0, 2, 1, 3)), (batch, groups, heads // groups * rows, features))
    k = shaping.transpose(key, (0, 2, 1, 3))
    v = shaping.transpose(value, (0, 2, 1, 3))
    if isinstance(scale, (int, float, np.number)):
        logits = product(q, k, False, True, float(scale))
    else:
        logits = product(q, k, False, True) * as_tensor(scale, kind)
    logits = shaping.reshape(logits, (batch, heads, rows, columns))
    if bias is not None:
        logits = logits + _four_dims(as_tensor(bias, kind), heads, "bias")
    allowed = _allowed(mask, is_causal, heads, rows, columns, logits)
    if allowed is not None:
        logits = selection.where(allowed, logits, -0.7 * _LARGEST[kind])
    weights = shaping.reshape(softmax.softmax(logits, axis=-1), (batch, groups, heads // groups * rows, columns))
    out = shaping.reshape(product(weights, v), (batch, heads, rows, v.shape[-1]))
    return shaping.transpose(out, (0, 2, 1, 3))


def _allowed(mask, is_causal, heads, rows, columns, logits):
    allowed = None
    if mask is not None:
        allowed = _four_dims(as_tensor(mask, "bool"), heads, "mask")
    if is_causal:
        where = logits.device if type(logits) is Tensor else "cpu:0"
        causal = _causal_mask(rows, columns, where)
        allowed = causal if allowed is None else logical.logical_and(allowed, causal)
    return allowed
