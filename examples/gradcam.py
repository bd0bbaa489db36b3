"""Where does a network look? Grad-CAM (Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391): `python examples/gradcam.py`.

Trains a small network on a folder of pictures for a few epochs, then weights the maps of its last convolution by the gradient of the
answer with respect to them, and lays the sum over the photographs. Saves gradcam.png. KERASGPU_EXAMPLE_PICTURES: see cats_vs_dogs.py.
"""

import numpy as np
from at_hand import canvas, pets

import kerasgpu as keras
from kerasgpu import layers, ops

EPOCHS = 15
SIZE = (64, 64)

keras.utils.set_random_seed(1)
train_ds, val_ds = keras.utils.image_dataset_from_directory(
    pets(), validation_split=0.2, subset="both", seed=7, image_size=SIZE, batch_size=32, label_mode="binary"
)

inputs = keras.Input((*SIZE, 3))
x = layers.RandomFlip("horizontal")(inputs)
x = layers.RandomTranslation(0.1, 0.1)(x)
x = layers.Rescaling(1 / 127.5, -1)(x)
for width in (32, 64, 96):
    x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(128, 3, padding="same", activation="relu", name="last_maps")(x)
x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
model = keras.Model(inputs, layers.Dense(1)(x))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
)
model.fit(train_ds, epochs=EPOCHS, validation_data=val_ds)

with_maps = keras.Model(inputs, [model.get_layer("last_maps").output, model.output])


def heat_map(picture):
    """(heat from 0 to 1 in the size of the picture, score): what speaks for the class that the model has chosen."""
    with keras.GradientTape() as tape:
        maps, answer = with_maps(picture[None], training=False)
        # The sign of the answer is the class: its size is what the maps must explain.
        strength = ops.sum(ops.abs(answer))
    gradients = tape.gradient(strength, maps)
    weights = ops.mean(gradients, axis=(1, 2), keepdims=True)
    heat = ops.relu(ops.sum(maps * weights, axis=-1))[0]
    heat = ops.image.resize(heat[..., None], SIZE, interpolation="bicubic")[..., 0]
    heat = ops.maximum(heat, 0.0)
    return (heat / (ops.max(heat) + 1e-7)).numpy(), float(ops.sigmoid(answer)[0, 0])


# The pictures of either class that the model is surest about.
pictures, labels = (np.concatenate(parts) for parts in zip(*val_ds.take(12).as_numpy_iterator()))
scores = model.predict(pictures, verbose=0)[:, 0]
order = np.argsort(scores[: len(pictures)])
chosen = [*order[:4], *order[-4:]]

figure = canvas(1.9 * len(chosen), 4.1)
for top, bottom, k in zip(*figure.subplots(2, len(chosen)), chosen):
    heat, score = heat_map(pictures[k])
    guess, truth = int(score > 0.5), int(labels[k, 0])
    top.imshow(pictures[k].astype("uint8"), interpolation="bicubic")
    top.set_title(val_ds.class_names[truth], fontsize=12)
    bottom.imshow(pictures[k].astype("uint8"), interpolation="bicubic")
    bottom.imshow(heat, cmap="jet", alpha=np.clip(0.15 + 0.5 * heat, 0, 0.65), interpolation="bicubic")
    sure = 100 * max(score, 1 - score)
    bottom.set_title(f"{val_ds.class_names[guess]} {sure:.0f} %", fontsize=12, color="black" if guess == truth else "tab:red")
    top.axis("off")
    bottom.axis("off")
figure.savefig("gradcam.png", dpi=110)
print("picture: gradcam.png")
