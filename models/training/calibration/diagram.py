# SPDX-License-Identifier: Apache-2.0
"""Draws the reliability diagram: share of right readings by confidence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from .recorded import ScoredReading

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def _bins(results: Sequence[ScoredReading]) -> list[tuple[float, float, int, float]]:
    """Mean confidence, share right, count and standard error of every bin with readings."""
    found = []
    for low, high in pairwise(EDGES):
        inside = [r for r in results if low < r.confidence <= high]
        if inside:
            share = sum(r.right for r in inside) / len(inside)
            # Laplace's estimate, so that a bin without errors still has an error bar.
            guess = (share * len(inside) + 1) / (len(inside) + 2)
            error = float(np.sqrt(guess * (1 - guess) / len(inside)))
            mean = sum(r.confidence for r in inside) / len(inside)
            found.append((mean, share, len(inside), error))
    return found


def draw(
    plain: Sequence[ScoredReading],
    crossed: Sequence[ScoredReading],
    harder: Sequence[ScoredReading],
    path: Path,
) -> None:
    """Draw before and after calibration side by side, and after it on degraded pictures."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), sharey=True)
    titles = (
        "as reported by the readers",
        "calibrated (five-fold cross-validation)",
        "the same, degraded pictures",
    )
    for axis, results, title in zip(axes, (plain, crossed, harder), titles, strict=True):
        bins = _bins(results)
        places = range(len(bins))
        axis.plot(places, [b[0] for b in bins], "_", color="0.4", markersize=18, label="reported")
        axis.errorbar(
            places, [b[1] for b in bins], yerr=[b[3] for b in bins],
            fmt="o", color="#1f4e79", capsize=3, label="right",
        )  # fmt: skip
        labels = [f"{mean:.3f}\n{count}" for mean, _, count, _ in bins]
        axis.set_xticks(list(places), labels, size=7)
        axis.set_title(title, size=10)
        axis.set_xlabel("mean confidence, number of plates")
        axis.set_ylim(0, 1.05)
        axis.grid(color="0.9")
        axis.legend(loc="lower right")
    axes[0].set_ylabel("share of readings that are right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
