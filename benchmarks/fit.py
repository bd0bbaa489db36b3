"""Times `fit` of one workload with any implementation of the Keras API; prints one JSON line.

python -m benchmarks.fit kerasgpu mlp
KERAS_BACKEND=jax python -m benchmarks.fit keras mlp     # in an environment with keras and jax

Data are random of MNIST's shapes, so that nothing is downloaded. The time is the fastest of three epochs, per step.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time

import numpy as np


def workload(keras, name):
    """(model, x, y, fit arguments)."""
    layers = keras.layers
    rng = np.random.default_rng(0)
    if name == "iris":
        x = rng.normal(size=(150, 4)).astype("float32")
        y = ((x[:, 0] > 0).astype("int32") + (x[:, 1] > 0.5)).astype("int32")
        stack = [keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]
        return "rmsprop", stack, x, y, dict(batch_size=32, epochs=300, validation_split=0.1)
    x, y = rng.random((60000, 784), "float32"), rng.integers(0, 10, 60000).astype("int32")
    if name == "mlp":
        stack = [
            keras.Input((784,)),
            layers.Rescaling(0.5),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
        return "adam", stack, x, y, dict(batch_size=32, epochs=3)
    hidden = [layer for _ in range(2) for layer in (layers.Dense(512, activation="relu"), layers.Dropout(0.2))]
    stack = [keras.Input((784,)), *hidden, layers.Dense(10, activation="softmax")]
    return "rmsprop", stack, x, y, dict(batch_size=128, epochs=3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="what to import as keras: kerasgpu or keras")
    parser.add_argument("workload", choices=["mlp", "mlp512", "iris"])
    args = parser.parse_args()
    keras = importlib.import_module(args.module)

    class Clock(keras.callbacks.Callback):
        seconds: list = []

        def on_epoch_begin(self, epoch, logs=None):
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.begin)

    optimizer, stack, x, y, arguments = workload(keras, args.workload)
    model = keras.Sequential(stack)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0, callbacks=[Clock()], **arguments)
    samples = len(x) * (1 - arguments.get("validation_split", 0))
    steps = int(np.ceil(samples / arguments["batch_size"]))
    print(
        json.dumps(
            {"module": args.module, "workload": args.workload, "us_per_step": round(min(Clock.seconds) / steps * 1e6, 2)}
        )
    )


if __name__ == "__main__":
    main()
