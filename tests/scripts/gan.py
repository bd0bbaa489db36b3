"""Two models trained against each other, a model with two inputs and two outputs, a layer shared by two branches."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

tf.random.set_seed(0)
rng = np.random.RandomState(0)
real = rng.normal(3.0, 0.5, (2048, 1)).astype("float32")

generator = keras.Sequential([keras.Input((4,)), layers.Dense(16), layers.LeakyReLU(), layers.Dense(1)])
discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(16), layers.LeakyReLU(), layers.Dense(1)])


class GAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator, self.generator, self.latent_dim = discriminator, generator, latent_dim
        self.seed_generator = keras.random.SeedGenerator(1337)

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.d_metric, self.g_metric = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_metric, self.g_metric]

    def train_step(self, real):
        n = tf.shape(real)[0]
        noise = keras.random.normal((n, self.latent_dim), seed=self.seed_generator)
        with tf.GradientTape() as tape_d, tf.GradientTape() as tape_g:
            fake = self.generator(noise)
            score_fake, score_real = self.discriminator(fake), self.discriminator(real)
            d_loss = self.loss_fn(tf.ones((n, 1)), score_real) + self.loss_fn(tf.zeros((n, 1)), score_fake)
            g_loss = self.loss_fn(tf.ones((n, 1)), score_fake)
        d_grads = tape_d.gradient(d_loss, self.discriminator.trainable_weights)
        g_grads = tape_g.gradient(g_loss, self.generator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(d_grads, self.discriminator.trainable_weights))
        self.g_optimizer.apply_gradients(zip(g_grads, self.generator.trainable_weights))
        self.d_metric.update_state(d_loss)
        self.g_metric.update_state(g_loss)
        return {"d_loss": self.d_metric.result(), "g_loss": self.g_metric.result()}


gan = GAN(discriminator, generator, 4)
gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
history = gan.fit(real, epochs=30, batch_size=64, verbose=0)
assert set(history.history) == {"d_loss", "g_loss"}
samples = generator.predict(rng.normal(size=(1000, 4)).astype("float32"), verbose=0)
assert abs(samples.mean() - 3.0) < 1.5, samples.mean()

a, b = keras.Input((8,), name="a"), keras.Input((6,), name="b")
shared = layers.Dense(6, activation="tanh", name="shared")
left, right = shared(layers.Dense(6)(a)), shared(b)
both = layers.concatenate([left, right])
model = keras.Model([a, b], [layers.Dense(1, name="value")(both), layers.Dense(3, activation="softmax", name="kind")(both)])
model.compile(
    keras.optimizers.Adam(0.01),
    loss={"value": "mse", "kind": "sparse_categorical_crossentropy"},
    loss_weights={"value": 0.5, "kind": 1.0},
    metrics={"kind": ["accuracy"]},
)
xa, xb = rng.normal(size=(512, 8)), rng.normal(size=(512, 6))
value, kind = xa.sum(1, keepdims=True), (xb[:, 0] > 0).astype(int) + (xb[:, 1] > 0)
first = model.evaluate({"a": xa, "b": xb}, {"value": value, "kind": kind}, verbose=0, return_dict=True)
model.fit({"a": xa, "b": xb}, {"value": value, "kind": kind}, epochs=40, verbose=0)
last = model.evaluate([xa, xb], [value, kind], verbose=0, return_dict=True)
assert last["loss"] < 0.7 * first["loss"] and last["kind_accuracy"] > 0.75, (first, last)
assert shared.kernel.shape == (6, 6)
print("done")
