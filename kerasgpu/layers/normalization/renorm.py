"""Batch renormalization (Ioffe 2017, https://arxiv.org/abs/1702.03275): batch statistics corrected towards running ones.

x_hat = ((x - mean) / std) * r + d, with r = std / running_std and d = (mean - running_mean) / running_std, both clipped and
without gradient.
"""

from __future__ import annotations

from kerasgpu import ops


def check_clipping(clipping):
    """The dict, after ValueError for unknown keys and limits that contradict each other."""
    clipping = dict(clipping or {})
    keys = ["rmax", "rmin", "dmax"]
    if set(clipping) - set(keys):
        raise ValueError(f"Received invalid keys for `renorm_clipping` argument: {clipping}. Supported values: {keys}.")
    rmax, rmin, dmax = (clipping.get(k) for k in keys)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            f"rmax should be greater than rmin in the `renorm_clipping` argument. Received: rmax={rmax}, rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise ValueError(f"dmax should be non-negative in the `renorm_clipping` argument. Received: dmax={dmax}.")
    return clipping


class Renorm:
    """Mixin of BatchNormalization with what `renorm=True` needs."""

    def _build_renorm(self, shape):
        def stddev(shape, dtype=None):
            return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

        self.moving_stddev = self._add_statistic("moving_stddev", shape, stddev)
        self.renorm_mean = self._add_statistic("renorm_mean", shape, self.moving_mean_initializer)
        self.renorm_stddev = self._add_statistic("renorm_stddev", shape, stddev)

    def _renorm_transforms(self, mean, variance, gamma, beta):
        """gamma and beta that include the corrections: (x r + d) gamma + beta."""
        stddev = ops.sqrt(variance + self.epsilon)
        running_mean = ops.cast(self.renorm_mean, mean.dtype)
        running_stddev = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        r, d = stddev / running_stddev, (mean - running_mean) / running_stddev
        limits = self.renorm_clipping
        if limits.get("rmin") is not None:
            r = ops.maximum(r, limits["rmin"])
        if limits.get("rmax") is not None:
            r = ops.minimum(r, limits["rmax"])
        if limits.get("dmax") is not None:
            d = ops.clip(d, -limits["dmax"], limits["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        if gamma is not None:
            r, d = r * gamma, d * gamma
        return r, d if beta is None else d + beta

    def _update_renorm_statistics(self, mean, variance):
        stddev = ops.sqrt(variance + self.epsilon)
        self._update_average(self.renorm_mean, mean, self.renorm_momentum)
        self._update_average(self.renorm_stddev, stddev, self.renorm_momentum)
        self._update_average(self.moving_mean, mean, self.momentum)
        self._update_average(self.moving_stddev, stddev, self.momentum)
        moving = ops.cast(self.moving_stddev, mean.dtype)
        # Rounding could make it negative.
        self.moving_variance.assign(ops.stop_gradient(ops.maximum(moving * moving - self.epsilon, 0.0)))
