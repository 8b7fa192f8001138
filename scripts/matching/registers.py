# SPDX-License-Identifier: Apache-2.0
"""Generates lists of realistic plates and matches readings with them as a gate does."""

from __future__ import annotations

import csv
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plategate.access.matching.candidates import likely_texts, near_keys, wide_keys
from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.matching.match import (
    EXACT,
    Explanations,
    Match,
    MatchResult,
    Strictness,
    weigh,
)
from plategate.access.matching.misreadings import one_confusion_away
from plategate.plates.confusions import Confusions
from plategate.plates.formats import all_formats
from plategate.plates.text import DIGITS, LETTERS, lookalike_key
from plategate.values import PlateReading

FITS = lru_cache(maxsize=None)(all_formats().fits)  # the formats that the gate takes


def real_plates(folder: Path) -> list[str]:
    """The registrations of a labelled folder, all splits."""
    with (folder / "plates.csv").open(encoding="utf-8", newline="") as file:
        return sorted({row["text"] for row in csv.DictReader(file) if row["text"]})


def made_up(count: int, real: list[str], seed: int, without: Collection[str]) -> list[str]:
    """Plates in the formats of real ones, with randomly drawn letters and digits."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        pattern = chance.choice(real)
        keep = chance.randrange(3)  # area codes and the like stay as often as not
        plate = "".join(
            char if place < keep else chance.choice(DIGITS if char in DIGITS else LETTERS)
            for place, char in enumerate(pattern)
        )
        if plate not in without:
            found[plate] = None
    return list(found)


def neighbours(plate: str, count: int, seed: int) -> list[str]:
    """Plates that differ from one in a single, easily confused character and may exist."""
    near = sorted({text for text in one_confusion_away(plate) if FITS(text)})
    return random.Random(f"{seed} {plate}").sample(near, min(count, len(near)))


@dataclass(frozen=True)
class PlainRule:
    """A rule of other systems, for comparison: look-alikes or one edit, if one plate fits."""

    name: str
    wide: bool

    def fits(self, read: str, plate: str) -> bool:
        """Whether the rule matches the reading with the plate."""
        alike = lookalike_key(read) == lookalike_key(plate)
        return within_one_edit(read, plate) if self.wide else alike


PLAIN_LOOKALIKES = PlainRule("plain: look-alike classes", wide=False)
PLAIN_EDIT = PlainRule("plain: one edit away", wide=True)
Level = Strictness | PlainRule


def within_one_edit(one: str, other: str) -> bool:
    """Whether two texts differ by at most one inserted, deleted or replaced character."""
    short, full = sorted((one, other), key=len)
    if len(full) - len(short) > 1:
        return False
    place = next((n for n, c in enumerate(short) if c != full[n]), len(short))
    rest = place + 1 if len(short) == len(full) else place
    return short[rest:] == full[place + 1 :]


class Remembering(ReadingLikelihood):
    """Likelihoods of plates, each computed once."""

    def __init__(self, reading: PlateReading, confusions: Confusions) -> None:
        super().__init__(reading, confusions)
        self._known: dict[str, float] = {}

    def of(self, plate: str) -> float:
        """The log-likelihood of a plate."""
        if plate not in self._known:
            self._known[plate] = super().of(plate)
        return self._known[plate]


class Asked:
    """One reading, with values computed once for all lists."""

    def __init__(self, reading: PlateReading, confusions: Confusions) -> None:
        self.reading = reading
        self.texts = likely_texts(reading)
        self.near, self.wide = near_keys(reading), wide_keys(reading)
        self.likelihood = Remembering(reading, confusions)

    def keys(self, strictness: Level) -> set[str]:
        """The look-up keys of a level."""
        return self.wide if strictness.wide else self.near


class Register:
    """A list in memory, indexed by look-alike key like the one on disk."""

    def __init__(self, plates: Iterable[str]) -> None:
        self.plates = set(plates)
        self._by_key: dict[str, list[str]] = {}
        for plate in self.plates:
            self._by_key.setdefault(lookalike_key(plate), []).append(plate)

    def like(self, keys: Iterable[str]) -> list[str]:
        """The plates with one of the keys."""
        return [plate for key in keys for plate in self._by_key.get(key, ())]


def judged(
    asked: Asked, others: Register, listed: Collection[str], level: Level, least: float
) -> Match:
    """The gate's decision with `others` and `listed` on the allow list, without time limits."""
    read = asked.reading.text
    if asked.reading.confidence >= least and (read in listed or read in others.plates):
        return Match(MatchResult.MATCHED, read)
    if level is EXACT:
        return Match(MatchResult.NONE)
    keys = asked.keys(level)
    found = {*others.like(keys), *(plate for plate in listed if lookalike_key(plate) in keys)}
    if isinstance(level, PlainRule):
        plates = [plate for plate in found if level.fits(read, plate)]
        return (
            Match(MatchResult.MATCHED, plates[0]) if len(plates) == 1 else Match(MatchResult.NONE)
        )
    return weigh(asked.likelihood, Explanations(found, (), asked.texts), level, FITS)
