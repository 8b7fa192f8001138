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
    # Only columns with a choice are counted through; on a clear plate most have a single option.
    first = [options[0][0] for options in columns]
    open_columns = [column for column, options in enumerate(columns) if len(options) > 1]
    start = (0,) * len(open_columns)
    heap = [(sum([choices[0] for choices in costs]), start)]
    queued = {start}
    while heap:
        cost, places = heapq.heappop(heap)
        chosen = first.copy()
        for column, place in zip(open_columns, places, strict=True):
            chosen[column] = columns[column][place][0]
        yield tuple(chosen), math.exp(-cost)
        for at, place in enumerate(places):
            choices = costs[open_columns[at]]
            if place + 1 == len(choices):
                continue
            following = (*places[:at], place + 1, *places[at + 1 :])
            if following not in queued:
                queued.add(following)
                heapq.heappush(heap, (cost + (choices[place + 1] - choices[place]), following))
