"""A convolutional autoencoder that removes noise from digits: `python examples/autoencoder.py`.

It sees noisy images and is asked for the clean ones (Vincent et al. 2008). Saves autoencoder.png: before and after.
"""

import numpy as np
from at_hand import canvas, digits

import kerasgpu as keras
from kerasgpu import layers

EPOCHS = 6
NOISE = 0.4

keras.utils.set_random_seed(1)
name, (x_train, _), (x_test, _) = digits()
x_train, x_test = (x.astype("float32")[..., None] / 255 for x in (x_train, x_test))


def with_noise(images, seed):
    noise = NOISE * keras.random.normal(images.shape, seed=seed)
    return keras.ops.clip(images + noise, 0.0, 1.0).numpy()


noisy_train, noisy_test = with_noise(x_train, 1), with_noise(x_test, 2)

inputs = keras.Input((28, 28, 1))
x = layers.Conv2D(32, 3, activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D(2, padding="same")(x)
x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
code = layers.MaxPooling2D(2, padding="same", name="code")(x)
x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(code)
x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
outputs = layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x)
autoencoder = keras.Model(inputs, outputs, name="autoencoder")
autoencoder.summary()

autoencoder.compile(optimizer="adam", loss="binary_crossentropy", metrics=["mean_squared_error"])
autoencoder.fit(noisy_train, x_train, batch_size=128, epochs=EPOCHS, validation_data=(noisy_test, x_test))

shown = 12
clean, noisy = x_test[:shown], noisy_test[:shown]
cleaned = autoencoder.predict(noisy, verbose=0)
before, after = (float(np.mean((x - clean) ** 2)) for x in (noisy, cleaned))
print(f"{name}: mean squared error of the first {shown} test images {before:.4f} with noise, {after:.4f} without")

figure = canvas(shown, 3.6)
rows = figure.subplots(3, shown)
for cells, images, label in zip(rows, (clean, noisy, cleaned), ("clean", "with noise", "cleaned")):
    for cell, image in zip(cells, images):
        cell.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
        cell.set(xticks=[], yticks=[])
    cells[0].set_ylabel(label, fontsize=13)
figure.savefig("autoencoder.png", dpi=100)
print("picture: autoencoder.png")
