"""TensorFlow functions that became layers of Keras 2 models (TFOpLambda, SlicingOpLambda, TensorFlowOpLayer), as ours.

Each function below takes the arguments of the TensorFlow function of its name. Only what the tables name can run.
"""

from __future__ import annotations

import json

from kerasgpu import ops
from kerasgpu.engine.operation import Operation

CLASSES = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})
_DTYPES = {"half": "float16", "float": "float32", "double": "float64"}


def as_layer(entry):
    """The entry of a functional model's config with a class and a config of ours."""
    config = dict(entry["config"])
    label = entry.get("name") or config.get("name")
    if entry["class_name"] == "TensorFlowOpLayer":
        node = config.get("node_def")
        node = json.loads(node) if isinstance(node, str) else node
        if not isinstance(node, dict) or "op" not in node:
            raise ValueError(f"layer '{label}' is a TensorFlowOpLayer without a node_def that names its operation")
        attributes = {k: _attribute(v) for k, v in (node.get("attr") or {}).items()}
        made = {"op": node["op"], "attributes": attributes, "constants": config.get("constants") or {}}
        cls = "TensorFlowOpLayer"
    else:
        made = {"function": config.get("function") or "__operators__.getitem"}
        cls = "TFOpLambda"
    made["name"] = label
    return {**entry, "module": "keras.legacy.layers", "class_name": cls, "registered_name": None, "config": made}


