# SPDX-License-Identifier: Apache-2.0
"""CTC decoding: prefix beam search over a network's character probabilities at each time step.

Pure functions on numbers, independent of models and pictures. Class 0 is the blank.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(slots=True)
class _Beam:
    """Probabilities of a prefix ending in a blank and in its last character; that one's peak."""

    ends_blank: float = 0.0
    ends_character: float = 0.0
    steps: tuple[int, ...] = ()
    peak: float = 0.0

    @property
    def total(self) -> float:
        return self.ends_blank + self.ends_character


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
    beams: _Beams = {(): _Beam(ends_blank=1.0)}
    classes = _likeliest(chances)
    step = 0
    while step < len(chances):
        row = chances[step].tolist()
        if step in classes:
            beams = _best(_grow(beams, row, classes[step], step), width)
            step += 1
        else:
            idle = step
            while step < len(chances) and step not in classes:
                step += 1
            _advance(beams, row, chances[idle + 1 : step, BLANK])
    ranked = sorted(beams.items(), key=lambda item: item[1].total, reverse=True)
    return [Hypothesis(text, beam.total, beam.steps) for text, beam in ranked]


def _likeliest(chances: NDArray[np.float64]) -> dict[int, list[int]]:
    """For each step with a likely character, these characters, the most likely first."""
    found: dict[int, list[int]] = {}
    for step, number in np.argwhere(chances > UNLIKELY).tolist():
        if number != BLANK:
            found.setdefault(step, []).append(number)
    for step, classes in found.items():
        if len(classes) > 1:
            classes.sort(key=chances[step].tolist().__getitem__, reverse=True)
            del classes[CLASSES_PER_STEP:]
    return found


def _best(grown: _Beams, width: int) -> _Beams:
    totals = {text: beam.total for text, beam in grown.items()}
    least = max(totals.values()) * HOPELESS
    order = sorted((text for text in totals if totals[text] >= least), key=totals.__getitem__)
    return {text: grown[text] for text in order[: -1 - width : -1]}


def _advance(beams: _Beams, row: list[float], blanks: NDArray[np.float64]) -> None:
    """Advance over steps at which only the blank is likely, so that no prefix is extended.

    `row` holds the probabilities of the first such step, `blanks` the blank's at the others, where
    a continued character is too unlikely to count.
    """
    blank = float(blanks.prod())
    for text, beam in beams.items():
        goes_on = beam.ends_character * row[text[-1]] if text else 0.0
        beam.ends_blank = beam.total * row[BLANK]
        beam.ends_character = goes_on
        if len(blanks):
            beam.ends_blank = beam.total * blank
            beam.ends_character = 0.0


def _grow(beams: _Beams, row: list[float], classes: list[int], step: int) -> _Beams:
    grown: _Beams = {}
    for text, beam in beams.items():
        last = text[-1] if text else BLANK
        kept = _of(grown, text, beam.steps, beam.peak)
        kept.ends_blank += beam.total * row[BLANK]
        if last != BLANK:
            kept.ends_character += beam.ends_character * row[last]
            if row[last] > kept.peak:
                kept.peak, kept.steps = row[last], (*kept.steps[:-1], step)
        if len(text) == MOST_CHARACTERS:
            continue
        for number in classes:
            before = beam.ends_blank if number == last else beam.total
            if before > 0.0:
                longer = _of(grown, (*text, number), (*beam.steps, step), row[number])
                longer.ends_character += before * row[number]
    return grown


def _of(grown: _Beams, text: tuple[int, ...], steps: tuple[int, ...], peak: float) -> _Beam:
    """The beam of a text; of two alignments of a text the one with the higher peak is kept."""
    beam = grown.get(text)
    if beam is None:
        beam = grown[text] = _Beam(steps=steps, peak=peak)
    elif peak > beam.peak:
        beam.steps, beam.peak = steps, peak
    return beam


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
