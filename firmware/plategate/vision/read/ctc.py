# SPDX-License-Identifier: Apache-2.0
"""CTC decoding: prefix beam search over a network's character probabilities at each time step.

Pure functions on numbers, independent of models and pictures. Class 0 is the blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

BLANK = 0
BEAMS = 8
UNLIKELY = 2e-3  # a character below this probability at a step starts no new hypothesis
CLASSES_PER_STEP = 4  # hypotheses are extended by the most likely characters of a step only
HOPELESS = 1e-6  # a hypothesis below this share of the best one is pruned
MOST_CHARACTERS = 14  # no registration is longer; noise may read as more


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text as class numbers, its probability, and the time step of each class's peak."""

    classes: tuple[int, ...]
    probability: float
    steps: tuple[int, ...]


# Of one prefix: the probability that it ends in a blank, that it ends in its last character, the
# steps of its characters' peaks, and the height of the last peak. Plain tuples, since objects with
# attributes take half as much time again.
_Beam = tuple[float, float, tuple[int, ...], float]
_Beams = dict[tuple[int, ...], _Beam]


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of the classes at each step (steps x classes), float64."""
    shifted = scores.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def prefix_beam_search(chances: NDArray[np.float64], width: int = BEAMS) -> list[Hypothesis]:
    """The most likely texts, best first; each probability sums over all alignments kept."""
    beams: _Beams = {(): (1.0, 0.0, (), 0.0)}
    rows: list[list[float]] = chances.tolist()
    classes = _likeliest(chances, rows)
    step = 0
    while step < len(rows):
        if step in classes:
            beams = _best(_grow(beams, rows[step], classes[step], step), width)
            step += 1
        else:
            idle = step
            while step < len(rows) and step not in classes:
                step += 1
            beams = _advance(beams, rows[idle:step])
    return [
        Hypothesis(text, blank + character, steps)
        for text, (blank, character, steps, _peak) in _best(beams, width).items()
    ]


def _likeliest(
    chances: NDArray[np.float64], rows: Sequence[Sequence[float]]
) -> dict[int, list[int]]:
    """For each step with a likely character, these characters, the most likely first.

    `rows` are the same numbers as lists.
    """
    found: dict[int, list[int]] = {}
    steps, numbers = (chances[:, BLANK + 1 :] > UNLIKELY).nonzero()
    for step, number in zip(steps.tolist(), numbers.tolist(), strict=True):
        found.setdefault(step, []).append(number + BLANK + 1)
    for step, classes in found.items():
        if len(classes) > 1:
            classes.sort(key=rows[step].__getitem__, reverse=True)
            del classes[CLASSES_PER_STEP:]
    return found


def _best(grown: _Beams, width: int) -> _Beams:
    """The most likely prefixes, best first."""
    if len(grown) == 1:
        return grown
    totals = [
        (blank + character, text) for text, (blank, character, _steps, _peak) in grown.items()
    ]
    totals.sort(reverse=True)
    least = totals[0][0] * HOPELESS
    return {text: grown[text] for total, text in totals[:width] if total >= least}


def _advance(beams: _Beams, rows: list[list[float]]) -> _Beams:
    """Advance over steps at which only the blank is likely, so that no prefix is extended.

    After the first of these steps a continued character is too unlikely to count.
    """
    first = rows[0]
    blanks = prod(row[BLANK] for row in rows[1:])
    advanced: _Beams = {}
    for text, (blank, character, steps, peak) in beams.items():
        ends_blank, goes_on = (blank + character) * first[BLANK], 0.0
        if text:
            goes_on = character * first[text[-1]]
        if len(rows) > 1:
            ends_blank, goes_on = (ends_blank + goes_on) * blanks, 0.0
        advanced[text] = ends_blank, goes_on, steps, peak
    return advanced


def _grow(beams: _Beams, row: list[float], classes: list[int], step: int) -> _Beams:
    """All prefixes after one more step, also those extended by one of `classes`.

    Of two alignments of a text the steps of the one with the higher peak are kept.
    """
    grown: _Beams = {}
    for text, (blank, character, steps, peak) in beams.items():
        total, last, goes_on = blank + character, BLANK, 0.0
        kept_steps, kept_peak = steps, peak
        if text:
            last = text[-1]
            goes_on = character * row[last]
            if row[last] > peak:
                kept_steps, kept_peak = (*steps[:-1], step), row[last]
        ends_blank = total * row[BLANK]
        known = grown.get(text)
        if known is not None:
            ends_blank, goes_on = ends_blank + known[0], goes_on + known[1]
            if known[3] >= kept_peak:
                kept_steps, kept_peak = known[2], known[3]
        grown[text] = ends_blank, goes_on, kept_steps, kept_peak
        if len(text) == MOST_CHARACTERS:
            continue
        for number in classes:
            before = blank if number == last else total
            if before <= 0.0:
                continue
            longer, chance = (*text, number), row[number]
            known = grown.get(longer)
            if known is None:
                grown[longer] = 0.0, before * chance, (*steps, step), chance
            elif chance > known[3]:
                grown[longer] = known[0], known[1] + before * chance, (*steps, step), chance
            else:
                grown[longer] = known[0], known[1] + before * chance, known[2], known[3]
    return grown


def merge(variants: list[list[Hypothesis]]) -> list[Hypothesis]:
    """Hypotheses from several variants of one plate with their mean probabilities, best first.

    The steps of a text are those of the first variant that has it.
    """
    merged: dict[tuple[int, ...], Hypothesis] = {}
    for hypotheses in variants:
        for one in hypotheses:
            share = one.probability / len(variants)
            known = merged.get(one.classes)
            steps = known.steps if known else one.steps
            share += known.probability if known else 0.0
            merged[one.classes] = Hypothesis(one.classes, share, steps)
    return sorted(merged.values(), key=lambda one: one.probability, reverse=True)


def confidences(hypotheses: list[Hypothesis]) -> tuple[float, ...]:
    """For each character of the best hypothesis the probability that it is right.

    Other hypotheses with another character there count against it, and so does the probability
    of all texts that the search pruned; so no character exceeds what its text allows.
    """
    best = hypotheses[0]
    lost = max(0.0, 1.0 - sum(one.probability for one in hypotheses))
    doubt = [lost] * len(best.classes)
    for other in hypotheses[1:]:
        for at in _differing(best.classes, other.classes):
            doubt[at] += other.probability
    return tuple(min(1.0, max(0.0, 1.0 - value)) for value in doubt)


def _differing(best: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """Positions of `best` at which `other` differs."""
    if len(best) == len(other):
        return [at for at, (one, two) in enumerate(zip(best, other, strict=True)) if one != two]
    shorter = min(len(best), len(other))
    head = 0
    while head < shorter and best[head] == other[head]:
        head += 1
    tail = 0
    while tail < shorter - head and best[-1 - tail] == other[-1 - tail]:
        tail += 1
    places = list(range(head, len(best) - tail))
    # A missing or extra character lies between two that agree: both neighbours are in doubt.
    return places or [at for at in (head - 1, head) if 0 <= at < len(best)]
