# SPDX-License-Identifier: Apache-2.0
"""Computes the figures of the table: recall, exact plates, character errors, times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarking.measure import PictureResult, PlateResult
from plategate.plates.text import fold

WRONG_AT_MOST = 1 / 200
COLUMNS = (
    ("pictures", "pictures", "{:d}"),
    ("plates", "plates", "{:d}"),
    ("recall", "found %", "{:.1f}"),
    ("others", "other boxes", "{:.2f}"),
    ("exact", "exact %", "{:.1f}"),
    ("character_errors", "char. err. %", "{:.1f}"),
    ("accepted", "accepted %", "{:.1f}"),
    ("threshold", "at conf.", "{:.3f}"),
)
# Classes of plate width in the picture, in pixels.
WIDTHS = (0, 30, 46, 64, 96, 160, 9999)
STAGES = ("localize", "read", "total")


@dataclass(frozen=True)
class Figures:
    """One line of the table. Shares are in percent, times in milliseconds."""

    name: str
    pictures: int
    plates: int
    recall: float
    others: float
    exact: float
    character_errors: float
    accepted: float
    threshold: float
    median_ms: dict[str, float]
    p95_ms: dict[str, float]


def figures_of(name: str, results: Sequence[PictureResult]) -> Figures:
    """The figures of a set of pictures."""
    plates = [plate for result in results for plate in result.plates]
    known = [plate for plate in plates if plate.truth]
    accepted, threshold = accepted_share(known)
    errors = sum(edit_distance(fold(p.text), fold(p.truth or "")) for p in known)
    characters = sum(len(p.truth or "") for p in known)
    times = {stage: [_spent(result, stage) for result in results] for stage in STAGES}
    return Figures(
        name=name,
        pictures=len(results),
        plates=len(plates),
        recall=_percent(sum(plate.found for plate in plates), len(plates)),
        others=sum(result.others for result in results) / max(1, len(results)),
        exact=_percent(sum(plate.right for plate in known), len(known)),
        character_errors=_percent(errors, characters),
        accepted=accepted,
        threshold=threshold,
        median_ms={stage: float(np.median(spent)) for stage, spent in times.items()},
        p95_ms={stage: float(np.percentile(spent, 95)) for stage, spent in times.items()},
    )


def sufficed(results: Sequence[PictureResult]) -> tuple[int, float]:
    """Number of pictures read by one reader alone, and the median of their milliseconds."""
    totals = [result.milliseconds["total"] for result in results if result.reader]
    return len(totals), float(np.median(totals)) if totals else 0.0


def by_width(results: Sequence[PictureResult]) -> list[tuple[str, int, int]]:
    """For each class of plate width: its limits, the correct readings, the plates."""
    known = [plate for result in results for plate in result.plates if plate.truth]
    lines = []
    for low, high in pairwise(WIDTHS):
        some = [plate for plate in known if low <= plate.width_px < high]
        if some:
            name = f"from {low} px" if high == WIDTHS[-1] else f"{low} to {high - 1} px"
            lines.append((name, sum(plate.right for plate in some), len(some)))
    return lines


def accepted_share(plates: Sequence[PlateResult]) -> tuple[float, float]:
    """Share accepted with at most 1 error in 200, and the lowest accepted confidence."""
    ranked = sorted(plates, key=lambda plate: plate.confidence, reverse=True)
    wrong, accepted, threshold = 0, 0, 1.0
    for count, plate in enumerate(ranked, 1):
        wrong += not plate.right
        last = count == len(ranked) or ranked[count].confidence < plate.confidence
        if last and plate.text and wrong <= WRONG_AT_MOST * count:
            accepted, threshold = count, plate.confidence
    return _percent(accepted, len(ranked)), threshold


def edit_distance(one: str, other: str) -> int:
    """Edit distance: characters to insert, delete or replace."""
    before = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != wanted)))
        before = row
    return before[-1]


def as_markdown(lines: Sequence[Figures]) -> str:
    """The table, one line a set."""
    times = [f"{stage} ms" for stage in STAGES]
    titles = ["set", *(title for _, title, _ in COLUMNS), *times]
    rows = ["| " + " | ".join(titles) + " |", "|---|" + "--:|" * (len(titles) - 1)]
    for line in lines:
        values = asdict(line)
        cells = [form.format(values[key]) for key, _, form in COLUMNS]
        cells += [f"{line.median_ms[stage]:.1f} / {line.p95_ms[stage]:.1f}" for stage in STAGES]
        rows.append("| " + " | ".join([line.name, *cells]) + " |")
    return "\n".join(rows)


def as_dicts(lines: Sequence[Figures]) -> list[dict[str, Any]]:
    """The table as dicts, for JSON."""
    return [asdict(line) for line in lines]


def _spent(result: PictureResult, stage: str) -> float:
    """Milliseconds of a stage; rectification counts as reading."""
    spent = result.milliseconds.get(stage, 0.0)
    return spent + result.milliseconds.get("rectify", 0.0) if stage == "read" else spent


def _percent(part: float, whole: float) -> float:
    return 100.0 * part / whole if whole else 0.0
