"""elastic_transform: images moved by a smooth random field (Simard et al. 2003)."""

from __future__ import annotations

from kerasgpu.engine.seed_generator import draw_seed
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.image.checks import Batched
from kerasgpu.ops.image.filters import gaussian_blur
from kerasgpu.ops.image.sampling import check_sampling, sample_batch
from kerasgpu.ops.numpy import creation, joining, shaping
from kerasgpu.ops.primitives import random as draws
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["elastic_transform"]


@symbolic
def elastic_transform(
    images, alpha=20.0, sigma=5.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0, seed=None, data_format=None
):
    """Images with every pixel moved by a smooth random field (Simard et al. 2003).

    Args:
        images: tensor of rank 3 or 4.
        alpha: strength of the movement.
        sigma: smoothness of the field, a number.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies outside: "constant" (fill_value), "nearest", "wrap", "mirror" or "reflect".
        seed: int, SeedGenerator or None.
        data_format: "channels_last", "channels_first", or None for the configured one.
    """
    sigma = float(sigma)
    return elastic(images, alpha, sigma, int(6 * sigma) | 1, interpolation, fill_mode, fill_value, seed, data_format)


def elastic(images, alpha, sigma, size, interpolation, fill_mode, fill_value, seed, data_format):
    """`elastic_transform` with a filter of `size` weights, where sigma may be a tensor."""
    check_sampling(interpolation, fill_mode)
    layout = Batched(images, data_format)
    x = layout.images
    batch, height, width, _ = x.shape
    kind = x.dtype if x.dtype in ("float32", "float64") else "float32"
    sigma = as_tensor(sigma, kind)
    noise = draws.normal(draw_seed(seed), (batch, height, width, 2), 0.0, 1.0, kind) * sigma
    field = gaussian_blur(noise, (size, size), joining.stack([sigma, sigma]), "channels_last") * as_tensor(alpha, kind)
    row = shaping.reshape(creation.arange(height, dtype=kind), (1, height, 1))
    column = shaping.reshape(creation.arange(width, dtype=kind), (1, 1, width))
    rows, columns = row + field[..., 0], column + field[..., 1]
    return layout.restore(sample_batch(x, rows, columns, interpolation, fill_mode, fill_value))
