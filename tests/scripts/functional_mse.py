import numpy as np
from keras import layers, models, optimizers

model = models.Sequential()
model.add(layers.Dense(32, activation="relu", input_shape=(784,)))
model.add(layers.Dense(10, activation="softmax"))

input_tensor = layers.Input(shape=(784,))
x = layers.Dense(32, activation="relu")(input_tensor)
output_tensor = layers.Dense(10, activation="softmax")(x)
model = models.Model(inputs=input_tensor, outputs=output_tensor)

model.compile(optimizer=optimizers.RMSprop(lr=0.001), loss="mse", metrics=["accuracy"])
rng = np.random.RandomState(0)
input_data = rng.rand(1280, 784)
target_data = np.eye(10)[(input_data[:, :10]).argmax(1)]
history = model.fit(input_data, target_data, batch_size=128, epochs=10)
assert history.history["loss"][-1] < history.history["loss"][0]
print("done")
