# SPDX-License-Identifier: Apache-2.0
"""Decide whether a reading counts as a listed plate; pure, without access to the database.

The best listed plate is compared with every other explanation of the reading: other known plates
(on any list or in the records) and unknown texts. `search` finds the candidates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from plategate.access.matching.likelihood import IMPOSSIBLE, ReadingLikelihood
from plategate.plates.text import lookalike_key


class MatchResult(StrEnum):
    """The result of matching one reading."""

    MATCHED = "matched"
    NONE = "none"  # no listed plate explains the reading well enough
    UNSURE = "unsure"  # an unlisted text explains it as well as the best listed plate
    AMBIGUOUS = "ambiguous"  # another known plate explains it about as well


@dataclass(frozen=True, slots=True)
class Strictness:
    """Thresholds for counting as a listed plate; margins are likelihood ratios."""

    name: str
    wide: bool  # any one character may differ, not only a look-alike
    listed_odds: float  # prior odds of a listed plate against one unlisted text
    over_known: float  # least margin over any other known plate
    least: float  # least likelihood of a match
    misfit: float  # weight of an unknown text that fits no plate format


EXACT = Strictness("exact", False, 1.0, math.inf, 1.0, 1.0)
# `listed_odds` and `least` were chosen with scripts/matching_rates (docs/owner/matching.md).
LOOKALIKE = Strictness("lookalike", False, 3.0, 20.0, 1e-3, 0.05)
LIKELY = Strictness("likely", True, 10.0, 20.0, 1e-3, 0.05)
LEVELS = {level.name: level for level in (EXACT, LOOKALIKE, LIKELY)}


@dataclass(frozen=True, slots=True)
class Explanations:
    """Possible explanations of a reading: listed plates, other known plates, other texts."""

    listed: Collection[str]
    known: Collection[str]
    texts: Collection[str]


@dataclass(frozen=True, slots=True)
class Match:
    """The result, the listed plate that explains the reading best, and its log-likelihood."""

    result: MatchResult
    plate: str | None = None
    score: float = IMPOSSIBLE


def weigh(
    likelihood: ReadingLikelihood,
    found: Explanations,
    strictness: Strictness,
    fits: Callable[[str], bool],
) -> Match:
    """Match a reading; `fits` tells whether a text has the format of a plate."""
    read = likelihood.text
    listed = [p for p in found.listed if strictness.wide or _alike(p, read)]
    ranked = sorted(((likelihood.of(plate), plate) for plate in set(listed)), reverse=True)
    if not ranked or ranked[0][0] < math.log(strictness.least):
        return Match(MatchResult.NONE)
    score, plate = ranked[0]
    known = {*found.known, *found.listed} - {plate}
    if read in known:
        # The text that was read is itself a known plate, so it never counts as another one.
        return Match(MatchResult.NONE, plate, score)
    rival = max((likelihood.of(other) for other in known), default=IMPOSSIBLE)
    if score - rival < math.log(strictness.over_known):
        return Match(MatchResult.AMBIGUOUS, plate, score)
    strangers = {*found.texts, read} - known - {plate}
    stranger = max(
        (_weighted(likelihood, s, strictness, fits) for s in strangers), default=IMPOSSIBLE
    )
    if score + math.log(strictness.listed_odds) < stranger:
        return Match(MatchResult.UNSURE, plate, score)
    return Match(MatchResult.MATCHED, plate, score)


def _alike(plate: str, read: str) -> bool:
    return lookalike_key(plate) == lookalike_key(read)


def _weighted(
    likelihood: ReadingLikelihood,
    text: str,
    strictness: Strictness,
    fits: Callable[[str], bool],
) -> float:
    return likelihood.of(text) + (0.0 if fits(text) else math.log(strictness.misfit))
