"""Times `fit` of one workload with any implementation of the Keras API; prints one JSON line.

python -m benchmarks.fit kerasgpu mlp
KERAS_BACKEND=jax python -m benchmarks.fit keras mlp     # in an environment with keras and jax
python -m benchmarks.fit kerasgpu mlp --device gpu --batch-size 128 --steps-per-execution 32

Data are random, so that nothing is downloaded. The time is the fastest of three epochs, per step; an epoch ends when its metrics are on
the host, so all work of a GPU is in it. With --json the line is also added to a file, with the device, its driver and the command.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time

import numpy as np


def residual(keras, inputs):
    """Six blocks of two 3x3 convolutions in three stages, with batch normalization."""
    layers = keras.layers

    def normal(x):
        return layers.BatchNormalization()(x)

    def conv(x, filters, size, strides=1):
        return layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)

    x = layers.ReLU()(normal(conv(inputs, 16, 3)))
    for filters, strides in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        short = x if x.shape[-1] == filters else conv(x, filters, 1, strides)
        y = layers.ReLU()(normal(conv(x, filters, 3, strides)))
        x = layers.ReLU()(layers.Add()([normal(conv(y, filters, 3)), short]))
    return layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))


def separable(keras, inputs):
    """Two residual blocks of separable convolutions, as in Chollet 2017, "Xception"."""
    layers = keras.layers
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(64, 3, strides=2, padding="same")(inputs)))
    for filters in (128, 256):
        short = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
        for _ in range(2):
            x = layers.SeparableConv2D(filters, 3, padding="same")(layers.Activation("relu")(x))
            x = layers.BatchNormalization()(x)
        x = layers.add([layers.MaxPooling2D(3, strides=2, padding="same")(x), short])
    return layers.Dense(2, activation="softmax")(layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x)))


def workload(keras, name):
    """(optimizer, layers or a model, x, y, fit arguments)."""
    layers = keras.layers
    if name in ("convnet", "resnet", "xception"):
        shape, samples, batch, classes = {
            "convnet": ((28, 28, 1), 12800, 128, 10),
            "resnet": ((32, 32, 3), 1280, 64, 10),
            "xception": ((64, 64, 3), 256, 32, 2),
        }[name]
        rng = np.random.default_rng(0)
        x, y = rng.random((samples, *shape), "float32"), rng.integers(0, classes, samples).astype("int32")
        inputs = keras.Input(shape)
        if name == "convnet":
            h = inputs
            for filters in (32, 64):
                h = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, activation="relu")(h))
            outputs = layers.Dense(10, activation="softmax")(layers.Dropout(0.5)(layers.Flatten()(h)))
        else:
            outputs = (residual if name == "resnet" else separable)(keras, inputs)
        return "adam", keras.Model(inputs, outputs), x, y, dict(batch_size=batch, epochs=3)
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


def choose(device):
    """Tell each library through its environment where to compute, before it is imported."""
    if device is None:
        return
    os.environ["KERASGPU_DEVICE"] = device
    os.environ["JAX_PLATFORMS"] = {"cpu": "cpu", "gpu": "cuda"}[device]
    os.environ["KERAS_TORCH_DEVICE"] = {"cpu": "cpu", "gpu": "cuda"}[device]
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def about_the_machine(module):
    """The GPU and its driver, as NVIDIA's tool says, or the processor; and the library."""
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        gpu = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        gpu = "none"
    backend = os.environ.get("KERAS_BACKEND") if module.__name__ == "keras" else None
    return {"gpu": gpu, "machine": platform.machine(), "version": module.__version__, "backend": backend}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="what to import as keras: kerasgpu or keras")
    parser.add_argument("workload", choices=["mlp", "mlp512", "iris", "convnet", "resnet", "xception"])
    parser.add_argument("--device", choices=["cpu", "gpu"], help="default: what the library chooses")
    parser.add_argument("--batch-size", type=int, help="instead of the workload's own")
    parser.add_argument("--steps-per-execution", type=int, default=1)
    parser.add_argument("--samples", type=int, help="only so many of the workload's samples")
    parser.add_argument("--policy", default="float32", help="dtype policy: float32, mixed_float16, mixed_bfloat16")
    parser.add_argument("--json", help="a file to which the line is added")
    args = parser.parse_args(arguments)
    choose(args.device)
    keras = importlib.import_module(args.module)
    keras.config.set_dtype_policy(args.policy)

    class Clock(keras.callbacks.Callback):
        seconds: list = []

        def on_epoch_begin(self, epoch, logs=None):
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.begin)

    optimizer, stack, x, y, options = workload(keras, args.workload)
    x, y = x[: args.samples], y[: args.samples]
    options["batch_size"] = args.batch_size or options["batch_size"]
    model = keras.Sequential(stack) if isinstance(stack, list) else stack
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=args.steps_per_execution,
    )
    model.fit(x, y, verbose=0, callbacks=[Clock()], **options)
    samples = len(x) * (1 - options.get("validation_split", 0))
    steps = int(np.ceil(samples / options["batch_size"]))
    row = {"module": args.module, "workload": args.workload, "us_per_step": round(min(Clock.seconds) / steps * 1e6, 2)}
    if args.json:
        settings = {"batch_size": options["batch_size"], "steps_per_execution": args.steps_per_execution, "policy": args.policy}
        about = {**settings, "device": args.device, **about_the_machine(keras), "command": " ".join(sys.argv)}
        with open(args.json, "a") as f:
            f.write(json.dumps({**row, **about}) + "\n")
    print(json.dumps(row))


if __name__ == "__main__":
    main()
