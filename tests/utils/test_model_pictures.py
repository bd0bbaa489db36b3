"""plot_model and model_to_dot: what they say of a model, where boxes go, and that a picture is written."""

import itertools

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.utils import model_visualization
from kerasgpu.utils.layered_layout import GAP, Layout
from kerasgpu.utils.model_graph import ModelGraph, Options


@pytest.fixture
def model():
    """Two inputs, a nested Sequential, a shared layer, a residual branch and an operation."""
    encoder = keras.Sequential([keras.Input((8,)), layers.Dense(4, activation="relu", name="down"), layers.Dense(8, name="up")])
    encoder.name = "encoder"
    encoder.trainable = False
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    shared = layers.Dense(8, name="shared")
    joined = layers.Add(name="add")([shared(encoder(left)), shared(right), right])
    return keras.Model([left, right], [layers.Dense(3, activation="softmax", name="out")(joined), keras.ops.relu(joined)])


def named(graph):
    names = {box.key: box.title.split(" ")[0] for box in graph.boxes}
    return list(names.values()), {(names[a], names[b]) for a, b in graph.edges}


def test_boxes_and_arrows(model):
    graph = ModelGraph(model, Options())
    boxes, edges = named(graph)
    assert set(boxes) == {"left", "right", "encoder", "shared", "add", "out", "relu"} and not graph.clusters
    assert edges == {
        ("left", "encoder"),
        ("encoder", "shared"),
        ("right", "shared"),
        ("shared", "add"),
        ("right", "add"),
        ("add", "out"),
        ("add", "relu"),
    }


def test_nested_models_are_opened(model):
    graph = ModelGraph(model, Options(expand_nested=True))
    boxes, edges = named(graph)
    assert {("left", "down"), ("down", "up"), ("up", "shared")} <= edges and "encoder" not in boxes
    (cluster,) = graph.clusters
    assert cluster.name == "encoder" and len(cluster.keys) == 2
    outer = keras.Sequential([keras.Input((8,)), keras.Sequential([keras.Input((8,)), layers.Dense(2, name="in")], name="a")])
    assert named(ModelGraph(outer, Options(expand_nested=True)))[0] == ["in"]


def test_what_a_box_says(model):
    options = Options(show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True)
    boxes = {box.title: box for box in ModelGraph(model, options).boxes}
    assert dict(boxes["out (Dense)"].lines) == {
        "Activation": "softmax",
        "Input shape": "(None, 8)",
        "Output shape": "(None, 3)",
        "Output dtype": "float32",
    }
    assert boxes["out (Dense)"].trainable is True and boxes["encoder (Sequential)"].trainable is False
    assert boxes["add (Add)"].trainable is None and dict(boxes["add (Add)"].lines)["Input shape"] == "3 x (None, 8)"
    assert "Input shape" not in dict(boxes["left (InputLayer)"].lines)
    assert ModelGraph(model, Options(show_layer_names=False)).boxes[0].title == "InputLayer"


def test_a_subclassed_model_is_one_box():
    class Mine(keras.Model):
        def call(self, x):
            return x

    mine = Mine()
    mine.build((None, 2))
    assert [box.kind for box in ModelGraph(mine, Options(expand_nested=True)).boxes] == ["Mine"]


@pytest.mark.parametrize("seed", range(20))
def test_places_of_random_graphs(seed):
    """Arrows go down, boxes of a rank do not overlap, arrows bend in each rank that they pass."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    edges = {(int(a), int(b)) for a, b in rng.integers(0, n, (2 * n, 2)) if a < b}
    layout = Layout(list(range(n)), edges, {k: float(rng.uniform(0.5, 3)) for k in range(n)})
    for (a, b), path in layout.paths.items():
        assert (path[0], path[-1]) == (a, b)
        assert [layout.rank[k] for k in path] == list(range(layout.rank[a], layout.rank[b] + 1))
    for rank in layout.ranks:
        for a, b in itertools.pairwise(rank):
            assert layout.place[b] - layout.place[a] >= (layout.breadth[a] + layout.breadth[b]) / 2 + GAP - 1e-9
    assert set(layout.paths) == edges and not layout.backward


def test_residual_branches_lie_side_by_side():
    #      a - b - c - d      a chain of wide boxes with a shortcut a - e - d
    layout = Layout("abced", {("a", "b"), ("b", "c"), ("c", "d"), ("a", "e"), ("e", "d")}, dict.fromkeys("abced", 2.0))
    assert layout.rank == {**layout.rank, "a": 0, "b": 1, "e": 1, "c": 2, "d": 3}
    assert abs(layout.place["b"] - layout.place["e"]) >= 2 + GAP - 1e-9
    assert layout.place["b"] == pytest.approx(layout.place["c"])
    assert layout.place["a"] == pytest.approx((layout.place["b"] + layout.place["e"]) / 2) == pytest.approx(layout.place["d"])


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_picture_is_drawn(model, rankdir, tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(model_visualization, "_graphviz_works", lambda pydot: False)
    path = tmp_path / "model.png"
    keras.utils.plot_model(model, path, show_shapes=True, show_trainable=True, expand_nested=True, rankdir=rankdir, dpi=60)
    with image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50 and (pixels == 255).all(-1).mean() > 0.3
    height, width, _ = pixels.shape
    assert (height > width) == (rankdir == "TB")
    keras.utils.plot_model(model, str(tmp_path / "model.svg"))
    assert "<svg" in (tmp_path / "model.svg").read_text()[:2000]


def test_a_layer_that_is_called_on_its_own_output(tmp_path):
    pytest.importorskip("matplotlib")
    again = layers.Dense(4)
    x = keras.Input((4,))
    model = keras.Model(x, again(again(x)))
    keras.utils.plot_model(model, tmp_path / "loop.png", dpi=40)
    assert (tmp_path / "loop.png").stat().st_size > 500


def test_dot(model):
    pydot = pytest.importorskip("pydot")
    dot = keras.utils.model_to_dot(model, show_shapes=True, expand_nested=True, rankdir="LR")
    assert isinstance(dot, pydot.Dot) and len(dot.get_edges()) == 8 and dot.get("rankdir") == "LR"
    (cluster,) = dot.get_subgraphs()
    assert len(cluster.get_nodes()) == 2 and "encoder" in dot.to_string() and "Output shape" in dot.to_string()
    assert isinstance(keras.utils.model_to_dot(model, subgraph=True), pydot.Cluster)


def test_mistakes(model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="not yet been built"):
        keras.utils.plot_model(keras.Sequential([layers.Dense(1)]), tmp_path / "x.png")
    with pytest.raises(ValueError, match="layer_range"):
        keras.utils.plot_model(model, tmp_path / "x.png", layer_range=["a", "b"])
    with pytest.raises(ValueError, match="Unrecognized keyword"):
        keras.utils.model_to_dot(model, colour="red")
    monkeypatch.setattr(model_visualization, "_pydot", lambda: None)
    with pytest.raises(ImportError, match="needs pydot"):
        keras.utils.model_to_dot(model)
    with pytest.raises(ValueError, match="rankdir must be"):
        keras.utils.plot_model(model, tmp_path / "x.png", rankdir="up")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match="needs matplotlib"):
        keras.utils.plot_model(model, tmp_path / "x.png")
