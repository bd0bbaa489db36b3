"""plot_model and model_to_dot."""

from __future__ import annotations

import html
import os

from kerasgpu.utils.model_drawing import draw
from kerasgpu.utils.model_graph import ModelGraph, Options


def _pydot():
    """The module pydot, or None."""
    try:
        import pydot
    except ImportError:
        return None
    return pydot


def _graphviz_works(pydot) -> bool:
    """Whether the `dot` program of Graphviz answers."""
    import shutil

    return pydot is not None and shutil.which("dot") is not None


def _check(model, options):
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on a batch of data."
        )
    if options.pop("layer_range", None) is not None:
        raise ValueError("Argument `layer_range` is no longer supported.")
    if options:
        raise ValueError(f"Unrecognized keyword arguments: {options}")


def _graph(model, *options):
    return ModelGraph(model, Options(*options))


def model_to_dot(
    model,
    show_shapes=False,
    show_dtype=False,
    show_layer_names=True,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    subgraph=False,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """A built model as a `pydot.Dot` graph (`pydot.Cluster` with subgraph=True); needs the package pydot.

    The arguments are those of `plot_model`. Raises ImportError without pydot, ValueError for a model that is not built.
    """
    _check(model, kwargs)
    pydot = _pydot()
    if pydot is None:
        raise ImportError(
            "model_to_dot needs pydot: pip install 'kerasgpu[viz]'. Without it, plot_model() draws the model with matplotlib"
        )
    graph = _graph(model, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested)
    if subgraph:
        dot = pydot.Cluster(graph_name=model.name, label=model.name, labeljust="l", style="dashed")
    else:
        dot = pydot.Dot(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
        dot.set_node_defaults(shape="record")
    # The innermost cluster of each box, and the cluster around each cluster.
    drawn = [pydot.Cluster(f"{k}_{c.name}", label=c.name, labeljust="l", style="dashed") for k, c in enumerate(graph.clusters)]
    home = {key: d for c, d in zip(graph.clusters, drawn) for key in c.keys}
    for box in graph.boxes:
        node = pydot.Node(box.key, label=_label(box), fontname="Helvetica", border="0", margin="0")
        home.get(box.key, dot).add_node(node)
    for k in reversed(range(len(drawn))):
        keys = set(graph.clusters[k].keys)
        around = [j for j in range(k) if keys <= set(graph.clusters[j].keys)]
        (drawn[around[-1]] if around else dot).add_subgraph(drawn[k])
    for a, b in graph.edges:
        dot.add_edge(pydot.Edge(a, b, penwidth="2"))
    return dot


def _label(box) -> str:
    """A table in Graphviz's HTML-like labels: a black header, then a row of cells."""
    cells = [
        f'<td bgcolor="white"><font point-size="14">{html.escape(k)}: <b>{html.escape(str(v))}</b></font></td>'
        for k, v in box.lines
    ]
    if box.trainable is not None:
        colour, text = ("forestgreen", "Trainable") if box.trainable else ("firebrick", "Non-trainable")
        cells.append(f'<td bgcolor="{colour}"><font point-size="14" color="white"><b>{text}</b></font></td>')
    header = (
        f'<tr><td colspan="{max(1, len(cells))}" bgcolor="black"><font point-size="16" color="white">'
        f"<b>{html.escape(box.title)}</b></font></td></tr>"
    )
    row = f"<tr>{''.join(cells)}</tr>" if cells else ""
    return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{header}{row}</table>>'


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draw a built model as boxes and arrows into a file: with Graphviz where pydot and `dot` are installed, else with matplotlib.

    Args:
        model: Functional or Sequential model; a subclassed one is a single box.
        to_file: file name; its ending (png, pdf, svg, jpg) says the format.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what is said of each layer.
        rankdir: "TB" from top to bottom, "LR" from left to right; also "BT" and "RL".
        expand_nested: draw the layers of models inside, in a frame.
        dpi: dots per inch.
        splines: how Graphviz draws arrows.

    In a notebook the picture is returned for display. Raises ValueError for a model that is not built, ImportError where neither
    Graphviz nor matplotlib is installed.
    """
    _check(model, dict(kwargs))
    to_file = os.fspath(to_file)
    extension = os.path.splitext(to_file)[1].removeprefix(".").lower()
    if _graphviz_works(_pydot()):
        dot = model_to_dot(
            model,
            show_shapes,
            show_dtype,
            show_layer_names,
            rankdir,
            expand_nested,
            dpi,
            False,
            show_layer_activations,
            show_trainable,
            splines,
        )
        dot.write(to_file, format=extension or "png")
    else:
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            raise ImportError(
                "plot_model needs matplotlib (pip install 'kerasgpu[viz]'), or pydot and the program `dot` of Graphviz "
                "(https://graphviz.org/download)"
            ) from None

        graph = _graph(model, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested)
        draw(graph, to_file if extension else f"{to_file}.png", rankdir, dpi)
    return _for_notebook(to_file) if extension != "pdf" else None


def _for_notebook(path):
    import sys

    if "IPython" not in sys.modules:
        return None
    from IPython import display

    return display.Image(filename=path)
