# SPDX-License-Identifier: Apache-2.0
"""Say how much a text looks like a plate of some countries: evidence for a candidate, never force.

A text that fits no format is not punished beyond what fitting ones gain, and is still read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from plategate.plates.formats import (
    Format,
    Pack,
    known_countries,
    load_pack,
    shape_of,
)
from plategate.plates.text import ALPHABET, DIGITS
from plategate.values import PlateReading

# How far the evidence counts beside what the readers saw; learned on the validation split.
STRENGTH = 0.35
# Share of plates that fit no format of their pack: military, old, chosen, foreign.
IRREGULAR = 0.1
SHORTEST, FEWEST, MOST = 2, 3, 11
WEAKEST, SHORT_BUT_SURE = 0.05, 0.5


class Grammar:
    """The formats of the chosen countries; called with a text it gives log-odds in its favour."""

    def __init__(self, packs: Sequence[Pack], strength: float = STRENGTH) -> None:
        self._strength = strength
        self._by_shape: dict[str, list[tuple[Format, float]]] = {}
        for pack in packs:
            share = (1 - IRREGULAR) / len(packs) / len(pack.formats)
            for found in pack.formats:
                # How much likelier a text of this format is than any other of its length.
                gain = share * len(ALPHABET) ** found.length / found.texts
                for shape in found.shapes:
                    self._by_shape.setdefault(shape, []).append((found, gain))

    def __call__(self, text: str) -> float:
        formats = self._by_shape.get(shape_of(text), ())
        gain = sum(gain for found, gain in formats if found.fits(text))
        return self._strength * math.log(IRREGULAR + gain)

    def fits(self, text: str) -> bool:
        """Whether the text has a format of the chosen countries."""
        return any(found.fits(text) for found, _ in self._by_shape.get(shape_of(text), ()))


def choose_grammar(countries: Sequence[str]) -> Callable[[str], float] | None:
    """The evidence for `vision.countries`; None, which is no evidence, where any may come."""
    if not countries:
        return None
    return Grammar([load_pack(country) for country in dict.fromkeys(countries)])


def looks_like_plate(reading: PlateReading) -> bool:
    """Whether a reading may be a plate at all, and not a badge, a sign or a web address.

    Registrations of nearly all countries have a digit; words without one are taken only when
    they are short and read with certainty, since a chosen plate may be a word. A letter and a digit
    are the shortest that are issued; noise reads like that too, so they must be read fairly well.
    """
    text = reading.text
    if len(text) == SHORTEST:
        return (
            len({char in DIGITS for char in text}) == SHORTEST
            and reading.confidence > SHORT_BUT_SURE
        )
    if not FEWEST <= len(text) <= MOST or reading.confidence < WEAKEST:
        return False
    if len(set(text)) == 1 and len(text) > FEWEST:
        return text[0] in DIGITS and reading.confidence > 0.8
    digits = sum(char in DIGITS for char in text)
    if digits == 0:
        return len(text) <= 8 and reading.confidence > 0.8
    return True


def any_country() -> Grammar:
    """The formats of all packs together, for trials."""
    return Grammar([load_pack(country) for country in known_countries()])
