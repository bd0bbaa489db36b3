"""Data for the examples: from the Keras cache, else downloaded, else a small real data set that scikit-learn brings along."""

import os
from pathlib import Path

import numpy as np

import kerasgpu as keras

PETS = "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip"


def digits():
    """(name, (x_train, y_train), (x_test, y_test)): MNIST as uint8 (n, 28, 28), or scikit-learn's 8x8 digits enlarged to that."""
    try:
        return "MNIST", *keras.datasets.mnist.load_data()
    except (OSError, ValueError) as error:
        say("MNIST", error, "scikit-learn's 1,797 digits instead")
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.zeros((len(found.images), 28, 28), "uint8")
    images[:, 2:26, 2:26] = np.kron(found.images, np.ones((3, 3))) * (255 / 16)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:-360], order[-360:]
    labels = found.target.astype("uint8")
    return "digits", (images[train], labels[train]), (images[test], labels[test])


def pets():
    """A folder with one subfolder of pictures for each class: KERASGPU_EXAMPLE_PICTURES, else Kaggle's cats and dogs (800 MB)."""
    given = os.environ.get("KERASGPU_EXAMPLE_PICTURES")
    if given:
        return Path(given)
    try:
        folder = Path(keras.utils.get_file("kagglecatsanddogs_5340.zip", PETS, extract=True)) / "PetImages"
        for path in folder.rglob("*.jpg"):  # a few files of the archive are no JPEG pictures
            with open(path, "rb") as file:
                good = b"JFIF" in file.read(10)
            if not good:
                path.unlink()
        return folder
    except (OSError, ValueError) as error:
        say("The pictures of cats and dogs", error, "pieces of scikit-learn's two photographs instead")
    return photograph_pieces(Path("photograph_pieces"))


def photograph_pieces(folder, side=48):
    """A folder with pieces of a photograph of a temple and of one of a flower: two classes that can be told apart."""
    from sklearn.datasets import load_sample_images

    for name, photograph in zip(("temple", "flower"), load_sample_images().images):
        (folder / name).mkdir(parents=True, exist_ok=True)
        height, width, _ = photograph.shape
        corners = [(y, x) for y in range(0, height - side, side // 2) for x in range(0, width - side, side // 2)]
        for k, (y, x) in enumerate(corners):
            piece = photograph[y : y + side, x : x + side]
            keras.utils.save_img(folder / name / f"{k:04d}.jpg", piece, scale=False)
    return folder


def say(what, error, instead):
    reason = str(error).splitlines()[0][:100]
    print(f"{what}: not in the cache and not to be downloaded ({reason}). Using {instead}.")


def canvas(width, height):
    """A matplotlib figure that needs no display, `width` by `height` inches."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained")


def draw_history(axes, history, metric):
    """Training and validation values of a metric over the epochs."""
    for name, label, marker in ((metric, "training", "o"), (f"val_{metric}", "validation", "s")):
        if name in history.history:
            values = history.history[name]
            axes.plot(range(1, len(values) + 1), values, marker=marker, markersize=4, label=label)
    axes.set(xlabel="epoch", title=metric.replace("_", " "))
    axes.grid(alpha=0.3)
    axes.legend()
