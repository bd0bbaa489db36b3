"""Draws a model with matplotlib, where Graphviz is not installed."""

from __future__ import annotations

import dataclasses
import itertools

from kerasgpu.utils.layered_layout import Layout
from kerasgpu.utils.model_graph import Box, ModelGraph

# Sizes in inches.
_BETWEEN = 0.42  # between ranks
_LINE = 0.21
_HEADER = 0.34
_MARGIN = 0.3
_FONT = 9.5
_MOST_PIXELS = 30_000

# Families of layers by the ends and beginnings of their names, and their colours.
_COLOURS = (
    (("InputLayer",), "#475569"),
    (("Conv", "Separable", "Depthwise"), "#1d4ed8"),
    (("Dense", "EinsumDense"), "#4338ca"),
    (("LSTM", "GRU", "RNN", "Bidirectional", "TimeDistributed"), "#6d28d9"),
    (("Attention", "MultiHead"), "#a21caf"),
    (("BatchNorm", "LayerNorm", "GroupNorm", "UnitNorm", "SpectralNorm", "RMSNorm", "Normalization"), "#0f766e"),
    (("MaxPool", "AveragePool", "Global", "Adaptive"), "#b45309"),
    (("Dropout", "SpatialDropout", "AlphaDropout", "Gaussian", "Random", "Rescaling", "Resizing", "Center"), "#7c6f64"),
    (("Activation", "ReLU", "Softmax", "LeakyReLU", "PReLU", "ELU"), "#15803d"),
    (("Add", "Concatenate", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot"), "#be123c"),
)


def colour_of(kind: str) -> str:
    return next((colour for names, colour in _COLOURS if kind.startswith(names)), "#334155")


@dataclasses.dataclass
class _Drawn:
    box: Box
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0


def draw(graph: ModelGraph, to_file: str, rankdir="TB", dpi=200):
    """Write the picture; the format follows the ending of the file name (png, pdf, svg, jpg)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if rankdir not in ("TB", "BT", "LR", "RL"):
        raise ValueError(f"plot_model: rankdir must be 'TB', 'BT', 'LR' or 'RL'. Received: rankdir={rankdir!r}")
    drawn = {box.key: _Drawn(box, *_size(box)) for box in graph.boxes}
    sideways = rankdir in ("LR", "RL")
    layout = Layout(list(drawn), list(graph.edges), {k: d.height if sideways else d.width for k, d in drawn.items()})
    centres = _rank_centres(layout, drawn, sideways)
    sign = -1 if rankdir in ("TB", "RL") else 1

    def point(key):
        along, across = sign * centres[layout.rank[key]], layout.place[key]
        return (along, -across) if sideways else (across, along)

    for key, d in drawn.items():
        d.x, d.y = point(key)
    left, right = min(d.x - d.width / 2 for d in drawn.values()), max(d.x + d.width / 2 for d in drawn.values())
    low, high = min(d.y - d.height / 2 for d in drawn.values()), max(d.y + d.height / 2 for d in drawn.values())
    bends = [point(key) for path in layout.paths.values() for key in path[1:-1]]
    pad = _MARGIN + 0.3 * bool(graph.clusters)
    left, right = min([left, *(x for x, _ in bends)]) - pad, max([right, *(x for x, _ in bends)]) + pad
    low, high = min([low, *(y for _, y in bends)]) - pad, max([high, *(y for _, y in bends)]) + pad

    figure = Figure(figsize=(right - left, high - low), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(low, high))
    axes.axis("off")
    _draw_clusters(axes, graph, drawn)
    for path in layout.paths.values():
        _draw_arrow(axes, [point(key) for key in path], drawn[path[0]], drawn[path[-1]], sideways, sign)
    for a, b in layout.backward:
        _draw_return(axes, drawn[a], drawn[b])
    for d in drawn.values():
        _draw_box(axes, d)
    dpi = min(float(dpi), _MOST_PIXELS / max(right - left, high - low))
    figure.savefig(to_file, dpi=dpi)


def _rank_centres(layout, drawn, sideways):
    """Distance of each rank from the first, so that the thickest boxes of neighbouring ranks stay apart."""
    thick = [
        max([(drawn[k].width if sideways else drawn[k].height) for k in rank if k in drawn], default=0.1)
        for rank in layout.ranks
    ]
    # Many arrows between two ranks need room to be told apart.
    busy = [sum(len(layout.after[k]) for k in rank) for rank in layout.ranks]
    centres, at = [], 0.0
    for k, t in enumerate(thick):
        centres.append(at + t / 2)
        at += t + _BETWEEN + min(0.04 * max(0, busy[k] - len(layout.ranks[k])), 0.6)
    return centres


def _text_width(text, bold=False):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text:
        return 0.0
    properties = FontProperties(weight="bold" if bold else "normal")
    return TextPath((0, 0), text, size=_FONT, prop=properties).get_extents().width / 72


def _size(box):
    rows = [_text_width(f"{label}:   {value}") for label, value in box.lines]
    width = max([_text_width(box.title, bold=True), *rows], default=0) + 0.4
    height = _HEADER + (_LINE * len(box.lines) + 0.14 if box.lines else 0) + (_LINE + 0.04 if box.trainable is not None else 0)
    return max(width, 0.9), height


def _draw_box(axes, d):
    from matplotlib.patches import FancyBboxPatch

    colour = colour_of(d.box.kind)
    x, y = d.x - d.width / 2, d.y - d.height / 2

    def panel(bottom, height, face, edge="none", order=3.0):
        shape = FancyBboxPatch(
            (x, bottom), d.width, height, "round,pad=0,rounding_size=0.07", fc=face, ec=edge, lw=1.2, zorder=order
        )
        axes.add_patch(shape)
        return shape

    panel(y, d.height, "white" if d.box.lines or d.box.trainable is not None else colour, colour)
    outline = panel(y, d.height, "none", colour, 3.4)
    top = y + d.height
    header = axes.fill(
        [x, x + d.width, x + d.width, x], [top - _HEADER, top - _HEADER, top, top], fc=colour, ec="none", zorder=3.1
    )
    header[0].set_clip_path(outline)
    axes.text(d.x, top - _HEADER / 2, d.box.title, color="white", weight="bold", size=_FONT, ha="center", va="center", zorder=4)
    for k, (label, value) in enumerate(d.box.lines):
        middle = top - _HEADER - 0.07 - _LINE * (k + 0.5)
        axes.text(x + 0.15, middle, f"{label}:", color="#64748b", size=_FONT, ha="left", va="center", zorder=4)
        axes.text(x + d.width - 0.15, middle, value, color="#0f172a", size=_FONT, ha="right", va="center", zorder=4)
    if d.box.trainable is not None:
        face = "#15803d" if d.box.trainable else "#b91c1c"
        strip = axes.fill([x, x + d.width, x + d.width, x], [y, y, y + _LINE, y + _LINE], fc=face, ec="none", zorder=3.1)
        strip[0].set_clip_path(outline)
        label = "Trainable" if d.box.trainable else "Non-trainable"
        axes.text(d.x, y + _LINE / 2, label, color="white", size=_FONT - 1.5, ha="center", va="center", zorder=4)


def _draw_arrow(axes, points, start, end, sideways, sign):
    """A smooth line through the bends, leaving and entering boxes at right angles."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    half = (start.width / 2, end.width / 2) if sideways else (start.height / 2, end.height / 2)
    axis = 0 if sideways else 1
    points = [list(p) for p in points]
    points[0][axis] += sign * half[0]
    points[-1][axis] -= sign * half[1]
    vertices, codes = [points[0]], [Path.MOVETO]
    for p, q in itertools.pairwise(points):
        middle = (p[axis] + q[axis]) / 2
        first, second = list(p), list(q)
        first[axis] = second[axis] = middle
        vertices += [first, second, q]
        codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes), arrowstyle="-|>,head_length=5,head_width=2.6", color="#64748b", lw=1.4, zorder=2
        )
    )


