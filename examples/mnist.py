"""Train a digit classifier: `python examples/mnist.py`.

Uses MNIST from the cache (KERAS_HOME/datasets/mnist.npz, by default ~/.keras/datasets/mnist.npz), else downloads it, else, without
a network, trains on scikit-learn's real handwritten digits. Saves the model, loads it again, and draws the learning curve with some
predictions. KERASGPU_EXAMPLE_EPOCHS sets the number of epochs (5).
"""

import os
import time

import numpy as np

import kerasgpu as keras
from kerasgpu import layers

EPOCHS = int(os.environ.get("KERASGPU_EXAMPLE_EPOCHS", "5"))


def load_data():
    """(name, training images and labels, test images and labels); images are uint8."""
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        return "MNIST", x_train, y_train, x_test, y_test
    except Exception as error:
        reason = str(error).splitlines()[0]
        print(f"MNIST is not in the cache and cannot be downloaded ({reason}): training on scikit-learn's 8x8 digits instead.")
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = (digits.images * (255 / 16)).astype("uint8")
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], digits.target[order]
    return "digits", x[:-360], y[:-360], x[-360:], y[-360:]


def build_model(image_shape):
    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Rescaling(1 / 255),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digit_classifier",
    )


def draw(history, images, labels, predictions, path):
    """The learning curve beside some test images with what the model says of them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
    axes = left.subplots()
    epochs = np.arange(1, len(history.history["accuracy"]) + 1)
    axes.plot(epochs, history.history["accuracy"], marker="o", label="training")
    axes.plot(epochs, history.history["val_accuracy"], marker="s", label="validation")
    axes.set(xlabel="epoch", ylabel="accuracy", title="Learning curve", xticks=epochs)
    axes.grid(alpha=0.3)
    axes.legend()
    # The first test images, and a few of the mistakes, which are the interesting ones.
    guesses = predictions.argmax(-1)
    good = guesses == labels
    wrong = np.flatnonzero(~good)[:6]
    shown = [*np.flatnonzero(good)[: 24 - len(wrong)], *wrong]
    right.suptitle("Test images and predictions; in red mistakes and what it is")
    for cell, k in zip(right.subplots(3, 8).flat, shown):
        cell.imshow(images[k], cmap="gray_r")
        cell.set_title(
            f"{guesses[k]}" if good[k] else f"{guesses[k]}, is {labels[k]}",
            color="black" if good[k] else "tab:red",
            fontsize=11,
        )
        cell.axis("off")
    figure.savefig(path, dpi=110)


def main():
    keras.utils.set_random_seed(1)
    name, x_train, y_train, x_test, y_test = load_data()
    x_train, x_test = x_train.astype("float32"), x_test.astype("float32")
    model = build_model(x_train.shape[1:])
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    begin = time.perf_counter()
    history = model.fit(x_train, y_train, batch_size=32, epochs=EPOCHS, validation_data=(x_test, y_test))
    seconds = time.perf_counter() - begin
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

    model.save("mnist.keras")
    again = keras.models.load_model("mnist.keras")
    predictions = again.predict(x_test, verbose=0)
    same = bool(np.array_equal(predictions, model.predict(x_test, verbose=0)))
    draw(history, x_test, y_test, predictions, "mnist_results.png")

    print(f"\ndata            {name}: {len(x_train)} training and {len(x_test)} test images")
    print(f"device          {model.layers[-1].kernel.device}")
    print(f"test loss       {loss:.4f}")
    print(f"test accuracy   {accuracy:.4f}")
    print(f"speed           {EPOCHS * len(x_train) / seconds:,.0f} examples per second, validation included")
    print(f"saved           mnist.keras (loaded again: {'the same predictions' if same else 'DIFFERENT predictions'})")
    print("picture         mnist_results.png")


if __name__ == "__main__":
    main()
