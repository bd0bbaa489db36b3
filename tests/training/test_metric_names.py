"""The names under which metrics are reported."""

import numpy as np

import kerasgpu as keras


def test_functions_are_reported_in_snake_case():
    def MeanGap(t, p):
        return keras.ops.mean(t - p)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(loss="mse", metrics=[lambda t, p: keras.ops.mean(t - p), MeanGap])
    x = np.ones((3, 2), "float32")
    assert set(model.evaluate(x, x, verbose=0, return_dict=True)) == {"loss", "lambda", "mean_gap"}
