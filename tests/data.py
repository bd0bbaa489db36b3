"""Real data for tests: a cache folder with MNIST and California housing, or stand-ins made from scikit-learn's digits."""

import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
# Checkouts may have a folder of real data beside them; the tests use it when it is there.
REAL = [Path(p) for p in (os.environ.get("KERASGPU_TEST_DATA", ""), ROOT.parent / "shared" / "data") if p]


def real_file(name):
    return next((folder / name for folder in REAL if (folder / name).is_file()), None)


def fill_cache(home: Path) -> Path:
    """Put mnist.npz and california_housing.npz under home/datasets; returns home."""
    folder = home / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (("mnist.npz", _digits_as_mnist), ("california_housing.npz", _made_up_housing)):
        target = folder / name
        if target.exists():
            continue
        found = real_file(name)
        if found:
            target.symlink_to(found.resolve())
        else:
            make(target)
    return home


def _digits_as_mnist(path):
    """scikit-learn's real 8x8 digits, enlarged and repeated to MNIST's shapes."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.zeros((len(digits.images), 28, 28), "uint8")
    images[:, 2:26, 2:26] = np.kron(digits.images, np.ones((1, 3, 3))) * (255 / 16)
    labels = digits.target.astype("uint8")
    order = np.random.RandomState(0).permutation(len(images))
    train, test = order[:1500], order[1500:]
    pick = lambda rows, n: np.resize(rows, n)
    np.savez(
        path,
        x_train=images[pick(train, 60000)],
        y_train=labels[pick(train, 60000)],
        x_test=images[pick(test, 10000)],
        y_test=labels[pick(test, 10000)],
    )


def _made_up_housing(path):
    """Numbers in the shape of the California data, with a relation that can be learned."""
    rng = np.random.RandomState(0)
    x = rng.gamma(2.0, 2.0, (20640, 8)).astype("float32")
    y = (1e5 + 3e4 * x[:, 0] - 1e4 * x[:, 1] + 1e4 * rng.normal(size=20640)).clip(15e3, 5e5).astype("float32")
    np.savez(path, x=x, y=y)


def real_folder(name):
    return next((folder / name for folder in REAL if (folder / name).is_dir()), None)


def fill_pictures(folder: Path, names, count: int) -> Path:
    """A folder with `count` JPEG pictures in each of two subfolders: cats and dogs, or pieces of scikit-learn's two photographs."""
    found = real_folder("cats_vs_dogs")
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        if found:
            for path in sorted((found / "train" / ("cat", "dog")[k]).iterdir())[:count]:
                (folder / name / path.name).symlink_to(path.resolve())
            continue
        from PIL import Image
        from sklearn.datasets import load_sample_images

        photograph = load_sample_images().images[k]
        for piece in range(count):
            y, x = divmod(piece, 12)
            Image.fromarray(photograph[30 * y : 30 * y + 48, 48 * x : 48 * x + 48]).save(folder / name / f"{piece:04d}.jpg")
    return folder
