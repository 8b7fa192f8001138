# SPDX-License-Identifier: Apache-2.0
"""PURE: the likely misreadings of a plate, and which of them would be taken for it.

A misreading is tried twice: read with certainty, and with the reader in doubt about the character
that is wrong. Other plates on the lists are brought by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from plategate.access.matching.candidates import likely_texts
from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.matching.match import Explanations, Outcome, Strictness, weigh
from plategate.plates.confusions import installed_confusions
from plategate.plates.text import ALPHABET
from plategate.values import CharacterReading, PlateReading

# Share of the misreads of a character from which on two characters count as easily confused.
EASILY_CONFUSED = 0.05
SURE = 0.98
IN_DOUBT, DOUBTED = 0.5, 0.3  # of the character that was read, and of the one on the plate


@dataclass(frozen=True, slots=True)
class Misreading:
    """A text that a plate may be read as, and when it would be taken for the plate."""

    text: str
    if_sure: bool
    if_in_doubt: bool


def one_confusion_away(plate: str) -> Iterator[str]:
    """The texts that differ from a plate in one easily confused character."""
    confusions = installed_confusions()
    for place, char in enumerate(plate):
        for other in ALPHABET:
            if other != char and confusions.instead[other][char] >= EASILY_CONFUSED:
                yield plate[:place] + other + plate[place + 1 :]


def misreadings(
    plate: str,
    strictness: Strictness,
    known: Callable[[Collection[str]], Collection[str]],
    fits: Callable[[str], bool],
) -> Iterator[Misreading]:
    """Every text one confusion away that would be accepted for a plate on the allow list.

    `known` says which plates on lists and in records are among, or near, some texts.
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
    return match.outcome is Outcome.MATCHED and match.plate == plate
