# SPDX-License-Identifier: Apache-2.0
"""How well a plate explains a reading: the log of the share that the readers leave to it.

Uses the confidence and the alternatives of every character, then the table of confusions for what
the readers do not say. A plate may differ in any characters, and have one more or one less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plategate.plates.confusions import Confusions
from plategate.plates.text import TWINS
from plategate.values import CharacterReading, PlateReading

IMPOSSIBLE = -1e9
# Of what a reader leaves open about a character, the share that there is none at all.
NOTHING_THERE = 0.3


class ReadingLikelihood:
    """Scores plates against one reading; pure."""

    def __init__(self, reading: PlateReading, confusions: Confusions) -> None:
        """Work out once what each character of the reading may be."""
        self.text = reading.text
        self._confusions = confusions
        self._places = [_shares(c, confusions) for c in reading.characters]
        length = len(self._places)
        self._extra = [
            math.log(max(confusions.extra(i, length), NOTHING_THERE * (1 - c.confidence)))
            for i, c in enumerate(reading.characters)
        ]
        self._texts = {a.text: math.log(max(a.confidence, 1e-9)) for a in reading.alternatives}

    def of(self, plate: str) -> float:
        """The log-likelihood of a canonical plate; IMPOSSIBLE where lengths are too different."""
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
        ahead, behind = _sums(self._places, plate[:-1]), _sums(self._places, plate[1:])
        return max(
            ahead[place]
            + math.log(self._confusions.missed(place, len(plate)))
            + (behind[-1] - behind[place])
            for place in range(len(plate))
        )

    def _one_extra(self, plate: str) -> float:
        ahead, behind = _sums(self._places[:-1], plate), _sums(self._places[1:], plate)
        return max(
            ahead[place] + self._extra[place] + (behind[-1] - behind[place])
            for place in range(len(self._places))
        )


def _sums(places: Sequence[dict[str, float]], plate: str) -> list[float]:
    """Running sums of the log shares of a plate laid over the places."""
    sums = [0.0]
    for row, char in zip(places, plate, strict=True):
        sums.append(sums[-1] + row[char])
    return sums


def _shares(character: CharacterReading, confusions: Confusions) -> dict[str, float]:
    """The log share of each character that may truly be at a place."""
    read, sure = character.char, min(max(character.confidence, 1e-6), 1.0)
    said = {read: sure}
    for char, share in character.alternatives:
        if char not in said and char in confusions.instead[read]:
            said[char] = max(share, 0.0)
    if (twin := TWINS.get(read)) is not None:
        # The readers' confidence is calibrated with twins folded: it says nothing between them.
        said[twin] = max(said.get(twin, 0.0), confusions.twin * sure)
    total = sum(said.values())
    scale = 1 / total if total > 1 else 1.0
    left_open = max(1 - total, 0.0)
    trust, doubt = 1 - confusions.misread, confusions.misread
    logs = {}
    for char, likeness in confusions.instead[read].items():
        share = trust * (said.get(char, 0.0) * scale + left_open * likeness) + doubt * likeness
        logs[char] = math.log(share)
    logs[read] = math.log(trust * sure * scale)
    return logs
