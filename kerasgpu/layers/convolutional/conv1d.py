"""Conv1D: convolution over time."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.convolutional.base_conv import BaseConv


class Conv1D(BaseConv):
    """Convolution over the time axis of (batch, steps, channels).

    Args: those of `BaseConv`. padding may also be "causal": y[t] depends on x[..., :t + 1] only (WaveNet, van den Oord et
    al. 2016).

    >>> import kerasgpu as keras
    >>> keras.layers.Conv1D(4, 3, padding="causal")(keras.ops.ones((2, 10, 3))).shape
    (2, 10, 4)
    """

    rank = 1
    _paddings = ("valid", "same", "causal")

    def convolution_op(self, inputs, kernel):
        if self.padding != "causal":
            return super().convolution_op(inputs, kernel)
        before = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
        pads = ((0, 0), before, (0, 0)) if self.data_format == "channels_last" else ((0, 0), (0, 0), before)
        return ops.conv(ops.pad(inputs, pads), kernel, self.strides, "valid", self.data_format, self.dilation_rate)
