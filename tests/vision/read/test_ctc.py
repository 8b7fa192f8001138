# SPDX-License-Identifier: Apache-2.0
"""CTC decoding, compared with the sum over all paths."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from plategate.vision.read.ctc import BEAMS, HOPELESS, confidences, prefix_beam_search, softmax


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    steps = [at for at, number in enumerate(path) if at == 0 or number != path[at - 1]]
    return tuple(path[at] for at in steps if path[at] != 0)


def truth_of(chances: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every text, summed over all paths."""
    truth: dict[tuple[int, ...], float] = {}
    for path in product(range(chances.shape[1]), repeat=len(chances)):
        weight = float(np.prod([chances[at, number] for at, number in enumerate(path)]))
        truth[collapse(path)] = truth.get(collapse(path), 0.0) + weight
    return truth


def test_ok__probabilities_sum_over_all_alignments() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        chances = softmax(rng.normal(0, 0.8, (5, 3)).astype(np.float32))
        truth = truth_of(chances)
        found = prefix_beam_search(chances, width=200)
        assert sum(one.probability for one in found) == pytest.approx(1.0)
        for candidate in found:
            assert candidate.probability == pytest.approx(truth[candidate.classes])


def searched_in_full(chances: np.ndarray) -> dict[tuple[int, ...], float]:
    """The same search with every prefix built at every step, and pruned afterwards."""
    # Of each prefix the probability that it ends in a blank, and that it ends in a character.
    beams: dict[tuple[int, ...], list[float]] = {(): [1.0, 0.0]}
    for row in chances.tolist():
        grown: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for text, (blank, character) in beams.items():
            grown[text][0] += (blank + character) * row[0]
            grown[text][1] += character * row[text[-1]] if text else 0.0
            for number in range(1, len(row)):
                before = blank if text[-1:] == (number,) else blank + character
                grown[*text, number][1] += before * row[number]
        best = sorted(grown, key=lambda text: sum(grown[text]), reverse=True)[:BEAMS]
        least = HOPELESS * sum(grown[best[0]])
        beams = {text: grown[text] for text in best if sum(grown[text]) >= least}
    return {text: sum(both) for text, both in beams.items()}


def test_ok__prefixes_that_are_not_built_would_have_been_pruned() -> None:
    rng = np.random.default_rng(6)
    for spread in (0.5, 1.0, 1.5) * 20:
        # Four characters, all of them likely at every step: no other shortcut applies.
        chances = 0.96 * softmax(rng.normal(0, spread, (12, 5)).astype(np.float32)) + 0.008
        truth = searched_in_full(chances)
        found = prefix_beam_search(chances)
        assert [one.classes for one in found] == list(truth)
        assert [one.probability for one in found] == pytest.approx(list(truth.values()), rel=1e-12)


@pytest.mark.parametrize("idle", [(1,), (1, 2), (0, 1, 4), (3, 4, 5, 6), (0, 2, 6)])
def test_ok__idle_steps_do_not_change_probabilities(idle: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(idle))
    for _ in range(5):
        scores = rng.normal(0, 0.8, (7, 3)).astype(np.float32)
        scores[list(idle)] = rng.normal((9.0, 0.0, 0.0), 0.8, (len(idle), 3))
        chances = softmax(scores)
        truth = truth_of(chances)
        found = prefix_beam_search(chances, width=200)
        likely = {text for text, chance in truth.items() if chance > 1e-3}
        assert likely <= {candidate.classes for candidate in found}
        for candidate in found:
            # A character that begins in an idle step is not counted: its chance is below UNLIKELY.
            assert candidate.probability == pytest.approx(truth[candidate.classes], abs=2e-3)


def test_ok__a_fading_character_gives_its_probability_to_the_blank() -> None:
    begins, fading, again = (0.5, 0.5), (0.9981, 0.0019), (0.01, 0.99)  # chances of blank and A
    # 0.0019 is too little to begin a candidate, but an A before it may go on.
    found = prefix_beam_search(np.array([begins, fading, fading, fading, again]))
    twice = next(one for one in found if len(one.classes) == 2)
    left = 0.5 * (0.9981 + 0.0019) * 0.9981**2
    assert twice.probability == pytest.approx(left * 0.99, rel=1e-5)
    once = next(one for one in found if len(one.classes) == 1)
    begins_late = 0.5 * 0.9981**3 * 0.99
    assert once.probability == pytest.approx(left * 0.01 + begins_late, rel=1e-5)


def test_ok__the_weakest_character_is_at_least_as_likely_as_its_text() -> None:
    rng = np.random.default_rng(9)
    for _ in range(30):
        scores = rng.normal(0, 3, (12, 37)).astype(np.float32)
        candidates = prefix_beam_search(softmax(scores))
        if candidates[0].classes:
            sure = confidences(candidates)
            assert all(0.0 <= value <= 1.0 for value in sure)
            assert min(sure) >= candidates[0].probability - 1e-9
