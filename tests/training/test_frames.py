"""How deep a step goes: a reader, a debugger and a profiler walk through every frame between `fit` and a kernel."""

import sys

import numpy as np

import kerasgpu as keras
from kerasgpu.kernels import launch

MOST = 18  # frames from `fit` to `launch`, both counted


def test_the_first_product_is_at_most_18_frames_below_fit(monkeypatch):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=True)
    x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
    model.fit(x, y, verbose=0)  # builds; from here on a step takes the usual way
    kernel_id, stacks = launch.kernel_id, []

    def note(name):
        """Called by `launch`: write down the frames above it, up to this test."""
        frame, names = sys._getframe(1), []
        while frame.f_code.co_filename != __file__:
            names.append(f"{frame.f_code.co_filename}: {frame.f_code.co_name}")
            frame = frame.f_back
        stacks.append((name, names[::-1]))
        return kernel_id(name)

    monkeypatch.setattr(launch, "kernel_id", note)
    model.fit(x, y, verbose=0)
    forward = next(names for kernel, names in stacks if kernel == "gemm")
    assert forward[0].endswith("trainer.py: fit") and forward[-1].endswith("launch.py: launch")
    assert len(forward) <= MOST, "\n".join(forward)
    assert max(len(names) for _, names in stacks) <= MOST + 2  # the activation is called by the layer's call
