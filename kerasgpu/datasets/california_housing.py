"""California housing: 20,640 block groups of the 1990 census (Pace & Barry 1997, StatLib)."""

from __future__ import annotations

from kerasgpu.datasets.arrays import fetch, read_npz, shuffled_split

_SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """((x_train, y_train), (x_test, y_test)): x (samples, 8), y the median house value in dollars.

    version: "large" (20,640 samples) or "small" (the first 600).
    """
    if version not in ("small", "large"):
        raise ValueError(f"Argument `version` must be one of 'small', 'large'. Received: version={version}")
    x, y = _read(fetch(path, _SHA256, check=_read))
    if version == "small":
        x, y = x[:600], y[:600]
    return shuffled_split(x, y, test_split, seed)


def _read(path):
    x, y = read_npz(path, ("x", "y"))
    if x.shape != (20640, 8) or y.shape != (20640,):
        raise ValueError(f"{path} does not hold the California housing data: shapes {x.shape}, {y.shape}")
    return x, y
