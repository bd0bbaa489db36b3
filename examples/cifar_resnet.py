"""A residual network for small pictures (He et al. 2015, https://arxiv.org/abs/1512.03385, section 4.2): `python examples/cifar_resnet.py`.

CIFAR-10 where it is in the cache or can be downloaded; else digits, in one colour. Pictures are shifted and mirrored by the data
pipeline, the learning rate falls along a cosine. Saves cifar_resnet.png: learning curve, confusion matrix, pictures with guesses.
"""

import numpy as np
from at_hand import canvas, digits, draw_history, say

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.data import AUTOTUNE, Dataset

EPOCHS = 12
BATCH = 64
BLOCKS = 2  # per stage; 6 * BLOCKS + 2 layers

keras.utils.set_random_seed(1)
try:
    (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    names = "plane car bird cat deer dog frog horse ship truck".split()
    mirror = True
except (OSError, ValueError) as error:
    say("CIFAR-10", error, "digits in 32 by 32 pixels instead")
    _, (x_train, y_train), (x_test, y_test) = digits()
    x_train, x_test = (np.pad(x, ((0, 0), (2, 2), (2, 2)))[..., None] for x in (x_train, x_test))
    names, mirror = [str(k) for k in range(10)], False
y_train, y_test = y_train.reshape(-1), y_test.reshape(-1)
mean, deviation = x_train.mean(), x_train.std()

shift = layers.RandomTranslation(0.125, 0.125, fill_mode="constant")
flip = layers.RandomFlip("horizontal")


def augment(x, y):
    x = shift(keras.ops.cast(x, "float32"), training=True)
    return (flip(x, training=True) if mirror else x), y


train_ds = Dataset.from_tensor_slices((x_train, y_train)).shuffle(len(x_train)).batch(BATCH)
train_ds = train_ds.map(augment, num_parallel_calls=AUTOTUNE).prefetch(AUTOTUNE)


def block(x, width, strides):
    y = layers.Conv2D(width, 3, strides, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(width, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if strides != 1:
        x = layers.Conv2D(width, 1, strides, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.add([x, y]))


inputs = keras.Input(x_train.shape[1:])
x = layers.Rescaling(1 / deviation, -mean / deviation)(inputs)
x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x)))
for stage, width in enumerate((16, 32, 64)):
    for k in range(BLOCKS):
        x = block(x, width, 2 if stage and k == 0 else 1)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(10)(x), name=f"resnet_{6 * BLOCKS + 2}")

rate = keras.optimizers.schedules.CosineDecay(0.1, EPOCHS * len(train_ds))
model.compile(
    keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=1e-4),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
print(f"{model.name}: {model.count_params():,} parameters, {len(x_train)} pictures")
history = model.fit(train_ds, epochs=EPOCHS, validation_data=(x_test, y_test))

guesses = model.predict(x_test, batch_size=256, verbose=0).argmax(-1)
y_test = y_test[: len(guesses)]  # all of them, unless KERAS_MAX_STEPS_PER_EPOCH cuts the pass short
print(f"test accuracy {np.mean(guesses == y_test):.4f}")

figure = canvas(13, 4.4)
left, middle, right = figure.subfigures(1, 3, width_ratios=[1, 1, 1.2])
draw_history(left.subplots(), history, "accuracy")
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (y_test, guesses), 1)
axes = middle.subplots()
axes.imshow(confusion / confusion.sum(1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
axes.set(xticks=range(10), yticks=range(10), yticklabels=names, xlabel="guess", ylabel="truth", title="confusion")
axes.set_xticklabels(names, rotation=60)
for k in range(100):
    share = confusion[k // 10, k % 10] / max(1, confusion[k // 10].sum())
    if share >= 0.01:
        axes.text(
            k % 10,
            k // 10,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if share > 0.5 else "black",
        )
right.suptitle("test pictures and guesses")
for cell, picture, truth, guess in zip(right.subplots(4, 7).flat, x_test, y_test, guesses):
    cell.imshow(picture, cmap="gray_r")
    cell.set_title(names[guess], fontsize=9, color="black" if guess == truth else "tab:red")
    cell.axis("off")
figure.savefig("cifar_resnet.png", dpi=110)
print("picture: cifar_resnet.png")
