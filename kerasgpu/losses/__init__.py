"""keras.losses."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.configs import identifiers, serialization
from kerasgpu.losses.circle_loss import Circle, circle
from kerasgpu.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from kerasgpu.losses.ctc_loss import CTC, ctc
from kerasgpu.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from kerasgpu.losses.hinge_losses import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from kerasgpu.losses.loss import Loss, LossFunctionWrapper
from kerasgpu.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasgpu.losses.segmentation import Dice, Tversky, dice, tversky

# The short names of Keras 1 and 2.
bce = BCE = binary_crossentropy
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh

_CLASSES = (
    Loss, LossFunctionWrapper, KLDivergence, Poisson, BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy,
    CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, SparseCategoricalCrossentropy, MeanSquaredError,
    MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, CosineSimilarity, LogCosh, Huber, Hinge,
    SquaredHinge, CategoricalHinge, Dice, Tversky, Circle, CTC,
)  # fmt: skip
_FUNCTIONS = (
    kl_divergence, poisson, binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy,
    categorical_focal_crossentropy, categorical_generalized_cross_entropy, sparse_categorical_crossentropy, mean_squared_error,
    mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, cosine_similarity, log_cosh, huber,
    hinge, squared_hinge, categorical_hinge, dice, tversky, circle, ctc,
)  # fmt: skip

ALL_OBJECTS = frozenset(_CLASSES + _FUNCTIONS)
ALL_OBJECTS_DICT = {thing.__name__: thing for thing in _CLASSES + _FUNCTIONS}
ALL_OBJECTS_DICT.update(
    {
        "bce": binary_crossentropy,
        "BCE": binary_crossentropy,
        "kld": kl_divergence,
        "KLD": kl_divergence,
        "kullback_leibler_divergence": kl_divergence,
        "mae": mean_absolute_error,
        "MAE": mean_absolute_error,
        "mse": mean_squared_error,
        "MSE": mean_squared_error,
        "mape": mean_absolute_percentage_error,
        "MAPE": mean_absolute_percentage_error,
        "msle": mean_squared_logarithmic_error,
        "MSLE": mean_squared_logarithmic_error,
        "logcosh": log_cosh,
    }
)


def serialize(loss):
    """The configuration dictionary of a loss function or Loss instance."""
    return serialization.serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """The loss that `serialize` described (a dictionary or a name)."""
    return serialization.deserialize_keras_object(name, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects)


def get(identifier):
    """A loss from its name ("mse", "MeanSquaredError"), configuration dictionary, class or instance; None for None.

    Raises ValueError when there is no such loss.

    >>> import kerasgpu as keras
    >>> keras.losses.get("mse").__name__
    'mean_squared_error'
    """
    return identifiers.get(identifier, ALL_OBJECTS_DICT, "loss")


__getattr__ = missing.names(__name__, {"Reduction": 'reductions are words now, such as reduction="sum_over_batch_size"'})
