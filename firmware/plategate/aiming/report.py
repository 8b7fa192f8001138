# SPDX-License-Identifier: Apache-2.0
"""Look at one still for `aim`, and put what was found into a table or a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from plategate.aiming.advice import Finding, Grade
    from plategate.values import Still
    from plategate.vision.pipeline import Pipeline

COLOURS = ("green", "yellow", "red")
WORDS = ("good", "fair", "bad")


@dataclass(frozen=True, slots=True)
class Look:
    """One still: the text of its plate, if any, and what there is to say."""

    source: str
    text: str | None
    findings: tuple[Finding, ...]

    @property
    def grade(self) -> Grade:
        """The worst of the findings."""
        from plategate.aiming.advice import worst

        return worst(self.findings)

    def document(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {
            "file": self.source,
            "plate": self.text,
            "grade": WORDS[self.grade],
            "findings": [
                {
                    "name": finding.name,
                    "value": finding.value,
                    "grade": WORDS[finding.grade],
                    "advice": finding.advice,
                }
                for finding in self.findings
            ],
        }


def look_at(pipeline: Pipeline, still: Still) -> Look:
    """Find the plate of a still and measure it."""
    from plategate.aiming.advice import judge
    from plategate.aiming.measure import measure_plate, measure_scene

    reading = pipeline.read_still(still, every=False)  # quick: a camera is aimed at one plate
    region = None
    if reading.best is not None:
        region = reading.best.region
    elif reading.regions:
        region = reading.regions[0]
    measured = None if region is None else measure_plate(still.image, region)
    text = None if reading.best is None else reading.best.reading.text
    return Look(still.source, text, judge(measured, measure_scene(still.image)))


def table_of(look: Look) -> Table:
    """What a person on a ladder reads."""
    from rich.table import Table

    table = Table(
        title=f"{look.source}: {look.text or 'nothing read'}",
        title_justify="left",
        title_style="bold",
        expand=False,
    )
    for column in ("", "is", "", "to do"):
        table.add_column(column)
    for finding in look.findings:
        colour = COLOURS[finding.grade]
        word = f"[{colour}]{WORDS[finding.grade]}[/]"
        table.add_row(finding.name, finding.value, word, finding.advice)
    return table
