# SPDX-License-Identifier: Apache-2.0
"""What a reading leaves open about one more character before its first or behind its last one.

A bar beside a wide letter or the rim is easily overlooked: the reader knows of the longer text,
but each of its characters says only what it may be itself.
"""

from __future__ import annotations

from plategate.values import PlateReading, TextAlternative
from plategate.vision.consensus.columns import NOTHING, View

# Less than this is not worth a column.
LEAST_DOUBT = 0.02
# From here on readings of the same text do not make each other surer, and those of one still are no
# surer together than the one that doubts most.
SOME_DOUBT = 0.1
REST = 1e-4  # likelihood of each character that no other text shows there


def ends(reading: PlateReading) -> tuple[list[View], list[View]]:
    """A view of the place before the reading and one of that behind it, where it doubts these."""
    before: dict[str, float] = {}
    behind: dict[str, float] = {}
    for other in longer(reading):
        if other.text[1:] == reading.text:
            before[other.text[0]] = before.get(other.text[0], 0.0) + other.confidence
        else:
            behind[other.text[-1]] = behind.get(other.text[-1], 0.0) + other.confidence
    return _place(before, reading.confidence), _place(behind, reading.confidence)


def longer(reading: PlateReading) -> list[TextAlternative]:
    """What the reading may be instead with one character more at an end."""
    text = reading.text
    return [one for one in reading.alternatives if text in (one.text[1:], one.text[:-1])]


def end_doubt(reading: PlateReading) -> float:
    """How likely there is one more character at an end, beside the reading as it is: 0 to 1."""
    return max((1 - view.of(NOTHING) for views in ends(reading) for view in views), default=0.0)


def _place(more: dict[str, float], as_read: float) -> list[View]:
    whole = sum(more.values()) + as_read
    doubt = sum(more.values()) / whole if whole > 0 else 0.0
    if doubt < LEAST_DOUBT:
        return []
    listed = {char: share / whole for char, share in more.items()}
    return [View({NOTHING: 1 - doubt, **listed}, REST)]
