"""SwapEMAWeights: evaluate with the moving average of the weights."""

from __future__ import annotations

from kerasgpu.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the exponential moving average of the weights, kept by an optimizer with use_ema=True, into the model for
    evaluation.

    Args: swap_on_epoch: swap at the end of each epoch and back at the start of the next, so that callbacks after this one
    (such as
        ModelCheckpoint) see the averages.
    """

    _kept = ("_ema_weights_in_model",)

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def _optimizers(self):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if hasattr(optimizer, "optimizers"):
            found = [inner for inner in optimizer.optimizers if getattr(inner, "use_ema", False)]
            if not found:
                raise ValueError(
                    "SwapEMAWeights must be used when at least one inner optimizer has `use_ema=True` set. Received a "
                    "MultiOptimizer with "
                    "all inner optimizers having `use_ema=False`."
                )
        else:
            found = [optimizer]
        for inner in found:
            if not hasattr(inner, "_model_variables_moving_average"):
                raise ValueError(
                    "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: use_ema="
                    f"{getattr(inner, 'use_ema', None)}"
                )
        return found

    def _pairs(self):
        for optimizer in self._optimizers():
            yield from zip(optimizer._trainable_variables, optimizer._model_variables_moving_average)

    def _swap(self, averages_in_model):
        if self._ema_weights_in_model == averages_in_model:
            return
        for variable, average in self._pairs():
            before = variable.numpy()
            variable.assign(average)
            average.assign(before)
        self._ema_weights_in_model = averages_in_model

    def on_epoch_begin(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch, logs=None):
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if epoch == self.params["epochs"] - 1:
            # The end of fit() copies the averages into the weights: they must be what the model now holds.
            for variable, average in self._pairs():
                average.assign(variable)

    def on_test_begin(self, logs=None):
        self._swap(True)

    def on_test_end(self, logs=None):
        self._swap(False)

    def on_predict_begin(self, logs=None):
        self._swap(True)

    def on_predict_end(self, logs=None):
        self._swap(False)

    def _on_interrupt(self):
        self._swap(False)
