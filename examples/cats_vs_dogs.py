"""Image classification from scratch, from files to a prediction: `python examples/cats_vs_dogs.py`.

A folder of pictures becomes a data set that is decoded and augmented by threads while a residual network of separable convolutions
(Chollet 2017, "Xception") trains on it. Saves the best model, model.png with its layers, and cats_vs_dogs.png.
KERASGPU_EXAMPLE_PICTURES names a folder of your own, with one subfolder for each class.
"""

from pathlib import Path

import numpy as np
from at_hand import canvas, draw_history, pets

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.data import AUTOTUNE

EPOCHS = 15
BATCH = 32

keras.utils.set_random_seed(1)
folder = pets()
first = keras.utils.load_img(next(p for p in sorted(folder.rglob("*")) if p.suffix in (".jpg", ".png")))
size = (180, 180) if min(first.size) >= 100 else (48, 48)
train_ds, val_ds = keras.utils.image_dataset_from_directory(
    folder, validation_split=0.2, subset="both", seed=1337, image_size=size, batch_size=BATCH, label_mode="binary"
)
names = train_ds.class_names

augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
augmented = train_ds.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=AUTOTUNE).prefetch(AUTOTUNE)


def make_model(widths=(64, 128, 256)):
    inputs = keras.Input((*size, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(32, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Activation("relu")(x)
    for width in widths:
        shortcut = layers.Conv2D(width, 1, strides=2, padding="same")(x)
        for _ in range(2):
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(width, 3, padding="same")(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.add([x, shortcut])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.25)(x)
    return keras.Model(inputs, layers.Dense(1)(x), name="little_xception")


model = make_model()
keras.utils.plot_model(model, "model.png", show_shapes=True, show_layer_names=True, dpi=80)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
)
callbacks = [
    keras.callbacks.ModelCheckpoint("cats_vs_dogs.keras", monitor="val_accuracy", save_best_only=True),
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=3, factor=0.3),
]
history = model.fit(augmented, epochs=EPOCHS, validation_data=val_ds, callbacks=callbacks)

best = keras.models.load_model("cats_vs_dogs.keras")
loss, accuracy = best.evaluate(val_ds, verbose=0)
print(f"best model, loaded again: validation accuracy {accuracy:.4f}")

path = Path(val_ds.file_paths[0])
picture = keras.utils.img_to_array(keras.utils.load_img(path, target_size=size))
score = float(keras.ops.sigmoid(best.predict(picture[None], verbose=0)[0, 0]))
print(f"{path.parent.name}/{path.name} is {100 * (1 - score):.1f} % {names[0]} and {100 * score:.1f} % {names[1]}")

figure = canvas(13, 4.6)
left, middle, right = figure.subfigures(1, 3, width_ratios=[1, 0.9, 1.3])
draw_history(left.subplots(), history, "accuracy")
middle.suptitle("one picture, augmented")
one = next(iter(train_ds))[0][:1]
for cell in middle.subplots(3, 3).flat:
    cell.imshow(np.array(augment(one, training=True)[0]).clip(0, 255).astype("uint8"))
    cell.axis("off")
right.suptitle("validation pictures and what the model says")
images, labels = next(iter(val_ds))
scores = keras.ops.sigmoid(best(images, training=False)).numpy()[:, 0]
for cell, image, label, score in zip(right.subplots(3, 6).flat, images.numpy(), labels.numpy()[:, 0], scores):
    cell.imshow(image.astype("uint8"))
    cell.axis("off")
    guess = int(score > 0.5)
    sure = 100 * max(score, 1 - score)
    cell.set_title(f"{names[guess]} {sure:.0f} %", fontsize=9, color="black" if guess == label else "tab:red")
figure.savefig("cats_vs_dogs.png", dpi=110)
print("pictures: cats_vs_dogs.png, model.png")
