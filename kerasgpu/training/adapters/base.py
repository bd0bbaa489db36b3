"""What the training loop needs from data, whatever it is made of."""

from __future__ import annotations

from kerasgpu.data import random_state


class DataAdapter:
    """Gives batches. Attributes: `num_batches` (None when unknown or endless), `batch_size` (None when unknown).

    `restartable` says whether `batches()` starts again from the beginning each time.
    """

    num_batches: int | None = None
    batch_size: int | None = None
    restartable = True

    def batches(self):
        """An iterator over one pass of the data: x, (x,), (x, y) or (x, y, sample_weight), leaves are Tensors."""
        raise NotImplementedError

    def example(self):
        """A first batch, from which shapes are read, without using it up."""
        raise NotImplementedError

    def on_epoch_begin(self):
        pass

    def on_epoch_end(self):
        pass

    # Whether on_epoch_begin and on_epoch_end may change the data.
    changes = False

    def state(self) -> dict:
        """What the next pass follows from, for a training that is resumed in another process."""
        return {"random": random_state.snapshot()}

    def set_state(self, found: dict) -> None:
        """Let the next pass follow from what state() returned."""
        random_state.restore(found["random"])

    def close(self):
        """Stop background work; called when training ends, also by an exception."""
