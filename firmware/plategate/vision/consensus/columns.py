# SPDX-License-Identifier: Apache-2.0
"""What several readings say about one character of a plate, and what follows from all of them.

A view is one reading's opinion of one place: a likelihood for every character and for "no
character here". Pure functions on numbers; how readings are laid side by side is `agree_align`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plategate.plates.text import ALPHABET
from plategate.values import CharacterReading

NOTHING = ""
# No reader is surer than this about a single character, whatever it claims.
MOST_SURE = 0.9995
# Of what a reader leaves open, the share that its character is a smudge, a rim or a screw.
PHANTOM_SHARE = 0.6
# How likely a reading has no character where there is one: cut off at an end of the plate, or
# blurred into its neighbours. Both chosen on the validation split.
CUT_OFF = 0.1
MISSED = 0.03
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class View:
    """One opinion; characters that are not listed have the likelihood `rest` each."""

    listed: Mapping[str, float]
    rest: float
    favourite: str = field(init=False)  # the most likely character, or NOTHING

    def __post_init__(self) -> None:
        best = max(zip(self.listed.values(), self.listed, strict=True))[1]
        object.__setattr__(self, "favourite", best)

    def of(self, char: str) -> float:
        """Likelihood of `char`, or of NOTHING."""
        return max(LEAST, self.listed.get(char, self.rest))


MISSING = View({NOTHING: 1.0}, MISSED)
MISSING_AT_END = View({NOTHING: 1.0}, CUT_OFF)


def view_of(character: CharacterReading) -> View:
    """A reader's opinion as likelihoods that sum to one."""
    listed = {character.char: min(character.confidence, MOST_SURE)}
    left = 1.0 - listed[character.char]
    claimed = sum(share for char, share in character.alternatives if char != character.char)
    shrink = min(1.0, 0.999 * left / claimed) if claimed > 0 else 0.0
    for char, share in character.alternatives:
        if char not in listed:
            listed[char] = share * shrink
    left = max(0.0, 1.0 - sum(listed.values()))
    # A reader that shows a character never says on its own that there is none.
    listed[NOTHING] = min(left * PHANTOM_SHARE, 0.9 * listed[character.char])
    others = len(ALPHABET) + 1 - len(listed)
    return View(listed, (left - listed[NOTHING]) / max(1, others))


def overlap(one: View, other: View) -> float:
    """How likely two opinions are about the same character."""
    shared = [c for c in set(one.listed) | set(other.listed) if c != NOTHING]
    others = len(ALPHABET) - len(shared)
    return sum(one.of(c) * other.of(c) for c in shared) + others * one.rest * other.rest


def pooled(views: Sequence[View], weights: Sequence[float]) -> dict[str, float]:
    """The opinions multiplied, each to the power of its weight; sums to one with what is unlisted.

    Where they differ, the result is at most as sure as the surest of them: a disagreement can
    name the only character that all leave possible, but it does not make it certain.
    """
    chars = sorted({char for view in views for char in view.listed} | {NOTHING})
    logs = {c: _log(views, weights, c) for c in chars}
    unlisted = len(ALPHABET) + 1 - len(chars)
    rest = sum(w * math.log(max(LEAST, v.rest)) for v, w in zip(views, weights, strict=True))
    top = max(*logs.values(), rest)
    total = sum(math.exp(value - top) for value in logs.values())
    total += unlisted * math.exp(rest - top)
    shares = {char: math.exp(value - top) / total for char, value in logs.items()}
    if any(view.favourite != views[0].favourite for view in views):
        return {c: min(share, max(v.of(c) for v in views)) for c, share in shares.items()}
    return shares


def _log(views: Sequence[View], weights: Sequence[float], char: str) -> float:
    return sum(w * math.log(v.of(char)) for v, w in zip(views, weights, strict=True))
