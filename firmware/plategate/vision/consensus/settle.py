# SPDX-License-Identifier: Apache-2.0
"""Choose the most likely text of a plate, and its alternatives, from probabilities by column.

Input is one mapping from character (or NOTHING) to probability for each column. Evidence about
whole texts, such as the formats of a country, may choose another of the most likely texts and
changes its confidence, but adds no text. The alternatives keep the probabilities that the readers
gave them, because matching with lists weighs formats itself (access.matching.match).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from plategate.plates.combinations import best_combinations
from plategate.values import CharacterReading, TextAlternative
from plategate.vision.consensus.columns import NOTHING

Shares = Mapping[str, float]
Evidence = Callable[[str], float]

CHOICES_A_COLUMN = 4
LEAST_SHARE = 1e-4
COMBINATIONS = 32
LEAST_COMBINED = 1e-3  # as a share of the best one's; no format makes up for a smaller one
SHOWN_TEXTS = 5
SHOWN_CHARACTERS = 5
LEAST_SHOWN = 1e-3


@dataclass(frozen=True, slots=True)
class Combination:
    """One choice in every column, and their joint probability."""

    picks: tuple[str, ...]
    share: float

    @property
    def text(self) -> str:
        return "".join(self.picks)


def settle(
    columns: Sequence[Shares], evidence: Evidence | None = None
) -> tuple[tuple[CharacterReading, ...], tuple[TextAlternative, ...]]:
    """The characters of the best text and the best other texts."""
    found = list(_combinations(columns, COMBINATIONS if evidence else SHOWN_TEXTS + 3))
    best, weighed = (found[0], columns) if evidence is None else _weighed(found, columns, evidence)
    sure = _confidences(weighed, best.picks)
    characters = tuple(
        CharacterReading(pick, sure[place], _others(columns[place], pick))
        for place, pick in enumerate(best.picks)
        if pick != NOTHING
    )
    return characters, _texts(found, best.text)


def _combinations(columns: Sequence[Shares], most: int) -> Iterator[Combination]:
    """The most likely combinations, best first."""
    found = islice(best_combinations([_ranked(shares) for shares in columns]), most)
    picks, best = next(found)
    yield Combination(picks, best)
    for picks, share in found:
        if share < LEAST_COMBINED * best:
            return
        yield Combination(picks, share)


def _ranked(shares: Shares) -> list[tuple[str, float]]:
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return order[:1] + [item for item in order[1:CHOICES_A_COLUMN] if item[1] > LEAST_SHARE]


def _weighed(
    combinations: Sequence[Combination], columns: Sequence[Shares], evidence: Evidence
) -> tuple[Combination, Sequence[Shares]]:
    """The best combination, and the columns, with the evidence applied."""
    factors = [math.exp(evidence(combination.text)) for combination in combinations]
    if max(factors) == min(factors):
        return combinations[0], columns
    weights = [c.share * factor for c, factor in zip(combinations, factors, strict=True)]
    best = max(zip(weights, combinations, strict=True), key=lambda pair: pair[0])[1]
    total = sum(weights)
    shifted = list(columns)
    for place, picks in enumerate(zip(*[c.picks for c in combinations], strict=True)):
        if len(set(picks)) == 1:
            continue
        sums: dict[str, float] = {}
        for pick, weight in zip(picks, weights, strict=True):
            sums[pick] = sums.get(pick, 0.0) + weight / total
        shares = columns[place]
        known = sum([shares[pick] for pick in sums])
        shifted[place] = dict(shares) | {pick: known * share for pick, share in sums.items()}
    return best, shifted


def _confidences(columns: Sequence[Shares], picks: tuple[str, ...]) -> list[float]:
    """Confidence by position; doubt about an empty position lowers its nearest neighbour."""
    sure = [shares[pick] for shares, pick in zip(columns, picks, strict=True)]
    written = [place for place, pick in enumerate(picks) if pick != NOTHING]
    for place, pick in enumerate(picks):
        if pick == NOTHING:
            for near in sorted(written, key=lambda other: abs(other - place))[:1]:
                sure[near] = min(sure[near], share_of_nothing(columns[place]))
    return sure


def share_of_nothing(shares: Shares) -> float:
    """Probability that a column has no character."""
    return shares.get(NOTHING, 0.0)


def _others(shares: Shares, pick: str) -> tuple[tuple[str, float], ...]:
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        (char, share)
        for char, share in order
        if char not in (pick, NOTHING) and share >= LEAST_SHOWN
    )[:SHOWN_CHARACTERS]


def _texts(combinations: Sequence[Combination], best: str) -> tuple[TextAlternative, ...]:
    shares: dict[str, float] = {}
    for combination in combinations:
        if combination.text not in ("", best):
            shares[combination.text] = shares.get(combination.text, 0.0) + combination.share
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(TextAlternative(t, share) for t, share in order if share >= LEAST_SHOWN)[
        :SHOWN_TEXTS
    ]
