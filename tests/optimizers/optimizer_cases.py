"""Optimizers and arguments that several tests run through."""

import numpy as np

import kerasgpu as keras

CASES = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "beta": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Muon", {"learning_rate": 0.01}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01}),
]
IDS = [name + "".join(f",{k}={v}" for k, v in args.items() if k != "learning_rate") for name, args in CASES]
SHAPES = ((3, 5), (5,), (2, 3, 4), (), (70, 33))


def values(seed, dtype="float32", shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [keras.ops.convert_to_tensor(rng.normal(size=s), dtype=dtype) for s in shapes]


def make(name, args, dtype="float32", shapes=SHAPES):
    """A built optimizer and its variables."""
    optimizer = getattr(keras.optimizers, name)(**args)
    variables = [keras.Variable(v, name=f"w{k}") for k, v in enumerate(values(0, dtype, shapes))]
    optimizer.build(variables)
    return optimizer, variables


def state_of(optimizer, variables):
    return [v.numpy() for v in (*variables, *optimizer.variables)]