def _attribute(value):
    """The plain value of an attribute of a node: {"b": true}, {"i": "2"}, {"type": "DT_FLOAT"}, {"list": {"i": [...]}}."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    kind, found = next(iter(value.items()))
    if kind == "list":
        return [_attribute({k: x}) for k, xs in found.items() for x in xs]
    if kind == "i":
        return int(found)
    if kind == "type":
        name = str(found).removeprefix("DT_").lower()
        return _DTYPES.get(name, name)
    return found


def _unknown(name, layer, known):
    return ValueError(
        f"Layer '{layer}' calls the TensorFlow function {name!r}, which kerasgpu has no counterpart of; known are: "
        f"{', '.join(sorted(known))}"
    )


def _dtype(dtype):
    return str(getattr(dtype, "name", dtype)).removeprefix("tf.")


def _slices(spec):
    """The key of x[key] from its JSON form: {"start", "stop", "step"} dicts, integers, None, "..."."""

    def one(x):
        if isinstance(x, dict) and {"start", "stop", "step"} <= set(x):
            return slice(x["start"], x["stop"], x["step"])
        if x is Ellipsis or x == "..." or (isinstance(x, dict) and x.get("class_name") == "__ellipsis__"):
            return Ellipsis
        return x

    return tuple(one(x) for x in spec) if isinstance(spec, (list, tuple)) else one(spec)


def _strided_slice_key(x, begin, end, strides, attributes):
    bit = lambda name, k: bool(int(attributes.get(name, 0)) >> k & 1)
    key = []
    for k, (a, b, s) in enumerate(zip(begin, end, strides)):
        if bit("ellipsis_mask", k):
            key.append(Ellipsis)
        elif bit("new_axis_mask", k):
            key.append(None)
        elif bit("shrink_axis_mask", k):
            key.append(int(a))
        else:
            key.append(slice(None if bit("begin_mask", k) else int(a), None if bit("end_mask", k) else int(b), int(s)))
    return x[tuple(key)]


def _ints(x):
    """Whole numbers as Python values, from lists, arrays or tensors of constants."""
    if isinstance(x, (list, tuple)):
        return [_ints(v) for v in x]
    return int(x) if not hasattr(x, "tolist") else x.tolist()


def _resize(images, size, method="bilinear", preserve_aspect_ratio=False, antialias=False, name=None):
    if preserve_aspect_ratio:
        raise ValueError("tf.image.resize with preserve_aspect_ratio=True has no counterpart")
    return ops.image.resize(
        images, _ints(size), interpolation=str(method).lower(), antialias=antialias, data_format="channels_last"
    )


def _pool(function):
    def pool(input=None, ksize=None, strides=None, padding="VALID", data_format=None, name=None, value=None):
        x = value if input is None else input
        if data_format not in (None, "NHWC"):
            raise ValueError(f"pooling of TensorFlow with data_format={data_format!r} has no counterpart")
        windows = [w[1:-1] if isinstance(w, (list, tuple)) and len(w) == x.ndim else w for w in (ksize, strides)]
        return function(x, _sizes(windows[0]), _sizes(windows[1]), padding.lower(), data_format="channels_last")

    return pool


def _sizes(x):
    return tuple(x) if isinstance(x, (list, tuple)) else x


def _conv(function):
    def conv(input, filters=None, strides=1, padding="VALID", data_format="NHWC", dilations=None, name=None, filter=None):
        if data_format not in (None, "NHWC"):
            raise ValueError(f"convolution of TensorFlow with data_format={data_format!r} has no counterpart")
        kernel = filters if filters is not None else filter
        steps, rates = (v[1:-1] if isinstance(v, (list, tuple)) and len(v) == 4 else v for v in (strides, dilations))
        return function(input, kernel, _sizes(steps), padding.lower(), "channels_last", _sizes(rates) or 1)

    return conv


def _clip(t, clip_value_min, clip_value_max, name=None):
    return ops.minimum(ops.maximum(t, clip_value_min), clip_value_max)


def _split(value, num_or_size_splits, axis=0, num=None, name=None):
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis)
    ends, total = [], 0
    for n in num_or_size_splits[:-1]:
        total += n
        ends.append(total)
    return ops.split(value, ends, axis)


def _l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    axis = dim if axis is None else axis
    total = ops.sum(ops.square(x), axis=axis if not isinstance(axis, list) else tuple(axis), keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, epsilon))


def _matmul(a, b, transpose_a=False, transpose_b=False, name=None, **more):
    return ops.matmul(ops.swapaxes(a, -1, -2) if transpose_a else a, ops.swapaxes(b, -1, -2) if transpose_b else b)


def _pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    return ops.pad(tensor, _ints(paddings), mode.lower(), constant_values if mode.upper() == "CONSTANT" else None)


def _gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    if batch_dims:
        raise ValueError(f"tf.gather with batch_dims={batch_dims} has no counterpart")
    return ops.take(params, indices, axis or 0)


def _cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    turned = ops.flip(x, axis) if reverse else x
    total = ops.cumsum(turned, axis) - turned if exclusive else ops.cumsum(turned, axis)
    return ops.flip(total, axis) if reverse else total


def _reduction(function):
    def reduce(input_tensor, axis=None, keepdims=None, name=None, keep_dims=None, reduction_indices=None):
        axis = reduction_indices if axis is None else axis
        return function(
            input_tensor, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=bool(keepdims or keep_dims)
        )

    return reduce


def _unary(function):
    def unary(x=None, name=None, features=None, logits=None, input=None, axis=None):
        given = next(v for v in (x, features, logits, input) if v is not None)
        return function(given) if axis is None else function(given, axis=axis)

    return unary


def _binary(function):
    return lambda x, y, name=None: function(x, y)


_UNARY = {
    "math.abs": ops.abs,
    "math.negative": ops.negative,
    "math.exp": ops.exp,
    "math.expm1": ops.expm1,
    "math.log": ops.log,
    "math.log1p": ops.log1p,
    "math.sqrt": ops.sqrt,
    "math.rsqrt": ops.rsqrt,
    "math.square": ops.square,
    "math.reciprocal": ops.reciprocal,
    "math.sigmoid": ops.sigmoid,
    "math.tanh": ops.tanh,
    "math.softplus": ops.softplus,
    "math.sin": ops.sin,
    "math.cos": ops.cos,
    "math.erf": ops.erf,
    "math.sign": ops.sign,
    "math.floor": ops.floor,
    "math.ceil": ops.ceil,
    "math.round": ops.round,
    "math.logical_not": ops.logical_not,
    "nn.relu": ops.relu,
    "nn.relu6": ops.relu6,
    "nn.elu": ops.elu,
    "nn.selu": ops.selu,
    "nn.softsign": ops.softsign,
    "nn.softmax": ops.softmax,
    "nn.log_softmax": ops.log_softmax,
    "identity": lambda x: x,
    "zeros_like": ops.zeros_like,
    "ones_like": ops.ones_like,
    "stop_gradient": ops.stop_gradient,
}
_BINARY = {
    "math.add": ops.add,
    "math.subtract": ops.subtract,
    "math.multiply": ops.multiply,
    "math.divide": ops.divide,
    "math.truediv": ops.divide,
    "math.floordiv": ops.floor_divide,
    "math.floormod": ops.mod,
    "math.pow": ops.power,
    "math.maximum": ops.maximum,
    "math.minimum": ops.minimum,
    "math.squared_difference": lambda x, y: ops.square(x - y),
    "math.greater": ops.greater,
    "math.greater_equal": ops.greater_equal,
    "math.less": ops.less,
    "math.less_equal": ops.less_equal,
    "math.equal": ops.equal,
    "math.not_equal": ops.not_equal,
    "math.logical_and": ops.logical_and,
    "math.logical_or": ops.logical_or,
}
_REDUCTIONS = {
    "math.reduce_mean": ops.mean,
    "math.reduce_sum": ops.sum,
    "math.reduce_max": ops.max,
    "math.reduce_min": ops.min,
    "math.reduce_prod": ops.prod,
    "math.reduce_any": ops.any,
    "math.reduce_all": ops.all,
    "math.reduce_logsumexp": ops.logsumexp,
}
_OTHERS = {
    "__operators__.getitem": lambda x, slice_spec, name=None: x[_slices(slice_spec)],
    "reshape": lambda tensor, shape, name=None: ops.reshape(tensor, _ints(shape)),
    "transpose": lambda a, perm=None, conjugate=False, name=None: ops.transpose(a, perm),
    "expand_dims": lambda input, axis=0, name=None: ops.expand_dims(input, axis),
    "squeeze": lambda input, axis=None, name=None: ops.squeeze(input, tuple(axis) if isinstance(axis, list) else axis),
    "concat": lambda values, axis, name=None: ops.concatenate(values, axis),
    "stack": lambda values, axis=0, name=None: ops.stack(values, axis),
    "unstack": lambda value, num=None, axis=0, name=None: ops.unstack(value, num, axis),
    "split": _split,
    "tile": lambda input, multiples, name=None: ops.tile(input, _ints(multiples)),
    "repeat": lambda input, repeats, axis=None, name=None: ops.repeat(input, repeats, axis),
    "reverse": lambda tensor, axis, name=None: ops.flip(tensor, tuple(axis) if isinstance(axis, list) else axis),
    "gather": _gather,
    "pad": _pad,
    "cast": lambda x, dtype, name=None: ops.cast(x, _dtype(dtype)),
    "where": lambda condition, x=None, y=None, name=None: ops.where(condition, x, y),
    "one_hot": lambda indices, depth, on_value=None, off_value=None, axis=-1, dtype=None, name=None: ops.one_hot(
        indices, depth, axis=-1 if axis is None else axis, dtype=dtype or "float32"
    ),
    "clip_by_value": _clip,
    "math.argmax": lambda input, axis=None, output_type="int64", name=None: ops.cast(
        ops.argmax(input, axis or 0), _dtype(output_type)
    ),
    "math.cumsum": _cumsum,
    "math.add_n": lambda inputs, name=None: sum(inputs[1:], inputs[0]),
    "math.l2_normalize": _l2_normalize,
    "linalg.matmul": _matmul,
    "einsum": lambda equation, *inputs, **more: ops.einsum(equation, *inputs),
    "nn.leaky_relu": lambda features, alpha=0.2, name=None: ops.leaky_relu(features, alpha),
    "nn.silu": lambda features, beta=1.0, name=None: features * ops.sigmoid(features * beta),
    "nn.gelu": lambda features, approximate=False, name=None: ops.gelu(features, approximate),
    "nn.bias_add": lambda value, bias, data_format=None, name=None: value + bias,
    "nn.depth_to_space": lambda input, block_size, data_format="NHWC", name=None: ops.depth_to_space(input, block_size),
    "nn.space_to_depth": lambda input, block_size, data_format="NHWC", name=None: ops.space_to_depth(input, block_size),
    "nn.max_pool": _pool(ops.max_pool),
    "nn.avg_pool": _pool(ops.average_pool),
    "nn.conv2d": _conv(ops.conv),
    "image.resize": _resize,
}
_ALIASES = {
    **{f"__operators__.{n}": f"math.{m}" for n, m in {"add": "add", "sub": "subtract", "mul": "multiply", "ne": "not_equal",
       "truediv": "truediv", "div": "divide", "pow": "pow", "floordiv": "floordiv", "mod": "floormod", "gt": "greater",
       "ge": "greater_equal", "lt": "less", "le": "less_equal", "eq": "equal", "neg": "negative", "abs": "abs"}.items()},
    "__operators__.matmul": "linalg.matmul",
    "linalg.l2_normalize": "math.l2_normalize",
    "nn.l2_normalize": "math.l2_normalize",
    "nn.sigmoid": "math.sigmoid",
    "nn.tanh": "math.tanh",
    "nn.softplus": "math.softplus",
    "nn.swish": "nn.silu",
    "nn.avg_pool2d": "nn.avg_pool",
    "nn.max_pool2d": "nn.max_pool",
}  # fmt: skip
_FUNCTIONS = {
    **{name: _unary(f) for name, f in _UNARY.items()},
    **{name: _binary(f) for name, f in _BINARY.items()},
    **{name: _reduction(f) for name, f in _REDUCTIONS.items()},
    **_OTHERS,
}
_RAW = {
    **{op: _FUNCTIONS[f] for op, f in {
        "Abs": "math.abs", "Neg": "math.negative", "Exp": "math.exp", "Log": "math.log", "Log1p": "math.log1p",
        "Sqrt": "math.sqrt", "Rsqrt": "math.rsqrt", "Square": "math.square", "Reciprocal": "math.reciprocal",
        "Sigmoid": "math.sigmoid", "Tanh": "math.tanh", "Softplus": "math.softplus", "Sin": "math.sin", "Cos": "math.cos",
        "Sign": "math.sign", "Floor": "math.floor", "Ceil": "math.ceil", "Relu": "nn.relu", "Relu6": "nn.relu6",
        "Elu": "nn.elu", "Selu": "nn.selu", "Softsign": "nn.softsign", "Softmax": "nn.softmax",
        "LogSoftmax": "nn.log_softmax", "Identity": "identity", "ZerosLike": "zeros_like", "OnesLike": "ones_like",
        "StopGradient": "stop_gradient", "Add": "math.add", "AddV2": "math.add", "Sub": "math.subtract",
        "Mul": "math.multiply", "Div": "math.divide", "RealDiv": "math.truediv", "FloorDiv": "math.floordiv",
        "FloorMod": "math.floormod", "Pow": "math.pow", "Maximum": "math.maximum", "Minimum": "math.minimum",
        "SquaredDifference": "math.squared_difference", "Greater": "math.greater", "GreaterEqual": "math.greater_equal",
        "Less": "math.less", "LessEqual": "math.less_equal", "Equal": "math.equal", "NotEqual": "math.not_equal",
        "LogicalAnd": "math.logical_and", "LogicalOr": "math.logical_or", "LogicalNot": "math.logical_not",
        "BiasAdd": "nn.bias_add", "Transpose": "transpose", "Reshape": "reshape", "ExpandDims": "expand_dims",
        "Tile": "tile", "ReverseV2": "reverse", "SelectV2": "where", "Select": "where", "ClipByValue": "clip_by_value",
    }.items()},
}  # fmt: skip


def _raw(op, inputs, attributes):
    """One TensorFlow operation on its inputs, constants among them."""
    reductions = {"Mean": "math.reduce_mean", "Sum": "math.reduce_sum", "Max": "math.reduce_max", "Min": "math.reduce_min",
                  "Prod": "math.reduce_prod", "Any": "math.reduce_any", "All": "math.reduce_all"}  # fmt: skip
    if op in reductions:
        return _FUNCTIONS[reductions[op]](inputs[0], _ints(inputs[1]), bool(attributes.get("keep_dims", False)))
    if op in ("ConcatV2", "Pack"):
        values, axis = (inputs[:-1], _ints(inputs[-1])) if op == "ConcatV2" else (inputs, attributes.get("axis", 0))
        return (ops.concatenate if op == "ConcatV2" else ops.stack)(list(values), axis)
    if op == "Squeeze":
        axes = attributes.get("squeeze_dims")
        return ops.squeeze(inputs[0], tuple(axes) if axes else None)
    if op in ("MatMul", "BatchMatMulV2", "BatchMatMul"):
        flag = lambda *names: any(bool(attributes.get(n, False)) for n in names)
        return _matmul(*inputs, transpose_a=flag("transpose_a", "adj_x"), transpose_b=flag("transpose_b", "adj_y"))
    if op == "StridedSlice":
        return _strided_slice_key(inputs[0], *(_ints(v) for v in inputs[1:4]), attributes)
    if op in ("Pad", "PadV2"):
        return _pad(inputs[0], inputs[1], constant_values=inputs[2] if len(inputs) > 2 else 0)
    if op in ("GatherV2", "Gather"):
        return ops.take(inputs[0], inputs[1], _ints(inputs[2]) if len(inputs) > 2 else 0)
    if op == "Cast":
        return ops.cast(inputs[0], attributes["DstT"])
    if op == "LeakyRelu":
        return ops.leaky_relu(inputs[0], float(attributes.get("alpha", 0.2)))
    if op in ("ResizeBilinear", "ResizeNearestNeighbor"):
        if not attributes.get("half_pixel_centers", False):
            raise ValueError(f"{op} without half_pixel_centers has no counterpart")
        return _resize(inputs[0], inputs[1], "bilinear" if op == "ResizeBilinear" else "nearest")
    if op in ("DepthToSpace", "SpaceToDepth"):
        return (ops.depth_to_space if op == "DepthToSpace" else ops.space_to_depth)(inputs[0], attributes["block_size"])
    return _RAW[op](*inputs)


_STRUCTURED = frozenset(
    "Mean Sum Max Min Prod Any All ConcatV2 Pack Squeeze MatMul BatchMatMul BatchMatMulV2 StridedSlice Pad PadV2 Gather GatherV2 "
    "Cast LeakyRelu ResizeBilinear ResizeNearestNeighbor DepthToSpace SpaceToDepth".split()
)


def _function(name):
    """The function of a TensorFlow name, with or without its older prefixes, or None."""
    name = str(name).removeprefix("compat.v1.").removeprefix("tf.")
    for found in (name, f"math.{name}", f"nn.{name}", f"linalg.{name}"):
        found = _ALIASES.get(found, found)
        if found in _FUNCTIONS:
            return _FUNCTIONS[found]
    return None


class TFOpLambda(Operation):
    """A call of a TensorFlow function, by its name ("math.add"), with that function's arguments."""

    def __init__(self, function, name=None):
        super().__init__(name=name)
        self._run = _function(function)
        if self._run is None:
            raise _unknown(function, self.name, _FUNCTIONS)
        self.function = function

    def call(self, *args, **kwargs):
        return self._run(*args, **kwargs)

    def get_config(self):
        return {"name": self.name, "function": self.function}


class TensorFlowOpLayer(Operation):
    """One TensorFlow operation: its name, attributes, and those of its inputs that are constants, {position: value}."""

    def __init__(self, op, attributes=None, constants=None, name=None):
        super().__init__(name=name)
        if op not in _RAW and op not in _STRUCTURED:
            raise _unknown(op, self.name, {*_RAW, *_STRUCTURED})
        self.op = op
        self.attributes = dict(attributes or {})
        self.constants = {int(k): v for k, v in (constants or {}).items()}

    def call(self, inputs):
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for position in sorted(self.constants):
            given.insert(position, self.constants[position])
        return _raw(self.op, given, self.attributes)

    def get_config(self):
        constants = {str(k): v for k, v in self.constants.items()}
        return {"name": self.name, "op": self.op, "attributes": dict(self.attributes), "constants": constants}
