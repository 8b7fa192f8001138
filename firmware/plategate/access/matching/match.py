# SPDX-License-Identifier: Apache-2.0
"""PURE: whether a reading may count as a listed plate, weighed against every other explanation.

Other explanations are all other plates that are known (on any list, in the records) and texts that
nobody knows. Which plates come into question is found by `search`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from plategate.access.matching.likelihood import IMPOSSIBLE, ReadingLikelihood
from plategate.plates.text import lookalike_key


class Outcome(StrEnum):
    """What the weighing came to."""

    MATCHED = "matched"
    NONE = "none"  # nothing listed explains the reading well enough
    UNSURE = "unsure"  # a listed plate and an unlisted one explain it about as well
    AMBIGUOUS = "ambiguous"  # two known plates explain it about as well


@dataclass(frozen=True, slots=True)
class Strictness:
    """How much it takes to count as a listed plate; margins are ratios of likelihoods."""

    name: str
    wide: bool  # any one character may differ, not only look-alikes
    listed_odds: float  # how much likelier a listed plate is at this gate than one unlisted text
    over_known: float  # how much better than any other known plate it must explain the reading
    least: float  # likelihood below which nothing is matched
    misfit: float  # what a text that fits no format is worth as another explanation


EXACT = Strictness("exact", False, 1.0, math.inf, 1.0, 1.0)
# Odds and least were chosen on the curve of scripts/matching_rates (docs/matching.md).
LOOKALIKE = Strictness("lookalike", False, 3.0, 20.0, 1e-3, 0.05)
LIKELY = Strictness("likely", True, 10.0, 20.0, 1e-3, 0.05)
LEVELS = {level.name: level for level in (EXACT, LOOKALIKE, LIKELY)}


@dataclass(frozen=True, slots=True)
class Explanations:
    """What may be behind a reading: listed plates, other known plates, texts nobody knows."""

    listed: Collection[str]
    known: Collection[str]
    texts: Collection[str]


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome, the listed plate that explains the reading best, and its likelihood (log)."""

    outcome: Outcome
    plate: str | None = None
    score: float = IMPOSSIBLE


def weigh(
    likelihood: ReadingLikelihood,
    found: Explanations,
    strictness: Strictness,
    fits: Callable[[str], bool],
) -> Match:
    """Weigh the listed plates; `fits` says whether a text has the format of a plate."""
    read = likelihood.text
    listed = [p for p in found.listed if strictness.wide or _alike(p, read)]
    ranked = sorted(((likelihood.of(plate), plate) for plate in set(listed)), reverse=True)
    if not ranked or ranked[0][0] < math.log(strictness.least):
        return Match(Outcome.NONE)
    score, plate = ranked[0]
    known = {*found.known, *found.listed} - {plate}
    if read in known:
        # What was read is somebody's plate: it is never taken for another one.
        return Match(Outcome.NONE, plate, score)
    rival = max((likelihood.of(other) for other in known), default=IMPOSSIBLE)
    if score - rival < math.log(strictness.over_known):
        return Match(Outcome.AMBIGUOUS, plate, score)
    strangers = {*found.texts, read} - known - {plate}
    stranger = max((_worth(likelihood, s, strictness, fits) for s in strangers), default=IMPOSSIBLE)
    if score + math.log(strictness.listed_odds) < stranger:
        return Match(Outcome.UNSURE, plate, score)
    return Match(Outcome.MATCHED, plate, score)


def _alike(plate: str, read: str) -> bool:
    return lookalike_key(plate) == lookalike_key(read)


def _worth(
    likelihood: ReadingLikelihood,
    text: str,
    strictness: Strictness,
    fits: Callable[[str], bool],
) -> float:
    return likelihood.of(text) + (0.0 if fits(text) else math.log(strictness.misfit))
