"""Focal losses (Lin et al. 2017): cross-entropy weighted by (1 - p_t)^gamma, so that easy examples count less."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.losses.crossentropy import check_class_axis, smooth_binary, smooth_one_hot
from kerasgpu.losses.loss import FunctionLoss, as_float_pair
from kerasgpu.ops.primitives.lengths import ratio


def _power_of_rest(p, gamma):
    """(1 - p)^gamma; below gamma = 1 its slope at p = 1 is infinite, and 0 stands for it there."""
    rest = 1.0 - p
    if gamma >= 1:
        return ops.power(rest, gamma)
    none = ops.less_equal(rest, 0)
    return ops.where(none, 1.0 if gamma == 0 else 0.0, ops.power(ops.where(none, 1.0, rest), gamma))


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """mean((1 - p_t)^gamma * binary cross-entropy) over `axis`; p_t is the probability given to the true label.

    Args:
        y_true: labels 0/1, shape `(batch, d0, ..., dN)`.
        y_pred: probabilities (or logits) of that shape.
        apply_class_balancing: whether class 1 is weighted by alpha and class 0 by 1 - alpha.
        alpha, gamma: see above.
        from_logits: whether y_pred holds logits.
        label_smoothing: in [0, 1].
        axis: averaged over.

    >>> import kerasgpu as keras
    >>> keras.losses.binary_focal_crossentropy([[0.0, 1.0]], [[0.1, 0.9]]).shape
    (1,)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    y_true = smooth_binary(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    bce = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_t = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    loss = _power_of_rest(p_t, gamma) * bce
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


def categorical_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1):
    """sum(-alpha * (1 - p)^gamma * y_true * log(p)) over the class axis.

    Args:
        y_true: one-hot labels, shape `(batch, ..., classes)`.
        y_pred: probabilities (or logits) of that shape.
        alpha: weight, a number or one per class.
        gamma: focusing exponent.
        from_logits: whether y_pred holds logits.
        label_smoothing: in [0, 1].
        axis: the class axis.

    >>> import kerasgpu as keras
    >>> keras.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.1, 0.9]]).shape
    (1,)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    check_class_axis(axis, y_pred, "categorical_focal_crossentropy")
    y_true = smooth_one_hot(y_true, label_smoothing, axis)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = ratio(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    weight = ops.multiply(ops.power(1.0 - p, gamma), ops.cast(alpha, p.dtype))
    return ops.sum(-weight * y_true * ops.log(p), axis=axis)


class BinaryFocalCrossentropy(FunctionLoss):
    """Binary cross-entropy weighted by (1 - p_t)^gamma (Lin et al. 2017).

    Args: apply_class_balancing: weight class 1 by alpha, class 0 by 1 - alpha; alpha; gamma; from_logits: whether y_pred
    holds logits;
    label_smoothing: in [0, 1]; axis: averaged over; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.BinaryFocalCrossentropy(from_logits=True)
    >>> round(float(loss([[0.0, 1.0]], [[0.0, 0.0]])), 4)
    0.1733
    """

    _config_keys = ("from_logits", "label_smoothing", "axis", "apply_class_balancing", "alpha", "gamma")

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(FunctionLoss):
    """Cross-entropy of one-hot labels weighted by alpha * (1 - p)^gamma (Lin et al. 2017).

    Args: alpha: a number or one per class; gamma; from_logits: whether y_pred holds logits; label_smoothing: in [0, 1];
    axis: of the
    classes; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.CategoricalFocalCrossentropy(from_logits=True)
    >>> round(float(loss([[0.0, 1.0]], [[0.0, 0.0]])), 4)
    0.0433
    """

    _config_keys = ("from_logits", "label_smoothing", "axis", "alpha", "gamma")

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
