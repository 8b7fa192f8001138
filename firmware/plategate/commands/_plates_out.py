# SPDX-License-Identifier: Apache-2.0
"""How `read` and `decide` print a picture: as a JSON line, or as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plategate.documents import plate_document

if TYPE_CHECKING:
    from plategate.commands._pictures import Outcome
    from plategate.vision.pipeline import PlateFound


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The JSON object of one picture, as the manual fixes it."""
    if outcome.error is not None or outcome.reading is None:
        return {"file": str(outcome.file), "error": outcome.error}
    return {
        "file": str(outcome.file),
        "plates": [plate_document(found.reading, found.region) for found in outcome.reading.plates],
        "milliseconds": {stage: round(spent, 1) for stage, spent in outcome.milliseconds},
    }


def as_lines(outcome: Outcome) -> list[str]:
    """One line a plate, with the picture's name in front; one line where there is none."""
    if outcome.error is not None or outcome.reading is None:
        return [f"{outcome.file}: {outcome.error}"]
    if not outcome.reading.plates:
        return [f"{outcome.file}: no plate"]
    return [f"{outcome.file}: {_sentence(found)}" for found in outcome.reading.plates]


def _sentence(found: PlateFound) -> str:
    reading = found.reading
    weakest = min(reading.characters, key=lambda item: item.confidence)
    others = ", ".join(other.text for other in reading.alternatives[:2])
    doubt = f", weakest {weakest.char}" if reading.confidence < 0.9 else ""
    return (
        f"{reading.text:<10} {reading.confidence:6.1%}{doubt}"
        f"  ({found.region.width:.0f} px wide, {found.region.localizer}, {reading.reader}"
        f"{'; or ' + others if others else ''})"
    )
