"""Keras 2.0 to 2.2, and tf.keras of TensorFlow 1.4 to 2.1: CuDNN layers of their own, `lr`, `implementation`, numbers as NumPy values."""

from __future__ import annotations

from kerasgpu.saving.legacy.era import ANY, Era


def _cudnn(name, config):
    """A layer that only ran on a GPU, as the one that runs everywhere: same weights, but for the bias of two parts."""
    config = {**config, "activation": "tanh", "recurrent_activation": "sigmoid"}
    if name == "CuDNNGRU":
        config["reset_after"] = True
    return name.removeprefix("CuDNN"), config


def _batch_dot(name, config):
    axes = config.get("axes")
    if isinstance(axes, list) and len(axes) == 1:
        config["axes"] = axes[0]
    return name, config


_OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl")

ERA = Era(
    before=(2, 3),
    classes={
        "BatchNormalizationV1": "BatchNormalization",
        "BatchNormalizationV2": "BatchNormalization",
        "UnifiedLSTM": "LSTM",
        "UnifiedGRU": "GRU",
        "PolicyV1": "Policy",
    },
    renamed={name: {"lr": "learning_rate"} for name in _OPTIMIZERS},
    dropped={ANY: ("input_dtype",), "Nadam": ("schedule_decay",)},
    rewritten={"CuDNNLSTM": _cudnn, "CuDNNGRU": _cudnn, "Dot": _batch_dot},
)