def _draw_return(axes, start, end):
    """An arrow against the direction of the graph, beside the boxes: a layer that is called again."""
    from matplotlib.patches import FancyArrowPatch

    a, b = (start.x + start.width / 2, start.y - start.height / 6), (end.x + end.width / 2, end.y + end.height / 6)
    axes.add_patch(
        FancyArrowPatch(
            a,
            b,
            connectionstyle="arc3,rad=0.9",
            arrowstyle="-|>,head_length=5,head_width=2.6",
            color="#64748b",
            ls="--",
            zorder=2,
        )
    )


def _draw_clusters(axes, graph, drawn):
    from matplotlib.patches import FancyBboxPatch

    for cluster in graph.clusters:
        inside = [drawn[key] for key in cluster.keys]
        if not inside:
            continue
        # Outer frames are drawn around the frames of the models inside.
        depth = 1 + sum(set(c.keys) < set(cluster.keys) for c in graph.clusters)
        pad = 0.1 * depth + 0.05
        x, y = min(d.x - d.width / 2 for d in inside) - pad, min(d.y - d.height / 2 for d in inside) - pad
        width, height = (
            max(d.x + d.width / 2 for d in inside) + pad - x,
            max(d.y + d.height / 2 for d in inside) + pad + 0.1 - y,
        )
        axes.add_patch(
            FancyBboxPatch(
                (x, y), width, height, "round,pad=0,rounding_size=0.1", fc="#64748b14", ec="#94a3b8", ls="--", lw=1.1, zorder=1
            )
        )
        axes.text(
            x + 0.08, y + height - 0.04, cluster.name, color="#475569", size=_FONT - 1, style="italic", va="top", zorder=1.5
        )
