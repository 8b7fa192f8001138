# SPDX-License-Identifier: Apache-2.0
"""Character likelihoods at one position of a plate, from one reading (`View`) and from several.

A view gives a likelihood for every character and for "no character here". Readings may also leave
open one more character before their first or behind their last one (typically 1 or I next to the
rim): these positions get views of their own. Pure functions on numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plategate.plates.text import ALPHABET
from plategate.values import CharacterReading, PlateReading, TextAlternative

NOTHING = ""
# Upper limit of a reader's confidence in a single character.
MOST_SURE = 0.9995
# Share of a reader's doubt about a character that goes to "no character" (dirt, rim, screw).
PHANTOM_SHARE = 0.6
# Probability that a reading lacks a character that is there: cut off at an end of the plate, or
# blurred into its neighbours. Both chosen on the validation split.
CUT_OFF = 0.1
MISSED = 0.03
LEAST = 1e-9
# Doubt about an end of the plate below this gets no position of its own.
LEAST_DOUBT = 0.02
# From this doubt about an end on, equal texts do not raise each other's confidence, and readings of
# one still are together no surer than the one that doubts most.
SOME_DOUBT = 0.1
REST = 1e-4  # likelihood of each character at an end that no longer text has there


@dataclass(frozen=True, slots=True)
class View:
    """Likelihoods at one position; each character that is not listed has `rest`."""

    listed: Mapping[str, float]
    rest: float
    favourite: str = field(init=False)  # the most likely character, or NOTHING

    def __post_init__(self) -> None:
        best = max([(share, char) for char, share in self.listed.items()])[1]
        object.__setattr__(self, "favourite", best)

    def of(self, char: str) -> float:
        """Likelihood of `char`, or of NOTHING."""
        return max(LEAST, self.listed.get(char, self.rest))


MISSING = View({NOTHING: 1.0}, MISSED)
MISSING_AT_END = View({NOTHING: 1.0}, CUT_OFF)


def view_of(character: CharacterReading) -> View:
    """A character reading as likelihoods that sum to one."""
    sure = min(character.confidence, MOST_SURE)
    listed = {character.char: sure}
    left = 1.0 - sure
    listed_share = sum([share for char, share in character.alternatives if char != character.char])
    shrink = min(1.0, 0.999 * left / listed_share) if listed_share > 0 else 0.0
    for char, share in character.alternatives:
        if char not in listed:
            listed[char] = share * shrink
    left = max(0.0, 1.0 - sum(listed.values()))
    # A reader that reports a character cannot by itself prefer "no character".
    listed[NOTHING] = min(left * PHANTOM_SHARE, 0.9 * sure)
    others = len(ALPHABET) + 1 - len(listed)
    return View(listed, (left - listed[NOTHING]) / max(1, others))


def same_character(one: View, other: View) -> float:
    """Probability that two views are of the same character."""
    same, listed = 0.0, 0
    for char, share in one.listed.items():
        if char != NOTHING:
            listed += 1
            same += share * other.listed.get(char, other.rest)
    for char, share in other.listed.items():
        if char != NOTHING and char not in one.listed:
            listed += 1
            same += share * one.rest
    return same + (len(ALPHABET) - listed) * one.rest * other.rest


def pooled(views: Sequence[View], weights: Sequence[float]) -> dict[str, float]:
    """The product of the views, each to the power of its weight; sums to one with the unlisted.

    If their favourites differ, no character gets more than its highest share in one view:
    disagreement may single out the one character possible in all, but never makes it certain.
    """
    chars = sorted({NOTHING}.union(*[view.listed for view in views]))
    logs = dict.fromkeys(chars, 0.0)
    rest = 0.0
    for view, weight in zip(views, weights, strict=True):
        unseen = weight * math.log(max(LEAST, view.rest))
        rest += unseen
        for char in chars:
            listed = view.listed.get(char)
            logs[char] += unseen if listed is None else weight * math.log(max(LEAST, listed))
    unlisted = len(ALPHABET) + 1 - len(chars)
    top = max(*logs.values(), rest)
    total = sum([math.exp(value - top) for value in logs.values()])
    total += unlisted * math.exp(rest - top)
    shares = {char: math.exp(value - top) / total for char, value in logs.items()}
    if any(view.favourite != views[0].favourite for view in views):
        return {c: min(share, max(v.of(c) for v in views)) for c, share in shares.items()}
    return shares


def ends(reading: PlateReading) -> tuple[list[View], list[View]]:
    """Views of the positions before and behind the reading; none where there is little doubt."""
    before: dict[str, float] = {}
    behind: dict[str, float] = {}
    text, as_read = reading.text, reading.confidence
    for other in longer(reading):
        if other.text[1:] == text:
            before[other.text[0]] = before.get(other.text[0], 0.0) + other.confidence
        else:
            behind[other.text[-1]] = behind.get(other.text[-1], 0.0) + other.confidence
    return _end_view(before, as_read), _end_view(behind, as_read)


def longer(reading: PlateReading) -> list[TextAlternative]:
    """The alternatives with one more character at an end."""
    text = reading.text
    return [one for one in reading.alternatives if text in (one.text[1:], one.text[:-1])]


def end_doubt(reading: PlateReading) -> float:
    """Probability of one more character at the more doubtful end, relative to the reading."""
    return max((1 - view.of(NOTHING) for views in ends(reading) for view in views), default=0.0)


def _end_view(extra: dict[str, float], as_read: float) -> list[View]:
    if not extra:
        return []
    whole = sum(extra.values()) + as_read
    doubt = sum(extra.values()) / whole if whole > 0 else 0.0
    if doubt < LEAST_DOUBT:
        return []
    listed = {char: share / whole for char, share in extra.items()}
    return [View({NOTHING: 1 - doubt, **listed}, REST)]
