"""keras.wrappers: models among scikit-learn's estimators."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import kerasgpu as keras
from kerasgpu.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
QUIET = {"epochs": 30, "verbose": 0, "batch_size": 10}


def build(X, y, last=None, loss="mse"):
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(y.shape[1], activation=last)])
    model.compile(keras.optimizers.Adam(0.1), loss)
    return model


def test_classifier_of_any_labels():
    labels = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
    estimator = SKLearnClassifier(build, model_kwargs={"last": "softmax", "loss": "categorical_crossentropy"}, fit_kwargs=QUIET)
    estimator.fit(X, labels)
    assert list(estimator.classes_) == ["no", "yes"] and estimator.epoch_ == 30
    assert estimator.score(X, labels) > 0.9
    scores = estimator.decision_function(X)
    np.testing.assert_array_equal(estimator.classes_[scores.argmax(1)], estimator.predict(X))
    assert cross_val_score(make_pipeline(StandardScaler(), clone(estimator)), X, labels, cv=2).min() > 0.7
    with pytest.raises(ValueError, match="only one class"):
        clone(estimator).fit(X, np.zeros(60, int))
    with pytest.raises(ValueError, match="Only binary and multiclass"):
        clone(estimator).fit(X, X[:, 0])


def test_regressor_of_a_model_is_trained_on_a_clone():
    y = X @ [1.0, -2.0, 0.5, 0.0]
    model = build(X, y[:, None])
    before = model.get_weights()
    estimator = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, y)
    assert estimator.score(X, y) > 0.95 and estimator.predict(X).shape == (60,)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    warm = SKLearnRegressor(model, warm_start=True, fit_kwargs=QUIET).fit(X, y)
    assert warm.model_ is model and warm.fit(X, y, epochs=1).model_ is model
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        SKLearnRegressor(keras.Sequential([keras.layers.Dense(1)])).fit(X, y)


def test_transformer_gives_the_outputs():
    y = rng.normal(size=60)
    estimator = SKLearnTransformer(build, fit_kwargs=QUIET)
    out = estimator.fit_transform(X, y)
    np.testing.assert_allclose(out, estimator.model_.predict(X, verbose=0))
