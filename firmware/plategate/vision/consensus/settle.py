# SPDX-License-Identifier: Apache-2.0
"""Choose the text that columns of opinions add up to, with what else it might be.

Input is one mapping from character (or NOTHING) to probability for each column; evidence about
whole texts, such as the formats of a country, may shift the choice but never adds a candidate.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plategate.values import CharacterReading, TextAlternative
from plategate.vision.consensus.columns import NOTHING

Shares = Mapping[str, float]
Evidence = Callable[[str], float]

CHOICES_A_COLUMN = 4
LEAST_SHARE = 1e-4
CANDIDATES = 32
SHOWN_TEXTS = 5
SHOWN_CHARACTERS = 5
LEAST_SHOWN = 1e-3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One choice in every column, and the probability of all of them together."""

    picks: tuple[str, ...]
    share: float

    @property
    def text(self) -> str:
        return "".join(self.picks)


def settle(
    columns: Sequence[Shares], evidence: Evidence | None = None
) -> tuple[tuple[CharacterReading, ...], tuple[TextAlternative, ...]]:
    """The characters of the best text and the best other texts."""
    candidates = list(_candidates(columns, CANDIDATES if evidence else SHOWN_TEXTS + 3))
    if evidence is not None:
        candidates, columns = _weighed(candidates, columns, evidence)
    best = candidates[0]
    sure = _sureness(columns, best.picks)
    characters = tuple(
        CharacterReading(pick, sure[place], _others(columns[place], pick))
        for place, pick in enumerate(best.picks)
        if pick != NOTHING
    )
    return characters, _texts(candidates[1:], best.text)


def _candidates(columns: Sequence[Shares], most: int) -> Iterator[Candidate]:
    """The likeliest picks, best first; deterministic also between equals."""
    ranked = [_ranked(shares) for shares in columns]
    costs = [[-math.log(share) for _, share in choices] for choices in ranked]
    start = (0,) * len(columns)
    heap = [(sum(choices[0] for choices in costs), start)]
    seen = {start}
    for _ in range(most):
        if not heap:
            return
        cost, places = heapq.heappop(heap)
        picks = tuple(ranked[column][place][0] for column, place in enumerate(places))
        yield Candidate(picks, math.exp(-cost))
        for column, place in enumerate(places):
            if place + 1 == len(ranked[column]):
                continue
            after = (*places[:column], place + 1, *places[column + 1 :])
            if after not in seen:
                seen.add(after)
                step = costs[column][place + 1] - costs[column][place]
                heapq.heappush(heap, (cost + step, after))


def _ranked(shares: Shares) -> list[tuple[str, float]]:
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return order[:1] + [item for item in order[1:CHOICES_A_COLUMN] if item[1] > LEAST_SHARE]


def _weighed(
    candidates: list[Candidate], columns: Sequence[Shares], evidence: Evidence
) -> tuple[list[Candidate], Sequence[Shares]]:
    """Candidates and columns with the evidence counted in; unchanged where it favours none."""
    factors = [math.exp(evidence(candidate.text)) for candidate in candidates]
    if max(factors) == min(factors):
        return candidates, columns
    before = sum(candidate.share for candidate in candidates)
    weights = [c.share * factor for c, factor in zip(candidates, factors, strict=True)]
    total = sum(weights)
    weighed = [
        Candidate(c.picks, before * w / total) for c, w in zip(candidates, weights, strict=True)
    ]
    shifted = []
    for place, shares in enumerate(columns):
        sums: dict[str, float] = {}
        for candidate in weighed:
            pick = candidate.picks[place]
            sums[pick] = sums.get(pick, 0.0) + candidate.share / before
        known = sum(shares[pick] for pick in sums)
        shifted.append(dict(shares) | {pick: known * share for pick, share in sums.items()})
    return sorted(weighed, key=lambda c: (-c.share, c.picks)), shifted


def _sureness(columns: Sequence[Shares], picks: tuple[str, ...]) -> list[float]:
    """Confidence by place; the doubt about leaving a place empty falls on its neighbours."""
    sure = [shares[pick] for shares, pick in zip(columns, picks, strict=True)]
    written = [place for place, pick in enumerate(picks) if pick != NOTHING]
    for place, pick in enumerate(picks):
        if pick == NOTHING:
            for near in sorted(written, key=lambda other: abs(other - place))[:1]:
                sure[near] = min(sure[near], shares_of_nothing(columns[place]))
    return sure


def shares_of_nothing(shares: Shares) -> float:
    """How sure it is that a column has no character."""
    return shares.get(NOTHING, 0.0)


def _others(shares: Shares, pick: str) -> tuple[tuple[str, float], ...]:
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        (char, share)
        for char, share in order
        if char not in (pick, NOTHING) and share >= LEAST_SHOWN
    )[:SHOWN_CHARACTERS]


def _texts(candidates: Sequence[Candidate], best: str) -> tuple[TextAlternative, ...]:
    shares: dict[str, float] = {}
    for candidate in candidates:
        if candidate.text not in ("", best):
            shares[candidate.text] = shares.get(candidate.text, 0.0) + candidate.share
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(TextAlternative(t, share) for t, share in order if share >= LEAST_SHOWN)[
        :SHOWN_TEXTS
    ]
