import numpy as np
import scipy.special
from sklearn.datasets import load_iris
from tensorflow import keras

iris = load_iris()
x, y = iris.data, iris.target
order = np.random.RandomState(0).permutation(len(x))
x, y = x[order], y[order]

keras.utils.set_random_seed(1)
model = keras.models.Sequential()
model.add(keras.layers.Dense(8))
model.add(keras.layers.Activation("relu"))
model.add(keras.layers.Dense(3))
model.add(keras.layers.Activation("softmax"))
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=300, validation_split=0.1, verbose=0)
assert history.history["accuracy"][-1] > 0.93, history.history["accuracy"][-1]

print(model.predict([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], verbose=0))

values_0 = x[:5]
layer_0, layer_1 = model.get_layer(index=0), model.get_layer(index=1)
layer_2, layer_3 = model.get_layer(index=2), model.get_layer(index=3)
values_1 = layer_0(values_0)
values_2 = layer_1(values_1)
values_3 = layer_2(values_2)
values_4 = layer_3(values_3)
np.testing.assert_allclose(values_1, values_0 @ layer_0.kernel + layer_0.bias, rtol=1e-4, atol=1e-5)
np.testing.assert_array_equal(values_2, np.maximum(values_1, 0))
np.testing.assert_allclose(values_3, values_2 @ layer_2.kernel + layer_2.bias, rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(values_4, scipy.special.softmax(values_3, axis=-1), rtol=1e-4, atol=1e-6)
print("done")
