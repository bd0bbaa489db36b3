import numpy as np
import tensorflow as tf
from tensorflow import keras

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = tf.keras.models.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=(28, 28)),
        tf.keras.layers.Dense(128, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=1)
loss, accuracy = model.evaluate(x_test, y_test, verbose=2)
assert accuracy > 0.9

inputs = keras.layers.Input(shape=[28, 28])
h = keras.layers.Flatten()(inputs)
h = keras.layers.Dense(64, activation="relu")(h)
functional = keras.models.Model(inputs=inputs, outputs=keras.layers.Dense(10, activation="softmax")(h))
functional.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
functional.fit(x_train[:5000], y_train[:5000], epochs=1, verbose=2)

for m in (model, functional):
    before = m.predict(x_test[:100])
    m.save("path/to/folder")
    again = keras.models.load_model("path/to/folder")
    np.testing.assert_array_equal(again.predict(x_test[:100]), before)
print("done")
