# SPDX-License-Identifier: Apache-2.0
"""Turn the step-wise character chances of a CTC network into texts with probabilities.

Knows neither models nor pictures: numbers in, candidates out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLANK = 0
BEAMS = 8
UNLIKELY = 2e-3  # a character below this chance at a step starts no new candidate
CLASSES_PER_STEP = 4  # candidates grow by the likeliest characters of a step only
HOPELESS = 1e-6  # a candidate whose share of the best one is less is given up early
MOST_CHARACTERS = 14  # no registration is longer; noise may look so


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text as class numbers, its probability, and the step at which each class stood out."""

    classes: tuple[int, ...]
    probability: float
    steps: tuple[int, ...]


@dataclass(slots=True)
class _Beam:
    """Chance of a prefix ending in a blank and in its last character, and where that one peaks."""

    ends_blank: float = 0.0
    ends_character: float = 0.0
    steps: tuple[int, ...] = ()
    peak: float = 0.0

    @property
    def total(self) -> float:
        return self.ends_blank + self.ends_character


_Beams = dict[tuple[int, ...], _Beam]


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Chances of the classes at each step (steps x classes)."""
    shifted = scores.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def prefix_beam_search(chances: NDArray[np.float64], width: int = BEAMS) -> list[Candidate]:
    """The likeliest texts, best first, each with the sum over all its ways through the steps."""
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
            _stay(beams, row, chances[idle + 1 : step, BLANK])
    ranked = sorted(beams.items(), key=lambda item: item[1].total, reverse=True)
    return [Candidate(text, beam.total, beam.steps) for text, beam in ranked]


def _likeliest(chances: NDArray[np.float64]) -> dict[int, list[int]]:
    """By step, the characters that may stand there, the likeliest first; no idle steps."""
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


def _stay(beams: _Beams, row: list[float], blanks: NDArray[np.float64]) -> None:
    """Steps where nothing but the blank is likely, so that no prefix grows.

    `row` is the first of them, `blanks` are the blank's chances in the others, in which a character
    that goes on is too unlikely to be counted.
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
    """The beam of a text; of two ways to the same text the one with the clearer peak is kept."""
    beam = grown.get(text)
    if beam is None:
        beam = grown[text] = _Beam(steps=steps, peak=peak)
    elif peak > beam.peak:
        beam.steps, beam.peak = steps, peak
    return beam


def merge(looks: list[list[Candidate]]) -> list[Candidate]:
    """Candidates of several looks at one plate with their mean probabilities, best first.

    The steps of a text are those of the first look that has it.
    """
    merged: dict[tuple[int, ...], Candidate] = {}
    for candidates in looks:
        for one in candidates:
            share = one.probability / len(looks)
            known = merged.get(one.classes)
            steps = known.steps if known else one.steps
            share += known.probability if known else 0.0
            merged[one.classes] = Candidate(one.classes, share, steps)
    return sorted(merged.values(), key=lambda one: one.probability, reverse=True)


def confidences(candidates: list[Candidate]) -> tuple[float, ...]:
    """For each character of the best candidate the chance that it stands there.

    What other candidates have in its place counts against it, and so does the mass of all texts
    that the search dropped; the weakest character is therefore never surer than the text allows.
    """
    best = candidates[0]
    lost = max(0.0, 1.0 - sum(candidate.probability for candidate in candidates))
    doubt = [lost] * len(best.classes)
    for other in candidates[1:]:
        for at in _differing(best.classes, other.classes):
            doubt[at] += other.probability
    return tuple(min(1.0, max(0.0, 1.0 - value)) for value in doubt)


def _differing(best: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """Places of `best` at which `other` says something else."""
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
    # A missing or an extra character shows between two that agree: both neighbours are in doubt.
    return places or [at for at in (head - 1, head) if 0 <= at < len(best)]
