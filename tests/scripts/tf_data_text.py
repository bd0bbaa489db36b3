# tf.data and tf.keras as older scripts spell them: pipelines from arrays, generators and folders of text.
import os

import numpy as np
import tensorflow as tf

AUTOTUNE = tf.data.AUTOTUNE

x = np.random.RandomState(0).normal(size=(256, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(256).repeat().batch(32).prefetch(AUTOTUNE)
check = tf.data.Dataset.from_tensor_slices((x, y)).batch(64)
assert tf.data.experimental.cardinality(check).numpy() == 4 and len(check) == 4
assert check.element_spec[0].shape == (None, 4)

model = tf.keras.Sequential([tf.keras.layers.Dense(8, activation="relu"), tf.keras.layers.Dense(2, activation="softmax")])
model.compile(optimizer=tf.keras.optimizers.Adam(0.05), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=3, steps_per_epoch=8, validation_data=check, verbose=2)
assert model.evaluate(check, verbose=0)[1] > 0.9
assert model.predict(check.map(lambda a, b: a), verbose=0).shape == (256, 2)


def squares(n):
    for k in range(n):
        yield k, [k * k]


ds = tf.data.Dataset.from_generator(
    lambda: squares(5),
    output_signature=(tf.TensorSpec(shape=(), dtype=tf.int32), tf.TensorSpec(shape=(1,), dtype=tf.float32)),
)
for k, square in ds.map(lambda a, b: (a, tf.reduce_sum(b) + tf.cast(a, tf.float32)), num_parallel_calls=AUTOTUNE).take(3):
    assert float(square) == int(k) * int(k) + int(k)

for label, text in (("neg", "a bad film"), ("pos", "a good film")):
    os.makedirs(f"reviews/{label}")
    for k in range(3):
        with open(f"reviews/{label}/{k}.txt", "w") as f:
            f.write(f"{text} {k}")
raw = tf.keras.utils.text_dataset_from_directory("reviews", batch_size=4, seed=1)
for texts, labels in raw.take(1):
    for i in range(2):
        print(texts.numpy()[i], raw.class_names[int(labels.numpy()[i])])
try:
    tf.data.TFRecordDataset("records")
except NotImplementedError as error:
    print(error)
print("done")
