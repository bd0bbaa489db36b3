"""A small convolutional network for digits: `python examples/mnist_convnet.py`. Above 99 % on MNIST's test set after 12 epochs.

Saves mnist_convnet.png: learning curve, the filters that the first layer has learned, and the digits that it gets wrong.
KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH make it shorter.
"""

import numpy as np
from at_hand import canvas, digits, draw_history

import kerasgpu as keras
from kerasgpu import layers

EPOCHS = 12

keras.utils.set_random_seed(1)
name, (x_train, y_train), (x_test, y_test) = digits()
x_train, x_test = (np.expand_dims(x.astype("float32") / 255, -1) for x in (x_train, x_test))

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu", name="first"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=128, epochs=EPOCHS, validation_split=0.1)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"{name}: {len(x_train)} training and {len(x_test)} test images")
print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}")

figure = canvas(12, 4.2)
left, middle, right = figure.subfigures(1, 3, width_ratios=[1, 0.8, 1.2])
draw_history(left.subplots(), history, "accuracy")
middle.suptitle("filters of the first layer")
filters = model.get_layer("first").kernel.numpy()[:, :, 0]
for cell, k in zip(middle.subplots(4, 8).flat, range(32)):
    cell.imshow(filters[:, :, k], cmap="RdBu", vmin=-0.5, vmax=0.5)
    cell.axis("off")
scores = model.predict(x_test, batch_size=256, verbose=0)
guesses = scores.argmax(-1)
y_test = y_test[: len(guesses)]  # all of them, unless KERAS_MAX_STEPS_PER_EPOCH cuts the pass short
# What it gets wrong, the surest mistakes first; then the least sure of the right ones.
sure = np.where(guesses == y_test, -scores.max(-1), scores.max(-1))
right.suptitle("test images: guess (truth)")
for cell, k in zip(right.subplots(3, 6).flat, np.argsort(-sure)):
    cell.imshow(x_test[k, :, :, 0], cmap="gray_r")
    cell.set_title(f"{guesses[k]} ({y_test[k]})", fontsize=10, color="tab:red" if guesses[k] != y_test[k] else "black")
    cell.axis("off")
figure.savefig("mnist_convnet.png", dpi=110)
print("picture: mnist_convnet.png")
