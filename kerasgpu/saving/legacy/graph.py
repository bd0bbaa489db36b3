"""Calls of the layers of a functional model, from the lists of Keras 1 and 2 to the arguments of Keras 3.

    Keras 2   "inbound_nodes": [[["a", 0, 0, {}], ["b", 1, 0, {"training": false}]]]        one list per call
    today     "inbound_nodes": [{"args": [[tensor, tensor]], "kwargs": {"training": false}}]

A tensor is [layer, number of its call, number of its output]. Files count the graph of a nested model itself as its call 0, in
most versions, so that its first use has number 1; here each use counts from 0.
"""

from __future__ import annotations

from kerasgpu.saving.legacy import tensorflow_ops

_CONSTANT = "_CONSTANT_VALUE"
_RECURRENT = frozenset("LSTM GRU SimpleRNN RNN ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional CuDNNLSTM CuDNNGRU".split())


def convert_functional(inner, converter):
    """The config of a functional model with today's calls and layers."""
    entries = inner["layers"]
    names = {_name(entry) for entry in entries}
    offsets = _offsets(entries, inner.get("output_layers"), names)
    made = []
    for entry in entries:
        name = _name(entry)
        nodes = [_call(node, entry, names, offsets, converter) for node in entry.get("inbound_nodes") or ()]
        layer = tensorflow_ops.as_layer(entry) if entry.get("class_name") in tensorflow_ops.CLASSES else entry
        if layer is entry and isinstance(entry.get("config"), dict) and "name" not in entry["config"]:
            layer = {**entry, "config": {**entry["config"], "name": name}}
        new = converter.convert({k: v for k, v in layer.items() if k != "inbound_nodes"})
        made.append({**new, "name": name, "inbound_nodes": nodes})
    functional = {_name(e) for e in made if converter.is_functional(e)}

    def end(x):
        if is_reference(x, names):
            name, node, tensor = x[:3]
            return [name, node - offsets.get(name, 0) + (name in functional), tensor]
        if isinstance(x, dict):
            return {k: end(v) for k, v in x.items()}
        return [end(v) for v in x]

    ends = {key: _unwrapped(end(inner[key])) for key in ("input_layers", "output_layers")}
    rest = {k: v for k, v in inner.items() if k not in ("layers", *ends)}
    return {**rest, "layers": made, **ends}


def _unwrapped(ends):
    """One input or output was a list of one; a model of today has the tensor itself."""
    return ends[0] if len(ends) == 1 and isinstance(ends, list) and isinstance(ends[0], list) else ends


def _name(entry):
    config = entry.get("config")
    return entry.get("name") or (config.get("name") if isinstance(config, dict) else None)


def is_reference(x, names) -> bool:
    """Whether a value is a tensor: [layer, call, output] or the same with arguments."""
    return (
        isinstance(x, list)
        and len(x) in (3, 4)
        and isinstance(x[0], str)
        and (x[0] in names or x[0] == _CONSTANT)
        and all(isinstance(n, int) and not isinstance(n, bool) for n in x[1:2])
    )


def _references(x, names):
    if is_reference(x, names):
        yield x
        if len(x) == 4:
            yield from _references(x[3], names)
    elif isinstance(x, list):
        for y in x:
            yield from _references(y, names)
    elif isinstance(x, dict):
        for y in x.values():
            yield from _references(y, names)


def _offsets(entries, outputs, names):
    """{nested model: number of its first use}: 1 unless something uses its call 0, which as its own graph nothing could."""
    nested = {
        _name(e)
        for e in entries
        if isinstance(e.get("config"), list) or (isinstance(e.get("config"), dict) and "layers" in e["config"])
    }
    used: dict = {}
    for source in (*(e.get("inbound_nodes") or () for e in entries), outputs or ()):
        for name, node, *_ in _references(source, names):
            used.setdefault(name, set()).add(node)
    return {name: 1 for name in nested if used.get(name) and min(used[name]) > 0}


def _call(node, entry, names, offsets, converter):
    """{"args", "kwargs"} of one call."""
    if isinstance(node, dict) and set(node) == {"args", "kwargs"}:
        return node  # a file of Keras 3
    kwargs: dict = {}

    def tensor(x):
        if len(x) == 4 and isinstance(x[3], dict):
            kwargs.update(x[3])
        if x[0] == _CONSTANT:
            return converter.convert(x[2])
        name, index, output = x[:3]
        history = [name, index - offsets.get(name, 0), output]
        return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": history}}

    def value(x):
        if is_reference(x, names):
            return tensor(x)
        if isinstance(x, list):
            return [value(y) for y in x]
        if isinstance(x, dict):
            return {k: value(y) for k, y in x.items()} if "class_name" not in x else converter.convert(x)
        return x

    keeps_lists = entry.get("class_name") in tensorflow_ops.CLASSES
    if is_reference(node, names):
        first = tensor(node)
    else:
        first = value(node)
        if isinstance(first, list) and len(first) == 1 and not keeps_lists:
            first = first[0]
    given = {k: value(v) for k, v in list(kwargs.items())}
    return _as_called_today(entry.get("class_name", ""), first, given, keeps_lists)


def _as_called_today(class_name, first, kwargs, keeps_none):
    if not keeps_none:
        kwargs = {k: v for k, v in kwargs.items() if v is not None}
    args = [first]
    plain = class_name.rpartition(">")[2]
    if plain in _RECURRENT and isinstance(first, list) and len(first) > 1:
        # Keras 2 wrote the states that a recurrent layer starts from as further inputs.
        args, kwargs = [first[0]], {"initial_state": first[1:], **kwargs}
    return {"args": args, "kwargs": kwargs}
