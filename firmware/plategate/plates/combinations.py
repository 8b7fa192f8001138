# SPDX-License-Identifier: Apache-2.0
"""K-best search: the most likely texts that alternatives of single characters combine to."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

Options = Sequence[tuple[str, float]]


def best_combinations(columns: Sequence[Options]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Choices of one option a column with their joint probability, most likely first.

    `columns` holds for each position its options (text, probability above 0), most likely first.
    The order is deterministic, also for equal probabilities.
    """
    costs = [[-math.log(share) for _, share in options] for options in columns]
    start = (0,) * len(columns)
    heap = [(sum(choices[0] for choices in costs), start)]
    queued = {start}
    while heap:
        cost, places = heapq.heappop(heap)
        chosen = tuple(columns[column][place][0] for column, place in enumerate(places))
        yield chosen, math.exp(-cost)
        for column, place in enumerate(places):
            if place + 1 == len(costs[column]):
                continue
            following = (*places[:column], place + 1, *places[column + 1 :])
            if following not in queued:
                queued.add(following)
                step = costs[column][place + 1] - costs[column][place]
                heapq.heappush(heap, (cost + step, following))
