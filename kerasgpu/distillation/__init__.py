"""keras.distillation: not there yet; the names say what to do instead."""

from kerasgpu import missing

_LOSS = "add the loss between teacher(x) and the student's outputs in compute_loss() of a keras.Model subclass"

__getattr__ = missing.names(
    __name__,
    {
        "DistillationLoss": _LOSS,
        "Distiller": "subclass keras.Model and add the loss between teacher(x) and the student's outputs in compute_loss()",
        "FeatureDistillation": _LOSS,
        "LogitsDistillation": _LOSS,
    },
)
