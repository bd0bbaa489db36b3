"""What may be captured, and what a model keeps of it: recorded steps, under a key of all that such a step depends on."""

from __future__ import annotations

import math

from kerasgpu import config
from kerasgpu.config.installed import cuda
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.jit import CapturedFunction
from kerasgpu.kernels import launch

MAX_PROGRAMS = 32  # per model; signatures beyond that (ever new shapes) push out the oldest


def can_capture(model) -> bool:
    return not model.run_eagerly and config.capture() and launch.recorder is None


def fits(model, mode, adapter, where: str) -> bool:
    """Whether arrays and predictions may lie on a device as a whole: on the CPU they do, on a GPU in a share of what is free."""
    if where.startswith("cpu"):
        return True
    wanted = sum(a.nbytes for a in adapter.arrays if launch.is_host(a))
    if mode == "predict":
        wanted += adapter.num_samples * _row_bytes(model)
    return wanted <= cuda.free_memory(devices.parse(where)[1]) * config.resident_share()


def _row_bytes(model) -> int:
    """Bytes of the outputs for one sample, as far as they are known before the model runs."""
    spec = model._output_spec if model._output_spec is not None else getattr(model, "outputs", None)
    known = [t for t in nest.flatten(spec) if t is not None and None not in t.shape[1:]]
    return sum(math.prod(t.shape[1:]) * launch.numpy_dtype(t.dtype).itemsize for t in known)


def model_state(model, mode):
    """What a recorded step of this model depends on besides the shapes of its batch."""
    layers = model._flatten_layers()
    parts = (getattr(model, "optimizer", None), model._compile_loss, model._compile_metrics)
    compiled = tuple(id(p) for p in parts) if mode != "predict" else ()
    return (
        mode,
        tuple((id(layer), layer.trainable) for layer in layers),
        compiled,
        tuple((id(v), v.trainable) for layer in layers for v in layer._own_state()),
        dtypes.floatx(),
        state.thread.autocast_dtype,
        state.variables_moved,
        config.image_data_format(),
        config.is_tf32_enabled(),
    )


def cached(model, key, make):
    """The model's entry for this key, made if new."""
    store = model.__dict__.setdefault("_programs", {})
    entry = store.get(key)
    if entry is None:
        if len(store) >= MAX_PROGRAMS:
            del store[next(iter(store))]
        entry = store[key] = make()
    return entry


def captured_step(model, mode):
    """The step function of a model for batches that come one by one (generators, train_on_batch), captured per shape."""
    step = model._step_function(mode)
    if not can_capture(model):
        return step
    return cached(model, (model_state(model, mode), "batch"), lambda: CapturedFunction(step))
