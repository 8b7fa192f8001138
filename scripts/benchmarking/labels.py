# SPDX-License-Identifier: Apache-2.0
"""Reads a labelled folder: plates.csv with one line for each plate, and its photographs."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledPlate:
    """One plate: its upright box in pixels, and its text if known."""

    box: Box
    text: str | None
    two_line: bool


@dataclass(frozen=True)
class LabelledPicture:
    """One photograph with its labelled plates."""

    file: Path
    group: str
    plates: tuple[LabelledPlate, ...]


COLUMNS = ("set", "image", "x0", "y0", "x1", "y1", "text")


def read_labels(folder: Path, split: str | None, only: str | None = None) -> list[LabelledPicture]:
    """The pictures of a split, or of all if it is None, in the order of the file.

    SystemExit names the file, line and column of what cannot be used.
    """
    table = folder / "plates.csv"
    plates: dict[tuple[str, str], list[LabelledPlate]] = {}
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
                raise SystemExit(f"{table}: there is no column {', '.join(missing)}")
            for row in rows:
                if split is not None and row.get("split", split) != split:
                    continue
                if only is not None and row["set"] != only:
                    continue
                where = f"{table}, line {rows.line_num}"
                plates.setdefault((row["set"], row["image"]), []).append(_plate(row, where))
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"{table} cannot be read: {error}") from error
    if not plates:
        raise SystemExit(f"{table} has no plate of split {split or 'any'}, set {only or 'any'}")
    return [
        LabelledPicture(folder / image, group, tuple(found))
        for (group, image), found in plates.items()
    ]


def widest_only(picture: LabelledPicture) -> LabelledPicture:
    """The picture with the label of its widest plate only: the car that stands before the gate."""
    widest = max(picture.plates, key=lambda plate: plate.box[2] - plate.box[0])
    return replace(picture, plates=(widest,))


def _plate(row: dict[str, str], where: str) -> LabelledPlate:
    sides = []
    for name in ("x0", "y0", "x1", "y1"):
        try:
            sides.append(float(row[name]))
        except (TypeError, ValueError):
            raise SystemExit(f"{where}: {name} is {row[name]!r}, not a number of pixels") from None
    x0, y0, x1, y1 = sides
    return LabelledPlate((x0, y0, x1, y1), row["text"] or None, row.get("two_line") == "1")
