# SPDX-License-Identifier: Apache-2.0
"""Read a labelled folder: plates.csv with one line a plate, and the photographs that it names."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledPlate:
    """One plate: its upright box in pixels, and its registration where that is known."""

    box: Box
    text: str | None
    two_line: bool


@dataclass(frozen=True)
class LabelledPicture:
    """One photograph with the plates that were labelled in it."""

    file: Path
    group: str
    plates: tuple[LabelledPlate, ...]


def read_labels(folder: Path, split: str | None, only: str | None = None) -> list[LabelledPicture]:
    """The pictures of a split, or of all where it is None, in the order of the file."""
    plates: dict[tuple[str, str], list[LabelledPlate]] = {}
    with (folder / "plates.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if split is not None and row.get("split", split) != split:
                continue
            if only is not None and row["set"] != only:
                continue
            box = tuple(float(row[side]) for side in ("x0", "y0", "x1", "y1"))
            plate = LabelledPlate(
                (box[0], box[1], box[2], box[3]), row["text"] or None, row.get("two_line") == "1"
            )
            plates.setdefault((row["set"], row["image"]), []).append(plate)
    return [
        LabelledPicture(folder / image, group, tuple(found))
        for (group, image), found in plates.items()
    ]
