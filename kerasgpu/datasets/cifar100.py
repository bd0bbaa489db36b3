"""CIFAR-100: 60,000 colour pictures of 100 classes in 20 groups."""

from __future__ import annotations

import os

from kerasgpu.datasets.cifar import assemble
from kerasgpu.utils.files import get_file

_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode="fine"):
    """((x_train, y_train), (x_test, y_test)); label_mode "fine" (100 classes) or "coarse" (20 groups)."""
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.')
    origin = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    path = get_file("cifar-100-python-target", origin=origin, extract=True, file_hash=_SHA256)
    return assemble(os.path.join(path, "cifar-100-python"), ["train"], "test", f"{label_mode}_labels")
