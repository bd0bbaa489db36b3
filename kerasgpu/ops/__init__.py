"""keras.ops: operations on tensors; on KerasTensors they build the graph of a functional model. One package per family."""

from kerasgpu import missing
from kerasgpu.config import installed
from kerasgpu.ops import image, linalg, nn, numpy  # noqa: F401
from kerasgpu.ops.core import *  # noqa: F403
from kerasgpu.ops.einops import rearrange  # noqa: F401
from kerasgpu.ops.linalg import *  # noqa: F403
from kerasgpu.ops.math import *  # noqa: F403
from kerasgpu.ops.nn import *  # noqa: F403
from kerasgpu.ops.numpy import *  # noqa: F403

__getattr__ = missing.names(__name__, {})

installed.ops.install(globals())
