# SPDX-License-Identifier: Apache-2.0
"""Choose the most likely text of a plate, and its alternatives, from probabilities by column.

Input is one mapping from character (or NOTHING) to probability for each column. Evidence about
whole texts, such as the formats of a country, may change the order of the most likely texts but
adds none.
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
    combinations = list(_combinations(columns, COMBINATIONS if evidence else SHOWN_TEXTS + 3))
    if evidence is not None:
        combinations, columns = _weighed(combinations, columns, evidence)
    best = combinations[0]
    sure = _confidences(columns, best.picks)
    characters = tuple(
        CharacterReading(pick, sure[place], _others(columns[place], pick))
        for place, pick in enumerate(best.picks)
        if pick != NOTHING
    )
    return characters, _texts(combinations[1:], best.text)


def _combinations(columns: Sequence[Shares], most: int) -> Iterator[Combination]:
    """The most likely combinations, best first."""
    found = best_combinations([_ranked(shares) for shares in columns])
    return (Combination(picks, share) for picks, share in islice(found, most))


def _ranked(shares: Shares) -> list[tuple[str, float]]:
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return order[:1] + [item for item in order[1:CHOICES_A_COLUMN] if item[1] > LEAST_SHARE]


def _weighed(
    combinations: list[Combination], columns: Sequence[Shares], evidence: Evidence
) -> tuple[list[Combination], Sequence[Shares]]:
    """Combinations and columns with the evidence applied; unchanged if it favours none."""
    factors = [math.exp(evidence(combination.text)) for combination in combinations]
    if max(factors) == min(factors):
        return combinations, columns
    before = sum(combination.share for combination in combinations)
    weights = [c.share * factor for c, factor in zip(combinations, factors, strict=True)]
    total = sum(weights)
    weighed = [
        Combination(c.picks, before * w / total) for c, w in zip(combinations, weights, strict=True)
    ]
    shifted = []
    for place, shares in enumerate(columns):
        sums: dict[str, float] = {}
        for combination in weighed:
            pick = combination.picks[place]
            sums[pick] = sums.get(pick, 0.0) + combination.share / before
        known = sum(shares[pick] for pick in sums)
        shifted.append(dict(shares) | {pick: known * share for pick, share in sums.items()})
    return sorted(weighed, key=lambda c: (-c.share, c.picks)), shifted


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
