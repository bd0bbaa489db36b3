"""InputSpec: what a layer accepts (rank, dtype, sizes of axes), and the check with its error messages."""

from __future__ import annotations

from kerasgpu.engine import dtypes, nest


class InputSpec:
    """Constraints on one input of a layer.

    Args:
        dtype: required dtype.
        shape: required shape, None for dims that may be anything.
        ndim, max_ndim, min_ndim: rank, its largest and smallest value.
        axes: dict from axis to required size.
        allow_last_axis_squeeze: whether a last axis of size 1 may be there or not.
        name: key of this input when inputs come as a dict.
        optional: whether None may be passed.

    >>> from kerasgpu.layers import InputSpec
    >>> InputSpec(min_ndim=2, axes={-1: 3})
    InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype = dtypes.standardize_dtype(dtype) if dtype is not None else None
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(k): axes[k] for k in axes or {}}
        except (ValueError, TypeError) as error:
            raise TypeError(f"Argument `axes` must be a dict with integer keys. Received: axes={axes}") from error
        limit = self.ndim if self.ndim is not None else max_ndim
        if self.axes and limit is not None and max(self.axes) > limit - 1:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}")

    def __repr__(self):
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{n}={getattr(self, n)}' for n in names if getattr(self, n))})"

    def get_config(self):
        return {n: getattr(self, n) for n in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def assert_input_compatibility(input_spec, inputs, layer_name):
    """Raise ValueError, naming the layer and the shapes, when inputs do not fit the (nested) spec."""
    if not input_spec:
        return
    specs = [input_spec] if type(input_spec) is InputSpec else nest.flatten(input_spec)
    if isinstance(inputs, dict):
        inputs = _by_name(specs, inputs)
    inputs = nest.flatten(inputs)
    if len(inputs) != len(specs):
        _wrong_number(specs, inputs, layer_name)
    for index, (x, spec) in enumerate(zip(inputs, specs)):
        if spec is None or (x is None and spec.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for layer '{layer_name}'."
            )
        problem = find_problem(spec, x)
        if problem:
            name = f" with name '{spec.name}'" if spec.name else ""
            raise ValueError(f"Input {index}{name} of layer '{layer_name}' is incompatible with the layer: {problem}")


def _by_name(specs, inputs):
    names = [spec.name for spec in specs]
    if not all(names):
        return inputs
    for name in names:
        if name not in inputs:
            raise ValueError(
                f'Missing data for input "{name}". You passed a data dictionary with keys {list(inputs)}. '
                f"Expected the following keys: {names}"
            )
    return [inputs[name] for name in names]


def _wrong_number(specs, inputs, layer_name):
    names = [spec.name for spec in specs if spec is not None]
    if len(names) == len(specs) and all(names):
        example = ", ".join(f"'{n}': ..." for n in names)
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} named input(s) with keys {names}, but it received '
            f"{len(inputs)} input tensors. Pass inputs as a dict, e.g. `layer({{{example}}})`."
        )
    raise ValueError(
        f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(inputs)} input tensors. '
        f"Inputs received: {inputs}"
    )


def find_problem(spec, x) -> str | None:
    """Why x (with .shape and .dtype) does not fit one spec, or None."""
    shape = tuple(x.shape)
    ndim = len(shape)
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={ndim}. Full shape received: {shape}{_rank_hint(ndim, spec.ndim)}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}. Full shape received: {shape}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        hint = _rank_hint(ndim, spec.min_ndim)
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. Full shape received: {shape}{hint}"
    if spec.dtype is not None and dtypes.standardize_dtype(x.dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={x.dtype}"
    for axis, value in spec.axes.items():
        if value is not None and shape[axis] not in (value, None):
            return (
                f"expected axis {axis} of input shape to have value {value}, but received input with shape {shape}"
                f"{_axis_hint(shape, axis, value)}"
            )
    if spec.shape is not None:
        wanted, got = spec.shape, shape
        if spec.allow_last_axis_squeeze:
            got = got[:-1] if got and got[-1] == 1 else got
            wanted = wanted[:-1] if wanted and wanted[-1] == 1 else wanted
        for a, b in zip(wanted, got):
            if a is not None and b is not None and a != b:
                return f"expected shape={spec.shape}, found shape={shape}"
    return None


def _rank_hint(found, wanted):
    if found == wanted - 1:
        if found <= 1:
            return ". One axis is missing, perhaps the batch axis: pass x[None] for a single sample"
        return ". One axis is missing: the batch axis (pass x[None]) or the channel axis (pass x[..., None])"
    return ". Add a Flatten() layer in front of it" if found > wanted == 2 else ""


def _axis_hint(shape, axis, value):
    size = 1
    for d in shape[1:]:
        if d is None:
            return ""
        size *= d
    if axis == -1 and len(shape) > 2 and size == value:
        return ". Add a Flatten() layer in front of it"
    if axis == -1 and len(shape) == 4 and shape[1] == value:
        return ". The channels seem to come first: pass data_format='channels_first', or move them last with Permute((2, 3, 1))"
    return ""
