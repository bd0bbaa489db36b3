"""model.summary(): a table of layers, output shapes and parameter counts, drawn with box characters."""

from __future__ import annotations

import math
import re
import shutil
import sys
import textwrap

from kerasgpu.engine import nest
from kerasgpu.engine.memory import readable_size
from kerasgpu.engine.operation import FunctionOperation
from kerasgpu.layers.shapes import map_shapes
from kerasgpu.models.function import Function

_PLAIN = str.maketrans({**dict.fromkeys("┏┳┓┡╇┩├┼┤└┴┘", "+"), "━": "=", "─": "-", "┃": "|", "│": "|"})


def count_params(weights) -> int:
    """Number of scalars in these variables."""
    return sum(math.prod(v.shape) for v in weights)


def memory_size(weights) -> float:
    """Bytes of these variables, each counted once."""
    bits = {"bool": 1, "complex64": 64, "complex128": 128, "string": 0}
    total = 0
    for v in {id(w): w for w in weights}.values():
        dtype = str(v.dtype)
        size = bits.get(dtype) or int(re.findall(r"(?:bfloat|float|int)(\d+)", dtype)[0])
        total += size * math.prod(v.shape)
    return total / 8


def print_summary(
    model, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False, layer_range=None
):
    """Print the summary of a model. See Model.summary."""
    functional = isinstance(model, Function)
    layers = model._operations if functional else model.layers
    columns = [("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")]
    sequential = not functional or _is_sequential(model)
    if sequential:
        default_length, positions = 88, positions or [0.45, 0.80, 1.0]
    else:
        default_length, positions = 108, positions or [0.3, 0.56, 0.74, 1.0]
        columns.append(("Connected to", "left"))
    if show_trainable:
        default_length += 12
        positions = [p * 0.90 for p in positions] + [1.0]
        columns.append(("Trainable", "center"))
    # A terminal too narrow for the columns wraps the lines; that is better than no summary.
    line_length = line_length or max(60, min(default_length, shutil.get_terminal_size().columns - 4))
    widths, used = [], 0
    for p in positions:
        widths.append(int(p * line_length) - used)
        used += widths[-1]
        if widths[-1] < 4:
            raise ValueError(
                f"Insufficient console width to print summary. Pass a larger line_length (received {line_length})."
            )
    rows = []
    own_nodes = None if sequential else {id(n) for nodes in model._nodes_by_depth.values() for n in nodes}
    first, last = _layer_bounds(layers, layer_range)
    for layer in layers[first:last]:
        _add_rows(rows, layer, own_nodes, sequential, expand_nested, show_trainable, 0)
    lines = [f'Model: "{model.name}"', *_table(columns, widths, rows, line_length), *_totals(model)]
    text = "\n".join(lines)
    if print_fn:
        print_fn(text + "\n")
    else:
        print(_printable(text, getattr(sys.stdout, "encoding", None)))


