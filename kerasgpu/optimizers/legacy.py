"""keras.optimizers.legacy: the names exist, as in Keras 3, and say that the optimizers do not."""

from __future__ import annotations


class LegacyOptimizerWarning:
    """Raises ImportError when it is made."""

    def __init__(self, *args, **kwargs):
        raise ImportError(
            "`keras.optimizers.legacy` is not supported in Keras 3, nor here: use the optimizer of the same name in "
            "`keras.optimizers`, whose arguments are the same but for `decay` (use a schedule)"
        )


Adagrad = LegacyOptimizerWarning
Adam = LegacyOptimizerWarning
Ftrl = LegacyOptimizerWarning
Optimizer = LegacyOptimizerWarning
RMSprop = LegacyOptimizerWarning
SGD = LegacyOptimizerWarning
