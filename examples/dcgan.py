"""Digits from noise, by two networks that play against each other (Radford et al. 2015, https://arxiv.org/abs/1511.06434).

`python examples/dcgan.py` trains with a custom train_step and saves dcgan.png: how the same noise becomes digits over the epochs.
"""

import numpy as np
from at_hand import canvas, digits

import kerasgpu as keras
from kerasgpu import layers, ops

EPOCHS = 8
NOISE = 64

keras.utils.set_random_seed(1)
name, (x_train, _), (x_test, _) = digits()
images = np.concatenate([x_train, x_test]).astype("float32")[..., None] / 127.5 - 1

discriminator = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2D(64, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(1),
    ],
    name="discriminator",
)
generator = keras.Sequential(
    [
        keras.Input((NOISE,)),
        layers.Dense(7 * 7 * 64, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(32, 4, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
    ],
    name="generator",
)


class GAN(keras.Model):
    def __init__(self, discriminator, generator):
        super().__init__()
        self.discriminator, self.generator = discriminator, generator
        self.seeds = keras.random.SeedGenerator(1)
        self.d_loss, self.g_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def train_step(self, real):
        n = ops.shape(real)[0]
        with keras.GradientTape() as tape:
            fake = self.generator(keras.random.normal((n, NOISE), seed=self.seeds), training=True)
            answers = self.discriminator(ops.concatenate([real, fake]), training=True)
            # Reals are called 0.9 rather than 1, so that the discriminator does not become too sure of itself.
            truth = ops.concatenate([0.9 * ops.ones((n, 1)), ops.zeros((n, 1))])
            d_loss = self.loss_fn(truth, answers)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights))
        with keras.GradientTape() as tape:
            fake = self.generator(keras.random.normal((n, NOISE), seed=self.seeds), training=True)
            g_loss = self.loss_fn(ops.ones((n, 1)), self.discriminator(fake, training=True))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {m.name: m.result() for m in self.metrics}


class Gallery(keras.callbacks.Callback):
    """Keeps what the generator makes of the same noise after each epoch."""

    def __init__(self, count):
        super().__init__()
        self.noise = keras.random.normal((count, NOISE), seed=7)
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(self.model.generator(self.noise, training=False).numpy()[..., 0])


gan = GAN(discriminator, generator)
gan.compile(keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5))
gallery = Gallery(16)
dataset = keras.data.Dataset.from_tensor_slices(images).shuffle(len(images)).batch(64, drop_remainder=True)
history = gan.fit(dataset.prefetch(2), epochs=EPOCHS, callbacks=[gallery])

figure = canvas(14, 0.9 * len(gallery.rows) + 0.4)
figure.suptitle(f"{name}: one row after each epoch, one column for each noise")
for cells, row in zip(np.atleast_2d(figure.subplots(len(gallery.rows), 16)), gallery.rows):
    for cell, image in zip(cells, row):
        cell.imshow(image, cmap="gray", vmin=-1, vmax=1)
        cell.axis("off")
figure.savefig("dcgan.png", dpi=100)
generator.save("dcgan_generator.keras")
print("picture: dcgan.png; model: dcgan_generator.keras")
