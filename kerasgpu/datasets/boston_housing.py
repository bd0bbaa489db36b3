"""Boston housing (Harrison & Rubinfeld 1978). One of its columns rests on a racist premise; prefer california_housing."""

from __future__ import annotations

from kerasgpu.datasets.arrays import fetch, read_npz, shuffled_split

_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """((x_train, y_train), (x_test, y_test)): x (samples, 13), y the median house value in 1000 dollars."""
    x, y = read_npz(fetch(path, _SHA256), ("x", "y"))
    return shuffled_split(x, y, test_split, seed)
