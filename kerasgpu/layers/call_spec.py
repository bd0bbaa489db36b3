"""How the arguments of a layer call relate to the signature of `call()`: which are tensors, their shapes, and what
`build()` gets."""

from __future__ import annotations

import inspect

from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor

_EMPTY = inspect.Parameter.empty


def is_tensor(x) -> bool:
    return isinstance(x, (Tensor, KerasTensor))


class Signature:
    """The parameters of a `call()` method, read once per method."""

    def __init__(self, method):
        self.signature = inspect.signature(method)
        parameters = self.signature.parameters
        self.names = list(parameters)
        self.has_training = "training" in parameters
        self.has_mask = "mask" in parameters
        self.training_default = parameters["training"].default if self.has_training else None
        if self.training_default is _EMPTY:
            self.training_default = None
        kinds = [p.kind for p in parameters.values()]
        first = next(iter(parameters.values()), None)
        # One tensor in, everything else has a default: such calls need no binding.
        self.simple = (
            first is not None
            and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD)
            and all(p.default is not _EMPTY or p.kind is p.VAR_KEYWORD for p in list(parameters.values())[1:])
            and inspect.Parameter.VAR_POSITIONAL not in kinds
        )
        self.defaults = {name: p.default for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}


_signatures: dict = {}


def signature_of(layer) -> Signature:
    """The Signature of a layer's `call`, cached for methods of classes."""
    method = layer.call
    function = getattr(method, "__func__", None)
    if function is None:
        return Signature(method)
    found = _signatures.get(function)
    if found is None:
        if len(_signatures) > 4096:  # classes made in loops (tests, notebooks) should not stay alive for ever
            _signatures.clear()
        found = _signatures[function] = Signature(method)
    return found


class CallSpec:
    """The arguments of one call by name: all of them, those passed by the caller, and those that are (nests of) tensors."""

    def __init__(self, signature, context_args, args, kwargs):
        # Context arguments (training, ...) that call() does not take are kept for sublayers.
        extra = {name: kwargs.pop(name) for name in context_args if name in kwargs and name not in signature.defaults}
        if signature.simple and len(args) == 1 and not kwargs:
            self.user_arguments_dict = {signature.names[0]: args[0], **extra}
            self.arguments_dict = {**signature.defaults, signature.names[0]: args[0]}
        else:
            bound = signature.signature.bind(*args, **kwargs)
            self.user_arguments_dict = {**extra, **bound.arguments}
            bound.apply_defaults()
            self.arguments_dict = dict(bound.arguments)
        self.argument_names = list(self.arguments_dict)
        self.tensor_arguments_dict = {}
        self.nested = []
        for name, value in self.arguments_dict.items():
            if isinstance(value, (Tensor, KerasTensor)):
                self.tensor_arguments_dict[name] = value
            elif isinstance(value, (list, tuple, dict)) and value:
                self._add_nested(name, value)
        self.first_arg = self.arguments_dict[self.argument_names[0]] if self.argument_names else None

    def _add_nested(self, name, value):
        leaves = nest.flatten(value)
        if all(x is None or isinstance(x, (Tensor, KerasTensor)) for x in leaves):
            self.tensor_arguments_dict[name] = value
            self.nested.append(name)
        elif any(isinstance(x, (Tensor, KerasTensor)) for x in leaves):
            raise ValueError(
                "In a nested call() argument, you cannot mix tensors and non-tensors. Received invalid mixed argument: "
                f"{name}={value}"
            )

    @property
    def eager(self):
        return not any(isinstance(x, KerasTensor) for x in nest.flatten(list(self.tensor_arguments_dict.values())))

    def shapes(self, fill=None):
        """{"x_shape": shape} of the tensor arguments. With `fill`, dims of that (stand-in) size are None again."""
        found = {}
        for name, value in self.tensor_arguments_dict.items():
            if name not in ("mask", "args", "kwargs"):
                found[f"{name}_shape"] = nest.map_structure(
                    lambda x: None if x is None else _unfill(tuple(x.shape), fill), value
                )
        return found


def _unfill(shape, fill):
    if fill is None:
        return shape
    # Stand-ins that are primes (or huge) mark unknown dims wherever they are; a round number only in the batch axis.
    if fill in (64, 128):
        return (None, *shape[1:]) if shape and shape[0] == fill else shape
    return tuple(None if d == fill else d for d in shape)


def shapes_for(method, shapes, spec, class_name):
    """The keyword arguments for build() or compute_output_shape() from the shapes of a call.

    A method with one argument gets the first shape whatever its name; with several, each is named after an argument of call()
    with the suffix "_shape".
    """
    parameters = inspect.signature(method).parameters.values()
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(names) == 1:
        return {names[0]: next(iter(shapes.values()), None)}
    found = {}
    for name in names:
        rule = (
            f"For a `{method.__name__}()` method with more than one argument, all arguments should have a `_shape` suffix "
            f"and match an argument from `call()`. E.g. `{method.__name__}(self, foo_shape, bar_shape)` For layer "
            f"'{class_name}', "
        )
        if not name.endswith("_shape"):
            raise ValueError(f"{rule}Received `{method.__name__}()` argument `{name}`, which does not end in `_shape`.")
        if name[: -len("_shape")] not in spec.arguments_dict:
            raise ValueError(
                f"{rule}received `{method.__name__}()` argument `{name}`, but `call()` does not have argument "
                f"`{name[: -len('_shape')]}`."
            )
        if name in shapes:
            found[name] = shapes[name]
    return found
