"""clone_model: the same architecture with new weights."""

from __future__ import annotations

import copy

from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import FunctionOperation
from kerasgpu.layers.core.input_layer import Input, InputLayer
from kerasgpu.models.functional import Functional, functional_like_constructor
from kerasgpu.models.sequential import Sequential


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False, **kwargs):
    """A model with the layers of `model` made again (weights are not copied).

    Args:
        model: Sequential, Functional, or a model whose get_config() and from_config() make a copy.
        input_tensors: KerasTensors to build upon, in the structure of model.input; new Inputs when None.
        clone_function: layer -> its copy, by default layer.from_config(layer.get_config()).
        call_function: (layer, *args, **kwargs) -> outputs, how each copy is called (Functional only).
        recursive: whether models inside the model are cloned with these functions too.

    >>> import kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> [layer.name for layer in keras.models.clone_model(model).layers] == [layer.name for layer in model.layers]
    True
    """
    cache = kwargs.pop("cache", None)
    if kwargs:
        raise ValueError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "`call_function` argument is not supported with Sequential models. In a Sequential model, layers aren't "
                "called at model-construction time (they're merely listed). Use `call_function` with Functional models "
                f"only. Received model of type '{type(model).__name__}', with call_function={call_function}"
            )
        return _clone_sequential(model, _cloner(clone_function, None, recursive, cache), input_tensors)
    if isinstance(model, Functional) and (
        clone_function is not None or input_tensors is not None or type(model).get_config is Functional.get_config
    ):
        return _clone_functional(model, _cloner(clone_function, call_function, recursive, cache), input_tensors, call_function)
    for name, value in (("clone_function", clone_function), ("input_tensors", input_tensors), ("call_function", call_function)):
        if value is not None:
            raise ValueError(
                f"Argument `{name}` is only supported for "
                f"{'' if name == 'call_function' else 'Sequential models or '}Functional models. "
                f"Received model of type '{type(model).__name__}', with {name}={value}"
            )
    return type(model).from_config(model.get_config())


def _cloner(clone_function, call_function, recursive, cache):
    """clone_function with a cache, so that a shared layer stays one layer."""
    clone = clone_function if clone_function is not None else lambda layer: type(layer).from_config(layer.get_config())
    cache = {} if cache is None else cache

    def cached(layer):
        if isinstance(layer, FunctionOperation):
            return _copy_op(layer)  # an op has no weights and no configuration of its own
        if id(layer) not in cache:
            if recursive and isinstance(layer, Sequential):
                made = clone_model(layer, clone_function=clone, recursive=True, cache=cache)
            elif recursive and isinstance(layer, Functional):
                made = clone_model(layer, clone_function=clone, call_function=call_function, recursive=True, cache=cache)
            else:
                made = clone(layer)
            cache[id(layer)] = made
        return cache[id(layer)]

    return cached


def _copy_op(operation):
    twin = copy.copy(operation)
    twin._inbound_nodes, twin._outbound_nodes = [], []
    return twin


def _compile_like(made, model):
    if model.compiled:
        made.compile_from_config(model.get_compile_config())
    return made


def _clone_sequential(model, clone, input_tensors):
    layers = [clone(layer) for layer in model.layers]
    first = model._layers[0] if model._layers else None
    known = {"name": first.name, "optional": first.optional} if isinstance(first, InputLayer) else {}
    if input_tensors is not None:
        tensors = input_tensors if isinstance(input_tensors, (list, tuple)) else [input_tensors]
        if len(tensors) != 1:
            raise ValueError("Argument `input_tensors` must contain a single tensor.")
        if not isinstance(tensors[0], KerasTensor):
            raise ValueError(
                f"Argument `input_tensors` must be a KerasTensor. Received invalid value: input_tensors={tensors[0]}"
            )
        layers.insert(0, Input(tensor=tensors[0], **known))
    elif known:
        layers.insert(0, Input(batch_shape=first.batch_shape, dtype=first.dtype, **known))
    return _compile_like(Sequential(layers, name=model.name, trainable=model.trainable), model)


def _clone_functional(model, clone, input_tensors, call_function):
    if input_tensors is None:
        input_tensors = nest.map_structure(lambda x: Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model.input)
    else:
        if not all(isinstance(x, KerasTensor) for x in nest.flatten(input_tensors)):
            raise ValueError(
                f"All entries in `input_tensors` must be KerasTensors. Received invalid values: inputs_tensors={input_tensors}"
            )
        try:
            nest.map_structure(lambda a, b: None, model.input, input_tensors)
            same = len(nest.flatten(model.input)) == len(nest.flatten(input_tensors))
        except ValueError:
            same = False
        if not same:
            raise ValueError(
                f"`input_tensors` must have the same structure as model.input\nReference structure: {model.input}\nReceived "
                f"structure: {input_tensors}"
            )
    outputs = model._run_through_graph(input_tensors, operation_fn=clone, call_fn=call_function)
    cls = type(model) if functional_like_constructor(type(model)) else Functional
    return _compile_like(cls(input_tensors, outputs, name=model.name), model)
