# SPDX-License-Identifier: Apache-2.0
"""Log-likelihood of a plate given a reading.

Uses the confidence and alternatives of every character, and the confusion table where the readers
give no alternative. A plate may differ in any number of characters and be one character longer or
shorter than the reading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plategate.plates.confusions import Confusions
from plategate.plates.text import TWINS
from plategate.values import CharacterReading, PlateReading

IMPOSSIBLE = -1e9
# Share of a character's remaining uncertainty that it does not exist on the plate.
NOTHING_THERE = 0.3


class ReadingLikelihood:
    """Scores plates against one reading."""

    def __init__(self, reading: PlateReading, confusions: Confusions) -> None:
        """Compute the log-probabilities of each position once."""
        self.text = reading.text
        self._confusions = confusions
        self._places = [_shares(c, confusions) for c in reading.characters]
        length = len(self._places)
        self._extra = [
            math.log(max(confusions.extra(i, length), NOTHING_THERE * (1 - c.confidence)))
            for i, c in enumerate(reading.characters)
        ]
        texts = {a.text: a.confidence for a in reading.alternatives}
        if max(texts.values(), default=0.0) > reading.confidence:
            # Contradiction between readers limits the confidence of every character. The product
            # of these would be far below the alternatives, which have one probability per text.
            texts[reading.text] = reading.confidence
        self._texts = {text: math.log(max(share, 1e-9)) for text, share in texts.items()}

    def of(self, plate: str) -> float:
        """Log-likelihood of a canonical plate; IMPOSSIBLE if its length differs by 2 or more."""
        difference = len(plate) - len(self._places)
        if difference == 0:
            found = sum(row[char] for row, char in zip(self._places, plate, strict=True))
        elif difference == 1:
            found = self._one_missed(plate)
        elif difference == -1 and plate:
            found = self._one_extra(plate)
        else:
            found = IMPOSSIBLE
        return max(found, self._texts.get(plate, IMPOSSIBLE))

    def _one_missed(self, plate: str) -> float:
        before, after = _sums(self._places, plate[:-1]), _sums(self._places, plate[1:])
        return max(
            before[place]
            + math.log(self._confusions.missed(place, len(plate)))
            + (after[-1] - after[place])
            for place in range(len(plate))
        )

    def _one_extra(self, plate: str) -> float:
        before, after = _sums(self._places[:-1], plate), _sums(self._places[1:], plate)
        return max(
            before[place] + self._extra[place] + (after[-1] - after[place])
            for place in range(len(self._places))
        )


def _sums(places: Sequence[dict[str, float]], plate: str) -> list[float]:
    """Running sums of the log-probabilities of the characters of `plate` at these positions."""
    sums = [0.0]
    for row, char in zip(places, plate, strict=True):
        sums.append(sums[-1] + row[char])
    return sums


def _shares(character: CharacterReading, confusions: Confusions) -> dict[str, float]:
    """The log-probability of each character that may be at a position."""
    read, sure = character.char, min(max(character.confidence, 1e-6), 1.0)
    stated = {read: sure}
    for char, share in character.alternatives:
        if char not in stated and char in confusions.instead[read]:
            stated[char] = max(share, 0.0)
    if (twin := TWINS.get(read)) is not None:
        # Confidence is calibrated with twins folded, so it does not distinguish between them.
        stated[twin] = max(stated.get(twin, 0.0), confusions.twin * sure)
    total = sum(stated.values())
    scale = 1 / total if total > 1 else 1.0
    remaining = max(1 - total, 0.0)
    trust, doubt = 1 - confusions.misread, confusions.misread
    logs = {}
    for char, likeness in confusions.instead[read].items():
        share = trust * (stated.get(char, 0.0) * scale + remaining * likeness) + doubt * likeness
        logs[char] = math.log(share)
    logs[read] = math.log(trust * sure * scale)
    return logs
