from keras.datasets import california_housing
from keras.models import Sequential
from sklearn.preprocessing import StandardScaler
from tensorflow.keras import layers

(x_train, y_train), (x_test, y_test) = california_housing.load_data(version="small")
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)
y_train, y_test = y_train / 1e5, y_test / 1e5

model = Sequential()
model.add(layers.Dense(64, activation="relu", input_dim=8))
model.add(layers.Dropout(0.1))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam", metrics=["mae"])
history = model.fit(x_train, y_train, epochs=100, validation_split=0.25, verbose=0)
mse, mae = model.evaluate(x_test, y_test, verbose=0)
assert len(history.history["val_loss"]) == 100
assert mse < 0.7 * y_test.var(), (mse, y_test.var())
print("done")
