"""What the programs call beside the library itself; imported by the scripts that a shrunk program prints."""

import numpy as np


def spread(model, seed=0):
    """Weights by shape alone, the same in both libraries: matrices of both signs, vectors positive (they may be variances)."""
    rng = np.random.default_rng(seed)
    weights = [
        rng.uniform(0.1, 0.6, w.shape) * (rng.choice([-1.0, 1.0], w.shape) if w.ndim > 1 else 1) for w in model.get_weights()
    ]
    model.set_weights(weights)


def batches(*arrays, size=4, forever=False):
    """A generator of tuples of slices; "forever" is 30 passes, so that a program whose `steps_per_epoch` was left out ends."""
    for _ in range(30 if forever else 1):
        for at in range(0, rows(arrays[0]), size):
            yield tuple(part(a, at, at + size) for a in arrays)


def dataset(keras, *arrays, size=4):
    """A PyDataset over slices."""

    class Slices(keras.utils.PyDataset):
        def __len__(self):
            return -(-rows(arrays[0]) // size)

        def __getitem__(self, index):
            return tuple(part(a, index * size, index * size + size) for a in arrays)

    return Slices()


def rows(data):
    if isinstance(data, dict):
        return rows(next(iter(data.values())))
    return rows(data[0]) if isinstance(data, (list, tuple)) and isinstance(data[0], np.ndarray) else len(data)


def part(data, start, stop):
    if isinstance(data, dict):
        return {k: part(v, start, stop) for k, v in data.items()}
    if isinstance(data, (list, tuple)) and isinstance(data[0], np.ndarray):
        return type(data)(part(v, start, stop) for v in data)
    return data[start:stop]


def subclassed(keras, units=3, outputs="array"):
    """A subclassed model of two layers, one of them called twice. outputs: "array", "dict" or "list"."""

    class Small(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(units, activation="tanh")
            self.again = keras.layers.Dense(units)
            self.last = [keras.layers.Dense(2), keras.layers.Dense(1)]

        def call(self, inputs, training=False):
            x = self.again(self.again(self.first(inputs)))
            if outputs == "array":
                return self.last[0](x)
            a, b = (layer(x) for layer in self.last)
            return {"a": a, "b": b} if outputs == "dict" else [a, b]

    return Small()