def _printable(text, encoding) -> str:
    """The text as a terminal of this encoding can show it: without box characters where it has none, as in cp1252."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)


def _is_sequential(model):
    """Whether the graph is one chain without shared layers."""
    nodes = []
    for level in model._nodes_by_depth.values():
        if len(level) > 1 or len(level[0].input_tensors) > 1:
            return False
        nodes += level
    return all(sum(node in nodes for node in layer._inbound_nodes) <= 1 for layer in model.layers)


def _add_rows(rows, layer, own_nodes, sequential, expand_nested, show_trainable, level):
    prefix = "   " * level + "└ " if level else ""
    if not hasattr(layer, "built"):
        params = "0"
    else:
        params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    row = [f"{prefix}{layer.name} ({_kind(layer)})", output_shape_text(layer), params]
    if not sequential:
        row.append(_connections(layer, own_nodes))
    if show_trainable:
        has_weights = bool(getattr(layer, "weights", None))
        row.append(("Y" if layer.trainable else "N") if has_weights else "-")
    rows.append(row)
    if expand_nested:
        for inner in getattr(layer, "layers", None) or []:
            _add_rows(rows, inner, own_nodes, sequential, expand_nested, show_trainable, level + 1)


def _kind(layer):
    """The class of a layer; of an op, the class that Keras has for it."""
    if isinstance(layer, FunctionOperation):
        return "".join(word.title() for word in layer.function.__name__.split("_"))
    return type(layer).__name__


def output_shape_text(layer) -> str:
    """The output shape(s) of a layer as text, "?" when not known."""

    def text(shape):
        return f"({', '.join(str(d) for d in shape)})"

    if layer._inbound_nodes:
        shapes = [text(x.shape) for x in layer._inbound_nodes[-1].outputs]
    elif getattr(layer, "_build_shapes_dict", None):
        try:
            if hasattr(layer, "output_shape"):
                shapes = [text(layer.output_shape)]
            else:
                shapes = map_shapes(text, layer.compute_output_shape(**layer._build_shapes_dict))
        except Exception:  # a layer whose output shape needs more than the shapes it was built with
            return "?"
    else:
        return "?"
    flat = nest.flatten(shapes)
    return flat[0] if len(flat) == 1 else str(shapes).replace("'", "")


def _connections(layer, own_nodes):
    found = []
    for node in layer._inbound_nodes:
        if id(node) in own_nodes:
            for x in node.input_tensors:
                history = x._keras_history
                found.append(f"{history.operation.name}[{history.node_index}][{history.tensor_index}]")
    return ", ".join(found) or "-"


def _cell_lines(text, width):
    return textwrap.wrap(text, width, drop_whitespace=True, break_long_words=True) or [""] if len(text) > width else [text]


def _table(columns, widths, rows, line_length):
    """The lines of the table: a heavy frame around the header, a light one around the rows."""
    # Each column spends three characters on its border and padding; the last one closes the frame.
    inner = [w - 3 for w in widths]
    inner[0] -= 1
    inner[-1] += line_length - sum(widths)
    inner = [max(1, w) for w in inner]

    def rule(left, line, middle, right):
        return left + middle.join(line * (w + 2) for w in inner) + right

    def draw(cells, bar):
        wrapped = [_cell_lines(c, w) for c, w in zip(cells, inner)]
        for k in range(max(len(c) for c in wrapped)):
            parts = []
            for cell, width, (_, align) in zip(wrapped, inner, columns):
                part = cell[k] if k < len(cell) else ""
                parts.append({"left": part.ljust, "right": part.rjust, "center": part.center}[align](width))
            yield f"{bar} " + f" {bar} ".join(parts) + f" {bar}"

    lines = [rule("┏", "━", "┳", "┓"), *draw([name for name, _ in columns], "┃"), rule("┡", "━", "╇", "┩")]
    for k, row in enumerate(rows):
        if k:
            lines.append(rule("├", "─", "┼", "┤"))
        lines.extend(draw(row, "│"))
    return [*lines, rule("└", "─", "┴", "┘")]


def _totals(model):
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = getattr(model, "optimizer", None) if getattr(model, "compiled", False) else None
    state = optimizer.variables if optimizer is not None and optimizer.built else None
    groups = [
        ("Total", [*trainable, *frozen, *(state or [])]),
        ("Trainable", trainable),
        ("Non-trainable", frozen),
    ]
    if state is not None:
        groups.append(("Optimizer", state))
    return [f" {name} params: {count_params(group):,} ({readable_size(memory_size(group))})" for name, group in groups]


def _layer_bounds(layers, layer_range):
    if layer_range is None:
        return 0, len(layers)
    if len(layer_range) != 2:
        raise ValueError(
            f"layer_range must be a list or tuple of length 2. Received: layer_range = {layer_range} of length "
            f"{len(layer_range)}"
        )
    if not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"layer_range should contain string type only. Received: {layer_range}")
    low, high = ([k for k, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range)
    if not low or not high:
        raise ValueError(f"Passed layer_names do not match the layer names in the model. Received: {layer_range}")
    if min(low) > max(high):
        return min(high), max(low) + 1
    return min(low), max(high) + 1
