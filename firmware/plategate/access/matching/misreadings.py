# SPDX-License-Identifier: Apache-2.0
"""List the likely misreadings of a plate that would be accepted as this plate; pure.

Each misreading is tested twice: read with high confidence, and with low confidence in the wrong
character. The caller supplies the other plates on the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from plategate.access.matching.candidates import likely_texts
from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.matching.match import Explanations, MatchResult, Strictness, weigh
from plategate.plates.confusions import installed_confusions
from plategate.plates.text import ALPHABET
from plategate.values import CharacterReading, PlateReading

# Two characters count as easily confused from this share of the misreads of one of them.
EASILY_CONFUSED = 0.05
SURE = 0.98
IN_DOUBT, DOUBTED = 0.5, 0.3  # confidence of the wrong and of the right character


@dataclass(frozen=True, slots=True)
class Misreading:
    """A text that a plate may be read as, and whether it would be accepted as the plate."""

    text: str
    if_sure: bool
    if_in_doubt: bool


def one_confusion_away(plate: str) -> Iterator[str]:
    """All texts that differ from a plate in one easily confused character."""
    confusions = installed_confusions()
    for place, char in enumerate(plate):
        for other in ALPHABET:
            if other != char and confusions.instead[other].get(char, 0.0) >= EASILY_CONFUSED:
                yield plate[:place] + other + plate[place + 1 :]


def misreadings(
    plate: str,
    strictness: Strictness,
    known: Callable[[Collection[str]], Collection[str]],
    fits: Callable[[str], bool],
) -> Iterator[Misreading]:
    """Every text one confusion away that would be accepted as the listed plate `plate`.

    `known` returns the plates on lists and in records that equal or resemble some texts.
    """
    for text in one_confusion_away(plate):
        sure = _accepted(_reading(text, plate, SURE, 0.0), plate, strictness, known, fits)
        doubt = _accepted(_reading(text, plate, IN_DOUBT, DOUBTED), plate, strictness, known, fits)
        if sure or doubt:
            yield Misreading(text, sure, doubt)


def _reading(text: str, plate: str, confidence: float, share: float) -> PlateReading:
    characters = []
    for read, true in zip(text, plate, strict=True):
        alternatives = ((true, share),) if share and read != true else ()
        sure = confidence if read != true else SURE
        characters.append(CharacterReading(read, sure, alternatives))
    return PlateReading(tuple(characters), "supposed")


def _accepted(
    reading: PlateReading,
    plate: str,
    strictness: Strictness,
    known: Callable[[Collection[str]], Collection[str]],
    fits: Callable[[str], bool],
) -> bool:
    texts = likely_texts(reading)
    found = Explanations((plate,), known(texts), texts)
    likelihood = ReadingLikelihood(reading, installed_confusions())
    match = weigh(likelihood, found, strictness, fits)
    return match.result is MatchResult.MATCHED and match.plate == plate
