# SPDX-License-Identifier: Apache-2.0
"""Format a picture's result for `read` and `decide`: one JSON object, or lines of text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from plategate.documents import plate_document
from plategate.errors import printable

if TYPE_CHECKING:
    from plategate.commands.shared.pictures import PictureResult
    from plategate.vision.pipeline import PlateFound


def as_json(outcome: PictureResult) -> dict[str, Any]:
    """The JSON object of one picture; its keys are documented and do not change."""
    if outcome.error is not None or outcome.reading is None:
        return {"file": str(outcome.file), "error": outcome.error}
    return {
        "file": str(outcome.file),
        "plates": [plate_document(found.reading, found.region) for found in outcome.reading.plates],
        "lettering": [
            plate_document(found.reading, found.region) for found in outcome.reading.lettering
        ],
        "milliseconds": {stage: round(spent, 1) for stage, spent in outcome.milliseconds},
    }


def json_line(document: dict[str, Any]) -> str:
    """One line of JSON; bytes of a file name that are not UTF-8 become escapes such as \\udce9."""
    text = json.dumps(document, ensure_ascii=False)
    return re.sub(r"[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def as_lines(outcome: PictureResult) -> list[str]:
    """One line for each plate, starting with the file; one line if there is no plate.

    A line for each piece of other lettering follows, such as a badge or a sign.
    """
    if outcome.error is not None or outcome.reading is None:
        return [printable(f"{outcome.file}: {outcome.error}")]
    said = [_sentence(found) for found in outcome.reading.plates] or ["no plate"]
    said += [f"{_sentence(found)}: not a plate" for found in outcome.reading.lettering]
    return [printable(f"{outcome.file}: {sentence}") for sentence in said]


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
