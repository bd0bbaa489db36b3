"""keras.ops.core: conversion, indexing writes, control flow and custom gradients."""

from kerasgpu.ops.core.casting import cast, convert_to_numpy, dtype, is_tensor, shape, stop_gradient
from kerasgpu.ops.core.control import associative_scan, cond, fori_loop, map, scan, switch, vectorized_map, while_loop
from kerasgpu.ops.core.conversion import convert_to_tensor, saturate_cast, unstack
from kerasgpu.ops.core.custom import custom_gradient
from kerasgpu.ops.core.slicing import scatter, scatter_update, slice, slice_update

__all__ = [
    "associative_scan",
    "cast",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "custom_gradient",
    "dtype",
    "fori_loop",
    "is_tensor",
    "map",
    "saturate_cast",
    "scan",
    "scatter",
    "scatter_update",
    "shape",
    "slice",
    "slice_update",
    "stop_gradient",
    "switch",
    "unstack",
    "vectorized_map",
    "while_loop",
]
