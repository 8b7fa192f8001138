# SPDX-License-Identifier: Apache-2.0
"""CTC decoding: prefix beam search over a network's character probabilities at each time step.

Pure functions on numbers, independent of models and pictures. Class 0 is the blank.
"""

from __future__ import annotations

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


# One prefix: its probability, its classes as bytes, the probability that it ends in a blank, that
# it ends in its last character, the steps of its characters' peaks, and the height of the last
# peak. Plain tuples sort by probability, and objects with attributes take half as much time again.
# Bytes compute their hash once, a tuple of numbers computes it at every use.
_Beam = tuple[float, bytes, float, float, tuple[int, ...], float]
_NO_TEXT: _Beam = (1.0, b"", 1.0, 0.0, (), 0.0)
_CLASS = [bytes((number,)) for number in range(256)]


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of the classes at each step (steps x classes), float64."""
    shifted = scores.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def prefix_beam_search(chances: NDArray[np.float64], width: int = BEAMS) -> list[Hypothesis]:
    """The most likely texts, best first; each probability sums over all alignments kept.

    `chances` has a row for each step and a column for each of at most 256 classes.
    """
    likely = _likely_classes(chances)
    blanks: list[float] = chances[:, BLANK].tolist()
    # Whole rows are needed at steps with a likely character and at the first idle step after them.
    needed = sorted({0, *likely, *(step + 1 for step in likely if step + 1 < len(blanks))})
    rows: dict[int, list[float]] = dict(zip(needed, chances[needed].tolist(), strict=True))
    beams, step = [_NO_TEXT], 0
    for busy in (*likely, len(blanks)):
        if step < busy:
            beams = _advance(beams, rows[step], blanks[step + 1 : busy])
        if busy in likely:
            row = rows[busy]
            classes = sorted(likely[busy], key=row.__getitem__, reverse=True)[:CLASSES_PER_STEP]
            beams = _grow(beams, row, classes, busy, width)
        step = busy + 1
    return [
        Hypothesis(tuple(text), total, steps)
        for total, text, _blank, _character, steps, _peak in _best(beams, width)
    ]


def _likely_classes(chances: NDArray[np.float64]) -> dict[int, list[int]]:
    """For each step with a likely character, in order, all its likely characters."""
    likely = chances > UNLIKELY
    likely[:, BLANK] = False
    found: dict[int, list[int]] = {}
    for cell in np.flatnonzero(likely).tolist():
        step, number = divmod(cell, chances.shape[1])
        found.setdefault(step, []).append(number)
    return found


def _best(beams: list[_Beam], width: int) -> list[_Beam]:
    """The most likely prefixes, best first."""
    best = sorted(beams, reverse=True)[:width]
    least = best[0][0] * HOPELESS
    while best[-1][0] < least:
        best.pop()
    return best


def _advance(beams: list[_Beam], first: list[float], blanks: list[float]) -> list[_Beam]:
    """Advance over steps at which only the blank is likely, so that no prefix is extended.

    `first` is the row of the first step and `blanks` has the blank's probability at the others,
    where a continued character is too unlikely to count.
    """
    all_blank = prod(blanks)
    advanced: list[_Beam] = []
    for total, text, _blank, character, steps, peak in beams:
        ends_blank, goes_on = total * first[BLANK], 0.0
        if text:
            goes_on = character * first[text[-1]]
        if blanks:
            ends_blank, goes_on = (ends_blank + goes_on) * all_blank, 0.0
        advanced.append((ends_blank + goes_on, text, ends_blank, goes_on, steps, peak))
    return advanced


def _grow(
    beams: list[_Beam], row: list[float], classes: list[int], step: int, width: int
) -> list[_Beam]:
    """The best prefixes after one more step, also those extended by one of `classes`.

    `classes` are the likely characters of the step, the most likely first.
    """
    places = {beam[1]: place for place, beam in enumerate(beams)}
    grown = sorted(_kept(beams, places, row, classes, step), reverse=True)
    # A new prefix has a single alignment, so it is not built if `_best` would drop it.
    least = grown[0][0] * HOPELESS
    if len(grown) == width:
        least = max(least, grown[-1][0])
    for total, text, blank, _character, steps, _peak in beams:
        if total * row[classes[0]] < least or len(text) == MOST_CHARACTERS:
            continue
        last = text[-1] if text else BLANK
        for number in classes:
            chance = row[number]
            added = (blank if number == last else total) * chance
            if added >= least and added > 0.0:
                longer = text + _CLASS[number]
                if longer not in places:
                    grown.append((added, longer, 0.0, added, (*steps, step), chance))
    return _best(grown, width)


def _kept(
    beams: list[_Beam], places: dict[bytes, int], row: list[float], classes: list[int], step: int
) -> list[_Beam]:
    """The same prefixes after one more step, in the same order.

    A prefix is kept where its last character goes on or the blank follows, and where this character
    extends the shorter prefix, if that is a beam too. Of two alignments of a text the steps of the
    one with the higher peak are kept.
    """
    kept: list[_Beam] = []
    for place, (total, text, _blank, character, old_steps, old_peak) in enumerate(beams):
        ends_blank, goes_on, steps, peak = total * row[BLANK], 0.0, old_steps, old_peak
        if text:
            last = text[-1]
            chance = row[last]
            goes_on = character * chance
            before, shorter = 0.0, places.get(text[:-1], -1) if last in classes else -1
            if shorter >= 0:
                other = beams[shorter]
                before = other[2] if other[1][-1:] == text[-1:] else other[0]
                goes_on += before * chance
            if before > 0.0 and shorter < place and chance >= old_peak:
                steps, peak = (*other[4], step), chance
            elif chance > old_peak:
                steps, peak = (*old_steps[:-1], step), chance
        kept.append((ends_blank + goes_on, text, ends_blank, goes_on, steps, peak))
    return kept


def merge(variants: list[list[Hypothesis]]) -> list[Hypothesis]:
    """Hypotheses from several variants of one plate with their mean probabilities, best first.

    The steps of a text are those of the first variant that has it.
    """
    if len(variants) == 1:
        return variants[0]
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
