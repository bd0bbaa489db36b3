"""keras.quantizers: tensors as small integers and a scale. Quantized layers are not there yet."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.quantizers.int4 import pack_int4, unpack_int4
from kerasgpu.quantizers.quantizers import (
    AbsMaxQuantizer,
    Quantizer,
    abs_max_quantize,
    compute_float8_amax_history,
    compute_float8_scale,
    quantize_and_dequantize,
)

__all__ = [
    "AbsMaxQuantizer",
    "Quantizer",
    "abs_max_quantize",
    "compute_float8_amax_history",
    "compute_float8_scale",
    "deserialize",
    "get",
    "pack_int4",
    "quantize_and_dequantize",
    "serialize",
    "unpack_int4",
]

_BY_NAME = {
    "AbsMaxQuantizer": AbsMaxQuantizer,
    "abs_max_quantizer": AbsMaxQuantizer,
    "Quantizer": Quantizer,
    "quantizer": Quantizer,
}
_LAYERS = "layers cannot be quantized yet; for less memory use dtype='mixed_bfloat16', or store weights with abs_max_quantize"

__getattr__ = missing.names(
    __name__,
    {
        "AWQConfig": _LAYERS,
        "Float8QuantizationConfig": _LAYERS,
        "GPTQConfig": _LAYERS,
        "Int4QuantizationConfig": _LAYERS,
        "Int8QuantizationConfig": _LAYERS,
        "QuantizationConfig": _LAYERS,
        "abs_max_quantize_grouped_with_zero_point": "quantize each group of rows with keras.quantizers.abs_max_quantize",
        "fake_quant_with_min_max_vars": "clip, scale and round with keras.ops inside a keras.ops.custom_gradient function",
    },
)


def serialize(initializer):
    """Plain data from which `deserialize` makes an equal quantizer."""
    return serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """The quantizer of a configuration."""
    return deserialize_keras_object(config, module_objects=_BY_NAME, custom_objects=custom_objects)


def get(identifier, **kwargs):
    """A quantizer from a name (made with `kwargs`), a configuration, or a quantizer; None for None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _BY_NAME.get(identifier)
    else:
        found = identifier
    if not callable(found):
        raise ValueError(f"Could not interpret quantizer identifier: {identifier}")
    return found(**kwargs) if isinstance(found, type) else found
