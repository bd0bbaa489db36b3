"""keras.distribution: the devices of this machine. Training on several of them at once is not there yet."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.engine import device

__all__ = ["distribution", "get_device_count", "list_devices"]


def get_device_count(device_type=None) -> int:
    """Number of devices of a type, "cpu" or "gpu"; of GPUs, or else CPUs, for None.

    >>> import kerasgpu as keras
    >>> keras.distribution.get_device_count("cpu")
    1
    """
    return len(list_devices(device_type))


def list_devices(device_type=None) -> list[str]:
    """Names of the devices of a type, "cpu" or "gpu", as `keras.device` takes them; of the GPUs, or else the CPU, for None.

    >>> import kerasgpu as keras
    >>> keras.distribution.list_devices("cpu")
    ['cpu:0']
    """
    kind = None if device_type is None else str(device_type).lower()
    if kind not in (None, "cpu", "gpu"):
        raise ValueError(f"`device_type` must be 'cpu', 'gpu' or None. Received: device_type={device_type}")
    gpus = [] if kind == "cpu" else [f"gpu:{k}" for k in range(device.gpu_count()[0])]
    return gpus if kind == "gpu" or gpus else ["cpu:0"]


def distribution():
    """The distribution strategy in use: always None, since there is one device at a time."""
    return None


_ONE = "a model trains on one device; choose it with keras.device('gpu:0') or KERASGPU_DEVICE"

__getattr__ = missing.names(
    __name__,
    {
        name: _ONE
        for name in (
            "DataParallel",
            "DeviceMesh",
            "LayoutMap",
            "ModelParallel",
            "TensorLayout",
            "distribute_tensor",
            "initialize",
            "set_distribution",
        )
    },
)
