"""The roofline picture (Williams, Waterman & Patterson 2009): speed of each case over its operations per byte, under the machine's limits."""

from __future__ import annotations

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw(rows, peak, path):
    """Write the picture of the measured rows to path."""
    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    intensity = np.logspace(-2, 3, 200)
    axes.loglog(
        intensity,
        np.minimum(peak["gflops"], intensity * peak["memory_gbs"]),
        color="black",
        label="memory bandwidth, then peak",
    )
    axes.loglog(
        intensity, np.minimum(peak["gflops"], intensity * peak["cache_gbs"]), color="gray", ls="--", label="cache bandwidth"
    )
    families: dict = {}
    for row in rows:
        if row["flops"]:
            families.setdefault(row["kernel"], []).append((row["flops"] / row["bytes"], row["flops"] / row["median_s"] / 1e9))
    markers = "osD^v<>Pp*hX"
    for k, (name, points) in enumerate(sorted(families.items())):
        axes.scatter(*zip(*points), s=26, marker=markers[k % len(markers)], label=name, alpha=0.8)
    axes.set(xlabel="floating-point operations per byte", ylabel="GFLOP/s", title="Kernels under the roofline of this machine")
    axes.grid(alpha=0.25, which="both")
    axes.legend(fontsize=8, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
