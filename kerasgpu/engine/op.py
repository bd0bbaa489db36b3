"""What an operation is: a forward function on arrays, a shape rule, and a gradient written with operations.

    @primitive(tensors=1)                  # the first parameter is a tensor, the rest are attributes
    def tanh(x):                           # arrays in, array out (a tuple for several outputs)
        return kernels.tanh(x)

    @tanh.shape                            # optional; default: shape and dtype of the first tensor
    def _(x):                              # arguments as passed; tensors have concrete .shape and .dtype
        return x.shape, x.dtype            # a list of such pairs for several outputs

    @tanh.gradient                         # y is kept for this only if a parameter is named y
    def _(g, y, x):
        return g * (1 - y * y)             # one entry per tensor: Tensor, None, or a callable that makes it when needed

`tensors="list"` takes a list of tensors as the first parameter. Calling a primitive with tensors runs the kernel and, when an
input requires a gradient, records a Node; with meta tensors it runs the shape rule only; with KerasTensors it adds a node to a
functional graph. An operation without a gradient rule (`@primitive(tensors=1, differentiable=False)`) gives results that do not
require gradients; one that is neither is refused when a gradient is asked of it.
"""

from __future__ import annotations

import functools

from kerasgpu.engine import device as devices
from kerasgpu.engine import keras_tensor, state, symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.kernels import launch

PRIMITIVES: dict[str, Primitive] = {}


class Node:
    """How a tensor was computed: the operation, its tensor inputs, and its outputs' arrays if the gradient needs them."""

    __slots__ = ("inputs", "keywords", "op", "out_specs", "outputs", "recording", "rest")

    def __init__(self, op, inputs, rest, keywords, outputs, out_specs):
        self.op = op
        self.inputs = inputs
        self.rest = rest
        self.keywords = keywords
        self.outputs = outputs  # arrays, not Tensors: a Tensor here would be a reference cycle
        self.out_specs = out_specs
        self.recording = state.thread.recording  # of the tapes that were on

    def output_tensor(self, index):
        array = self.outputs[index]
        t = Tensor(array, self.out_specs[index][1])
        t._node, t._index, t._requires = self, index, True
        return t

    def gradients(self, grads):
        """The gradient entries of the inputs from those of the outputs."""
        op = self.op
        args = self.inputs if op.count != "list" else (self.inputs,)
        g = grads if op.multiple else grads[0]
        if op.keeps_output:
            y = tuple(self.output_tensor(k) for k in range(len(self.outputs))) if op.multiple else self.output_tensor(0)
            out = op.gradient_rule(g, y, *args, *self.rest, **self.keywords)
        else:
            out = op.gradient_rule(g, *args, *self.rest, **self.keywords)
        return out if isinstance(out, (tuple, list)) else (out,)

    def release(self):
        self.inputs = None
        self.outputs = None


def parameter_names(function) -> list[str]:
    """As inspect.signature gives them, for a plain function; that many calls would take a tenth of the import."""
    code = function.__code__
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


class Primitive:
    """An operation with its own kernels. See the module docstring."""

    def __init__(self, function, tensors, differentiable, multiple):
        functools.update_wrapper(self, function)
        self.function = function
        self.name = function.__name__
        self.count = tensors
        self.differentiable = differentiable
        self.multiple = multiple
        self.shape_rule = None
        self.gradient_rule = None
        self.keeps_output = False
        self.parameters = parameter_names(function)
        PRIMITIVES[f"{function.__module__}.{function.__qualname__}"] = self

    def shape(self, rule):
        self.shape_rule = rule
        return rule

    def gradient(self, rule):
        self.gradient_rule = rule
        names = parameter_names(rule)
        self.keeps_output = len(names) > 1 and names[1] == "y"
        return rule

    def __repr__(self):
        return f"<Primitive {self.name}>"

    def __call__(self, *args, **keywords):
        count = self.count
        if count == "list":
            given, rest = list(args[0]), args[1:]
        else:
            if len(args) < count:
                args += tuple(keywords.pop(n) for n in self.parameters[len(args) : count])
            given, rest = args[:count], args[count:]
        inputs = []
        arrays = []
        needs = meta = mixed = False
        for x in given:
            kind = type(x)
            if kind is not Tensor:
                if kind is keras_tensor.KerasTensor:
                    return symbolic.call_function(self, args, keywords)
                if kind is MetaTensor:
                    meta = True
                elif x is not None:
                    x = convert_to_tensor(x)
                    meta = meta or type(x) is MetaTensor
            if x is None:
                inputs.append(None)
                arrays.append(None)
                continue
            inputs.append(x)
            data = x._data
            arrays.append(data)
            if x._requires:
                needs = True
            if type(data) is not type(arrays[0]):
                mixed = True
        if needs and state.thread.watcher is not None:
            state.thread.watcher.reads(inputs)
        if meta:
            return self._run_meta(inputs, rest, keywords)
        if mixed:
            arrays = _on_one_device(arrays, self.name)
        out = self.function(arrays, *rest, **keywords) if count == "list" else self.function(*arrays, *rest, **keywords)
        record = needs and self.differentiable and state.thread.grad_enabled
        if self.multiple:
            results = tuple(Tensor(a) for a in out)
        else:
            results = (Tensor(out),)
        if record:
            saved = tuple(out) if self.multiple else (out,)
            specs = [(t.shape, t.dtype) for t in results]
            node = Node(self, inputs, rest, keywords, saved if self.keeps_output else None, specs)
            for k, t in enumerate(results):
                if "float" in t.dtype:
                    t._node, t._index, t._requires = node, k, True
        return results if self.multiple else results[0]

    def _run_meta(self, inputs, rest, keywords):
        args = (inputs,) if self.count == "list" else inputs
        if self.shape_rule is None:
            first = inputs[0]
            return MetaTensor(first.shape, first.dtype)
        out = self.shape_rule(*args, *rest, **keywords)
        if self.multiple:
            return tuple(MetaTensor(*spec) for spec in out)
        return MetaTensor(*out)


def primitive(tensors=1, differentiable=True, multiple=False):
    """Decorator that makes a Primitive of a function on arrays. See the module docstring."""

    def decorate(function):
        return Primitive(function, tensors, differentiable, multiple)

    return decorate


def _on_one_device(arrays, name):
    """Host operands follow the others to their GPU; two GPUs are an error."""
    gpus = {devices.of_array(a) for a in arrays if a is not None and not launch.is_host(a)}
    if not gpus:
        return arrays
    if len(gpus) > 1:
        raise ValueError(f"{name}: operands are on different GPUs, {' and '.join(sorted(gpus))}; move one with .to(device)")
    target = gpus.pop()
    return [a if a is None else devices.put(a, target) for a in arrays]
