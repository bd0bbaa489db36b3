"""Loads model files with random changes. `python -m tests.fuzz.model_files SEED SECONDS FOLDER`

Loading ends in a model or in a ValueError or TypeError with a sentence. The process that runs this is given a limit of time; the
input that it was at lies in FOLDER.
"""

import json
import pathlib
import sys
import time
import warnings

import numpy as np

import kerasgpu as keras
from tests.saving import hostile

VALUES = (None, 0, -1, 1.5, 2**31, 2**40, 1e308, True, "", "x", "../x", [], [[]], {}, [None], {"class_name": 3, "config": {}})
BYTES = (0, 1, 2, 8, 127, 128, 255)


def flipped(rng, data) -> bytes:
    bad = bytearray(data)
    for at in rng.integers(0, len(bad), rng.integers(1, 6)):
        bad[at] = rng.choice(BYTES) if rng.random() < 0.7 else rng.integers(256)
    return bytes(bad)


def places(tree):
    """(container, key) of everything in plain data."""
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def mutated(rng, text) -> bytes:
    config = json.loads(text)
    for _ in range(rng.integers(1, 3)):
        found = list(places(config))
        if not found:
            break
        holder, key = found[rng.integers(len(found))]
        kind = rng.random()
        if kind < 0.15 and isinstance(holder, dict):
            del holder[key]
        elif kind < 0.3:
            other, there = found[rng.integers(len(found))]
            holder[key] = json.loads(json.dumps(other[there]))
        else:
            holder[key] = VALUES[rng.integers(len(VALUES))]
    return json.dumps(config).encode()


def main(seed, seconds, folder):
    warnings.simplefilter("ignore")
    rng, folder = np.random.default_rng(seed), pathlib.Path(folder)
    members = hostile.parts()
    hostile.model().save(folder / "original.h5")
    legacy = (folder / "original.h5").read_bytes()
    end, count, loaded = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        kind = rng.integers(3)
        path = folder / ("now.h5" if kind == 0 else "now.keras")
        if kind == 0:
            path.write_bytes(flipped(rng, legacy))
        else:
            name, change = ("model.weights.h5", flipped) if kind == 1 else ("config.json", mutated)
            hostile.pack({**members, name: change(rng, members[name])}, path)
        try:
            keras.saving.load_model(path)
            loaded += 1
        except (ValueError, TypeError, NotImplementedError) as error:
            assert str(error)
        count += 1
        keras.utils.clear_session() if count % 200 == 0 else None
    print(f"{count} files, {loaded} of them loaded")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
