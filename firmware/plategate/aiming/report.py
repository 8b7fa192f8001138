# SPDX-License-Identifier: Apache-2.0
"""Rates one still for `aim` and formats the result as a table or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from plategate.aiming.advice import Grade, Rating
    from plategate.values import Still
    from plategate.vision.pipeline import Pipeline

COLOURS = ("green", "yellow", "red")
WORDS = ("good", "fair", "bad")


@dataclass(frozen=True, slots=True)
class AimReport:
    """The ratings of one still, and the text of its plate if it was read."""

    source: str
    text: str | None
    plate_found: bool
    ratings: tuple[Rating, ...]
    corners: tuple[tuple[float, float], ...] = ()  # of the plate, as shares of width and height
    tilt_deg: float | None = None  # clockwise

    @property
    def grade(self) -> Grade:
        """The worst grade."""
        from plategate.aiming.advice import worst

        return worst(self.ratings)

    @property
    def heading(self) -> str:
        """The plate's text, or why there is none."""
        return self.text or ("plate found, not readable" if self.plate_found else "no plate found")

    def document(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {
            "file": self.source,
            "plate": self.text,
            "grade": WORDS[self.grade],
            "corners": [list(corner) for corner in self.corners],
            "tilt_deg": self.tilt_deg,
            "findings": [
                {
                    "name": rating.name,
                    "value": rating.value,
                    "grade": WORDS[rating.grade],
                    "advice": rating.advice,
                    "number": rating.number,
                    "limits": rating.limits,
                    "unit": rating.unit,
                }
                for rating in self.ratings
            ],
        }


def assess_still(pipeline: Pipeline, still: Still) -> AimReport:
    """Find the plate of a still, measure it and rate the measurements."""
    from plategate.aiming.advice import assess
    from plategate.aiming.measure import measure_plate, measure_scene

    reading = pipeline.read_still(still, every=False)  # one plate is enough, and faster
    region = None
    if reading.best is not None:
        region = reading.best.region
    elif reading.regions:
        region = reading.regions[0]
    measured = None if region is None else measure_plate(still.image, region)
    text = None if reading.best is None else reading.best.reading.text
    ratings = assess(measured, measure_scene(still.image))
    height, width = still.image.shape[:2]
    corners = () if region is None else tuple((x / width, y / height) for x, y in region.corners)
    tilt_deg = None if measured is None else measured.tilt_deg
    return AimReport(still.source, text, region is not None, ratings, corners, tilt_deg)


def report_table(report: AimReport) -> Table:
    """The table for the terminal."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(f"{report.source}: {report.heading}"),
        title_justify="left",
        title_style="bold",
        expand=False,
    )
    for column in ("", "value", "grade", "to do"):
        table.add_column(column)
    for rating in report.ratings:
        colour = COLOURS[rating.grade]
        word = f"[{colour}]{WORDS[rating.grade]}[/]"
        table.add_row(rating.name, rating.value, word, rating.advice)
    return table
