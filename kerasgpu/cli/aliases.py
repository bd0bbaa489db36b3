"""Make `keras`, `tensorflow.keras`, `tensorflow.data` and `tf_keras` resolve to kerasgpu in this process.

A finder at the front of sys.meta_path answers imports of those names with the kerasgpu module of the same path. `tensorflow` itself
becomes a small module with what Keras scripts commonly take from it; anything else raises an error that says so.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types

from kerasgpu.missing import MissingName

ROOTS = ("tensorflow.python.keras", "tensorflow.compat.v2.keras", "tensorflow.keras", "tf_keras", "keras")

# Modules of TensorFlow that there are, beside those of Keras.
PACKAGES = ("tensorflow", "tensorflow.compat", "tensorflow.compat.v2", "tensorflow.python", "tensorflow.data")

# Old module paths and where their names are today.
MOVED = {
    "layers.core": "layers",
    "layers.convolutional": "layers",
    "layers.pooling": "layers",
    "layers.normalization": "layers",
    "layers.recurrent": "layers",
    "layers.embeddings": "layers",
    "layers.merge": "layers",
    "layers.advanced_activations": "layers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
    "engine": "models",
    "engine.topology": "layers",
    "utils.vis_utils": "utils",
    "utils.generic_utils": "utils",
    "utils.data_utils": "utils",
    "optimizers.experimental": "optimizers",
    "optimizers.schedules.learning_rate_schedule": "optimizers.schedules",
    "mixed_precision.experimental": "mixed_precision",
    "experimental": "layers",
    "api": "",
}


def target_of(name: str) -> str | None:
    """The kerasgpu module that an aliased module name stands for."""
    for root in ROOTS:
        if name == root or name.startswith(root + "."):
            path = name[len(root) + 1 :]
            path = path.removeprefix("api.").removeprefix("_v2.keras.")
            path = MOVED.get(path, path)
            return f"kerasgpu.{path}" if path else "kerasgpu"
    return None


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `keras...` and `tensorflow...`."""

    def find_spec(self, name, path=None, target=None):
        if name in PACKAGES or target_of(name):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        if name.startswith("tensorflow."):
            raise ModuleNotFoundError(
                f"{name}: under `python -m kerasgpu run`, tensorflow is only its Keras part (tensorflow.keras), tensorflow.data and a few "
                "common names",
                name=name,
            )
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__name__
        aliased = target_of(name)
        if aliased:
            # The import system returns what sys.modules holds afterwards: the real module, not a copy.
            sys.modules[name] = importlib.import_module(aliased)
        elif name == "tensorflow":
            _fill_tensorflow(module)
        elif name == "tensorflow.data":
            _fill_data(module)
        else:
            module.__getattr__ = _only_keras(name)


