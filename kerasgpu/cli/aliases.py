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

# The version of Keras whose names and files these are.
COMPATIBLE = "3.15.1"

# Names that kerasgpu has on top of Keras's: `from keras import *` leaves them alone.
_OWN = {
    "Tensor",
    "data",
    "empty_cache",
    "enable_grad",
    "grad",
    "install",
    "jit",
    "kernels",
    "memory_stats",
    "no_grad",
    "value_and_grad",
}

# Modules of TensorFlow that there are, beside those of Keras.
PACKAGES = (
    "tensorflow",
    "tensorflow.compat",
    "tensorflow.compat.v1",
    "tensorflow.compat.v2",
    "tensorflow.python",
    "tensorflow.data",
)

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
            if path == "src" or path.startswith("src."):
                path = _of_src(path[4:])
            return f"kerasgpu.{path}" if path else "kerasgpu"
    return None


# Modules of keras.src that libraries import, and where their names are public.
_SRC = {"engine": "models", "trainers": "models", "version": "", "api_export": "", "legacy.preprocessing": "preprocessing"}


def _of_src(path: str) -> str:
    """The public module with the names of a module of `keras.src`, Keras's own folder: the package that it is part of."""
    for old, public in _SRC.items():
        if path == old or path.startswith(old + "."):
            return public + path[len(old) :] if old.startswith("legacy.") else public
    return path.partition(".")[0]


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
        if ".src" in name and name.partition(".src")[0] in ROOTS:
            _stand_for(module, aliased)
        elif aliased == "kerasgpu":
            _share_keras(name, module)
        elif aliased:
            # The import system returns what sys.modules holds afterwards: the real module, not a copy.
            sys.modules[name] = importlib.import_module(aliased)
        elif name == "tensorflow":
            _fill_tensorflow(module)
        elif name == "tensorflow.data":
            _fill_data(module)
        else:
            module.__getattr__ = _only_keras(name)


def _stand_for(module, public):
    """Any module of `keras.src` has the names of the public package: which of Keras's own files they come from does not matter."""
    found = importlib.import_module("keras" if public == "kerasgpu" else public)
    module.__getattr__ = lambda name: getattr(found, name)
    module.__dir__ = lambda: dir(found)


def _share_keras(name, module):
    """One module `keras` answers to all names of the root."""
    if name == "keras":
        _fill_keras(module)
    else:
        sys.modules[name] = importlib.import_module("keras")


def _only_keras(prefix):
    def missing(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute == "keras" and prefix != "tensorflow.data":
            return importlib.import_module("keras")
        if f"{prefix}.{attribute}" in PACKAGES:
            return importlib.import_module(f"{prefix}.{attribute}")
        if attribute in ("Session", "placeholder", "global_variables_initializer", "get_default_graph") or ".v1" in prefix:
            raise MissingName(
                f"{prefix}.{attribute} is of TensorFlow 1, which had sessions and graphs: operations run at once now"
            )
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
    from kerasgpu.cli import tensorflow_names as names

    def list_physical_devices(kind=None):
        from kerasgpu.engine import device

        found = [names.namespace(name="/physical_device:CPU:0", device_type="CPU")]
        gpus = range(device.gpu_count()[0])
        found += [names.namespace(name=f"/physical_device:GPU:{k}", device_type="GPU") for k in gpus]
        return [d for d in found if kind in (None, d.device_type)]

    def nothing(*args, **kwargs):
        """Accepted: there is nothing to set up."""

    vars(module).update(names.top_level(), **names.DTYPES)
    module.keras = importlib.import_module("keras")
    module.__version__ = "2.16.0"
    module.GradientTape = kerasgpu.GradientTape
    module.Variable = kerasgpu.Variable
    module.Tensor = kerasgpu.Tensor
    module.TensorShape = names.TensorShape
    module.DType = names.DType
    module.dtypes = names.namespace(DType=names.DType, as_dtype=names.DType, **names.DTYPES)
    module.as_dtype = names.DType
    module.is_tensor = lambda x: isinstance(x, kerasgpu.Tensor)
    module.function = lambda f=None, **kwargs: kerasgpu.jit(f) if f is not None else kerasgpu.jit
    module.data = importlib.import_module("tensorflow.data")
    module.TensorSpec = module.data.TensorSpec
    module.device = lambda name: kerasgpu.device(name.strip("/"))
    module.executing_eagerly = lambda: True
    module.newaxis = None
    module.random = names.namespace(**names.random_numbers(kerasgpu.utils.set_random_seed))
    for part in ("math", "linalg", "nn", "image"):
        setattr(module, part, _part(f"tensorflow.{part}", getattr(names, part)()))
    module.config = names.namespace(
        list_physical_devices=list_physical_devices,
        experimental=names.namespace(list_physical_devices=list_physical_devices, set_memory_growth=nothing),
        set_visible_devices=nothing,
        run_functions_eagerly=nothing,
        optimizer=names.namespace(set_jit=nothing),
    )
    module.test = names.namespace(
        is_gpu_available=lambda *a, **k: bool(list_physical_devices("GPU")), gpu_device_name=lambda: ""
    )
    module.get_logger = lambda: __import__("logging").getLogger("tensorflow")
    module.__getattr__ = _only_keras("tensorflow")


def _part(name, found):
    """A module of functions whose other names raise the hint."""
    module = types.ModuleType(name)
    vars(module).update(found)
    module.__getattr__ = _only_keras(name)
    return module


class _Keras(types.ModuleType):
    """The module `keras`: kerasgpu, with the version of Keras that it is compatible with."""

    __version__ = COMPATIBLE

    def __getattr__(self, name):
        return getattr(importlib.import_module("kerasgpu"), name)

    def __dir__(self):
        return dir(importlib.import_module("kerasgpu"))


def _fill_keras(module):
    kerasgpu = importlib.import_module("kerasgpu")
    module.__class__ = _Keras
    module.__doc__ = kerasgpu.__doc__
    module.__version__ = COMPATIBLE
    module.version = lambda: COMPATIBLE
    module.__all__ = sorted({*kerasgpu._NAMES, *kerasgpu._MODULES, "version"} - _OWN)


def install() -> None:
    """Make `import keras`, `tensorflow.keras` and `tf_keras` give kerasgpu from now on in this process.

    Call it before the modules that import them. `python -m kerasgpu run` and, in Jupyter, `%load_ext kerasgpu` do the same.
    """
    for name in [
        n
        for n in sys.modules
        if n in ("keras", "tensorflow", "tf_keras") or n.startswith(("keras.", "tensorflow.", "tf_keras."))
    ]:
        del sys.modules[name]
    if not any(isinstance(f, AliasFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
