"""TerminateOnNaN: end training when the loss is no number any more."""

from __future__ import annotations

import math

from kerasgpu.callbacks.callback import Callback
from kerasgpu.progress.progbar import print_message


class TerminateOnNaN(Callback):
    """Stops fit() when the loss of a batch is NaN or infinite.

    Args: raise_error: raise RuntimeError instead of stopping quietly.
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )
        print_message(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
