# SPDX-License-Identifier: Apache-2.0
"""Scores of texts against the truth: right means equal once O=0 and I=1 are folded."""

from __future__ import annotations

from plategate.plates.text import fold


def share_right(read: list[str], truth: list[str]) -> float:
    """Per cent of texts that are right."""
    right = sum(fold(one) == fold(other) for one, other in zip(read, truth, strict=True))
    return 100.0 * right / max(1, len(truth))


def by_group(read: list[str], truth: list[str], groups: list[str]) -> dict[str, float]:
    """Per cent right of every group and of all."""
    out = {}
    for group in sorted(set(groups)):
        chosen = [at for at, name in enumerate(groups) if name == group]
        out[group] = share_right([read[at] for at in chosen], [truth[at] for at in chosen])
    out["all"] = share_right(read, truth)
    return {name: round(value, 1) for name, value in out.items()}
