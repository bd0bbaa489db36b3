"""Dropout masks of a recurrent cell: drawn once for a sequence, the same at all of its steps."""

from __future__ import annotations

from kerasgpu import ops, random


class DropoutRNNCell:
    """Mixin for cells with `dropout` and `recurrent_dropout` rates and a `seed_generator`.

    `dropout_mask_count`, if set, is the number of masks (one a gate) that a call gives as a list. Gal and Ghahramani, "A Theoretically
    Grounded Application of Dropout in Recurrent Neural Networks" (2016), https://arxiv.org/abs/1512.05287.
    """

    dropout_mask_count: int | None = None
    _dropout_mask = None
    _recurrent_dropout_mask = None

    def _draw(self, like, rate):
        ones = ops.ones_like(like)
        if self.dropout_mask_count is None:
            return random.dropout(ones, rate, seed=self.seed_generator)
        return tuple(random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.dropout_mask_count))

    def get_dropout_mask(self, step_input):
        """The mask for inputs of one step, or None without dropout; the same until `reset_dropout_mask`."""
        if self._dropout_mask is None and self.dropout > 0:
            self._dropout_mask = self._draw(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input):
        """The mask for states, or None without recurrent dropout; the same until `reset_recurrent_dropout_mask`."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._recurrent_dropout_mask = self._draw(step_input, self.recurrent_dropout)
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self):
        """Let the next call draw a new mask for inputs."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self):
        """Let the next call draw a new mask for states."""
        self._recurrent_dropout_mask = None
