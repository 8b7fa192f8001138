# SPDX-License-Identifier: Apache-2.0
"""The k-best search over alternatives, compared with all combinations computed one by one."""

from __future__ import annotations

import math
from itertools import islice, product

import numpy as np
import pytest

from plategate.plates.combinations import best_combinations

Columns = list[list[tuple[str, float]]]


def random_columns(seed: int) -> Columns:
    """One to five columns of one to four options, some of them equally likely."""
    rng = np.random.default_rng(seed)
    columns: Columns = []
    for _ in range(rng.integers(1, 6)):
        shares = rng.choice([0.05, 0.1, 0.2, 0.3, 0.4, 0.9], rng.integers(1, 5))
        ranked = sorted(shares.tolist(), reverse=True)
        columns.append([("ABCD"[at], share) for at, share in enumerate(ranked)])
    return columns


@pytest.mark.parametrize("seed", range(40))
def test_ok__every_combination_comes_once_and_the_most_likely_first(seed: int) -> None:
    columns = random_columns(seed)
    found = list(best_combinations(columns))
    truth = {
        tuple(char for char, _ in picked): math.prod(share for _, share in picked)
        for picked in product(*columns)
    }
    assert len(found) == len(truth)
    assert {picks: pytest.approx(share) for picks, share in found} == truth
    shares = [share for _, share in found]
    assert shares == sorted(shares, reverse=True)


def test_ok__equally_likely_combinations_come_in_the_order_of_their_options() -> None:
    columns = [[("A", 0.5), ("B", 0.5)]] * 3
    assert [picks for picks, _ in best_combinations(columns)] == list(product("AB", repeat=3))


def test_ok__columns_without_a_choice_are_part_of_every_text() -> None:
    columns = [[("A", 1.0)]] * 500 + [[("A", 0.6), ("B", 0.4)]] * 2
    texts = ["".join(picks) for picks, _ in islice(best_combinations(columns), 4)]
    assert texts == ["A" * 500 + end for end in ("AA", "AB", "BA", "BB")]