def _only_keras(prefix):
    def missing(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute == "keras" and prefix != "tensorflow.data":
            return importlib.import_module("kerasgpu")
        # An AttributeError too: libraries ask a loaded tensorflow for names and take no for an answer.
        raise MissingName(
            f"{prefix}.{attribute} is not available: under `python -m kerasgpu run`, tensorflow is tensorflow.keras, tensorflow.data.Dataset "
            "and a few common names. keras.ops has the operations under their NumPy names"
        )

    return missing


def _fill_data(module):
    """tensorflow.data: our Dataset and its constants."""
    from kerasgpu import data

    for name in data.__all__:
        setattr(module, name, getattr(data, name))

    def assert_cardinality(count):
        return lambda dataset: dataset.take(count) if dataset._count() < 0 else dataset

    def cardinality(dataset):
        return dataset.cardinality()

    module.Options = types.SimpleNamespace  # taken by with_options(), which has nothing to set
    module.experimental = types.SimpleNamespace(
        AUTOTUNE=data.AUTOTUNE, cardinality=cardinality, assert_cardinality=assert_cardinality
    )
    module.__getattr__ = _only_keras("tensorflow.data")


def _fill_tensorflow(module):
    import kerasgpu
    from kerasgpu import ops

    def namespace(**names):
        return types.SimpleNamespace(**names)

    def list_physical_devices(kind=None):
        from kerasgpu.engine import device

        found = [namespace(name="/physical_device:CPU:0", device_type="CPU")]
        found += [namespace(name=f"/physical_device:GPU:{k}", device_type="GPU") for k in range(device.gpu_count()[0])]
        return [d for d in found if kind in (None, d.device_type)]

    def nothing(*args, **kwargs):
        """Accepted: there is nothing to set up."""

    def reduce_of(function):
        return lambda input_tensor, axis=None, keepdims=False, name=None: function(input_tensor, axis, keepdims)

    module.keras = kerasgpu
    module.__version__ = "2.16.0"
    module.GradientTape = kerasgpu.GradientTape
    module.Variable = kerasgpu.Variable
    module.Tensor = kerasgpu.Tensor
    module.is_tensor = lambda x: isinstance(x, kerasgpu.Tensor)
    module.function = lambda f=None, **kwargs: kerasgpu.jit(f) if f is not None else kerasgpu.jit
    module.data = importlib.import_module("tensorflow.data")
    module.TensorSpec = module.data.TensorSpec
    module.device = lambda name: kerasgpu.device(name.strip("/"))
    module.constant = lambda value, dtype=None, shape=None, name=None: _constant(ops, value, dtype, shape)
    module.convert_to_tensor = lambda value, dtype=None, name=None: ops.convert_to_tensor(value, dtype)
    module.cast = lambda x, dtype, name=None: ops.cast(x, getattr(dtype, "name", dtype))
    module.newaxis = None
    for dtype in ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"):
        setattr(module, dtype, dtype)
    for name in (
        "reshape",
        "transpose",
        "concat",
        "stack",
        "shape",
        "zeros",
        "ones",
        "zeros_like",
        "ones_like",
        "matmul",
        "exp",
        "sqrt",
    ):
        setattr(module, name, getattr(ops, {"concat": "concatenate"}.get(name, name)))
    for name in (
        "square",
        "abs",
        "maximum",
        "minimum",
        "add",
        "subtract",
        "multiply",
        "divide",
        "argmax",
        "argmin",
        "where",
        "clip",
    ):
        setattr(module, name, getattr(ops, name))
    module.clip_by_value = lambda t, low, high, name=None: ops.clip(t, low, high)
    module.expand_dims = lambda input, axis, name=None: ops.expand_dims(input, axis)
    module.reduce_mean, module.reduce_sum = reduce_of(ops.mean), reduce_of(ops.sum)
    module.reduce_max, module.reduce_min = reduce_of(ops.max), reduce_of(ops.min)
    module.random = namespace(
        set_seed=lambda seed: kerasgpu.utils.set_random_seed(seed),
        normal=lambda shape, mean=0.0, stddev=1.0, dtype="float32", seed=None, name=None: kerasgpu.random.normal(
            shape, mean, stddev, dtype, seed
        ),
        uniform=lambda shape, minval=0.0, maxval=1.0, dtype="float32", seed=None, name=None: kerasgpu.random.uniform(
            shape, minval, maxval, dtype, seed
        ),
    )
    module.math = namespace(
        **{
            n: getattr(module, n)
            for n in ("reduce_mean", "reduce_sum", "reduce_max", "reduce_min", "exp", "sqrt", "square", "abs", "argmax")
        },
        log=ops.log,
    )
    module.nn = namespace(
        **{n: getattr(ops, n) for n in ("relu", "sigmoid", "softmax", "tanh", "gelu", "elu", "selu", "log_softmax", "softplus")}
    )
    module.config = namespace(
        list_physical_devices=list_physical_devices,
        experimental=namespace(list_physical_devices=list_physical_devices, set_memory_growth=nothing),
        set_visible_devices=nothing,
        run_functions_eagerly=nothing,
        optimizer=namespace(set_jit=nothing),
    )
    module.test = namespace(is_gpu_available=lambda *a, **k: bool(list_physical_devices("GPU")), gpu_device_name=lambda: "")
    module.get_logger = lambda: __import__("logging").getLogger("tensorflow")
    module.__getattr__ = _only_keras("tensorflow")


def _constant(ops, value, dtype, shape):
    made = ops.convert_to_tensor(value, dtype)
    if shape is None:
        return made
    return ops.broadcast_to(made, shape) if made.ndim == 0 else ops.reshape(made, shape)


def install() -> None:
    """Resolve keras and tensorflow.keras to kerasgpu from now on in this process."""
    for name in [
        n
        for n in sys.modules
        if n in ("keras", "tensorflow", "tf_keras") or n.startswith(("keras.", "tensorflow.", "tf_keras."))
    ]:
        del sys.modules[name]
    if not any(isinstance(f, AliasFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
