"""SKLearnClassifier, SKLearnRegressor and SKLearnTransformer: compiled models with scikit-learn's fit and predict."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from kerasgpu.models import Model, clone_model


def _validate(estimator, *args, **kwargs):
    """scikit-learn's check of X and y, which moved in version 1.6."""
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:
        return estimator._validate_data(*args, **kwargs)
    return validate_data(estimator, *args, **kwargs)


def _check_target(y):
    kind = type_of_target(y, input_name="y")
    if kind == "unknown":
        raise ValueError(f"Unknown label type for data: {y!r}")
    return kind


class _Wrapper(BaseEstimator):
    def __init__(self, model, warm_start=False, model_kwargs=None, fit_kwargs=None):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self):
        model = copy.deepcopy(self.model) if isinstance(self.model, Model) else self.model
        return type(self)(model, self.warm_start, self.model_kwargs, self.fit_kwargs)

    @property
    def epoch_(self):
        """The current training epoch."""
        history = getattr(self, "history_", None)
        return 0 if history is None else len(history.epoch)

    def _make_model(self, X, y):
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        if self.warm_start:
            return self.model
        model = clone_model(self.model)
        if self.model.compiled and not model.compiled:
            model.compile_from_config(self.model.get_compile_config())
        return model

    def fit(self, X, y, **kwargs):
        """Train on X (samples, features) and y (samples,) or (samples, outputs); kwargs go to `model.fit`."""
        X, y = _validate(self, X, y, **self._checks)
        y = self._encode(y)
        model = self._make_model(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError("Given model needs to be compiled, and have a loss and an optimizer.")
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    _checks: dict = {}

    def _outputs(self, X):
        check_is_fitted(self)
        return self.model_.predict(_validate(self, X, reset=False), verbose=0)

    def predict(self, X):
        """What the model says of X, in the form of the y of `fit`."""
        return self._decode(self._outputs(X))

    def _encode(self, y):
        _check_target(y)
        self._target_ndim = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decode(self, outputs):
        return outputs.squeeze(1) if self._target_ndim == 1 and outputs.ndim == 2 else outputs


class SKLearnClassifier(ClassifierMixin, _Wrapper):
    """A model as a scikit-learn classifier: y may hold any labels, the model sees them one-hot.

    Args:
        model: a compiled model (cloned before it is trained), or a function of X, y and `model_kwargs` that returns one.
        warm_start: whether `fit` continues from the weights of the fit before, without cloning.
        model_kwargs: further arguments of that function.
        fit_kwargs: arguments of `model.fit`; those given to `fit` come first.

    After `fit`: `model_`, `history_` (what `model.fit` returned) and `classes_`.

    >>> import numpy as np, kerasgpu as keras
    >>> def build(X, y):
    ...     model = keras.Sequential([keras.layers.Dense(y.shape[1], activation="softmax")])
    ...     model.compile("sgd", "categorical_crossentropy")
    ...     return model
    >>> X, y = np.eye(4), np.array(["a", "b", "a", "b"])
    >>> keras.wrappers.SKLearnClassifier(build, fit_kwargs={"verbose": 0}).fit(X, y).predict(X).shape
    (4,)
    """

    def decision_function(self, X):
        """The outputs of the model, one column for each of `classes_`."""
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encode(self, y):
        kind = _check_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"Only binary and multiclass target types are supported. Target type: {kind}")
        self._target_ndim = y.ndim
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError("Classifier can't train when only one class is present.")
        return np.eye(len(self.classes_))[index.reshape(-1)]

    def _decode(self, outputs):
        labels = self.classes_[outputs.argmax(axis=-1)]
        return labels if self._target_ndim == 1 else labels.reshape(-1, 1)


class SKLearnRegressor(RegressorMixin, _Wrapper):
    """A model as a scikit-learn regressor.

    Args: those of `SKLearnClassifier`. After `fit`: `model_` and `history_`.

    >>> import numpy as np, kerasgpu as keras
    >>> def build(X, y):
    ...     model = keras.Sequential([keras.layers.Dense(y.shape[1])])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> X, y = np.eye(4), np.arange(4.0)
    >>> keras.wrappers.SKLearnRegressor(build, fit_kwargs={"verbose": 0}).fit(X, y).predict(X).shape
    (4,)
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Wrapper):
    """A model as a scikit-learn transformer: `transform` gives its outputs, such as an embedding.

    Args: those of `SKLearnClassifier`. After `fit`: `model_` and `history_`.
    """

    def transform(self, X):
        """The outputs of the model for X (samples, features)."""
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
