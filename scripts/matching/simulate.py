# SPDX-License-Identifier: Apache-2.0
"""Simulates millions of readings with the noise of real ones, to count rare errors.

A simulated reading uses one real reading of the right length, or nearly so, as a whole: a bad
picture is bad in all its characters. Each position keeps the output of the readers: whether it was
right, its confidence, and the shares of the alternatives. The characters are drawn at random: a
plate like the real ones, with misreadings and alternatives from the table of confusions. Thousands
of readings are computed at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.collect import Sample
from plategate.access.matching.candidates import LEAST_SHARE
from plategate.access.matching.match import Strictness
from plategate.access.matching.misreadings import EASILY_CONFUSED
from plategate.plates.confusions import Confusions
from plategate.plates.text import ALPHABET, DIGITS, lookalike_key

BATCH = 20_000
RANKS = 4  # of alternatives that are kept
NO_PLACE = -1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

INDEX = {char: number for number, char in enumerate(ALPHABET)}
IS_DIGIT = np.array([char in DIGITS for char in ALPHABET])
KEYS = np.array([INDEX[lookalike_key(char)] for char in ALPHABET])


@dataclass(frozen=True)
class Places:
    """The characters of one real reading: confidence, shares of the alternatives, the true one."""

    sure: Floats  # places
    shares: Floats  # places x ranks
    truth: Ints  # places; 0 what was read, 1.. an alternative, -1 none of them


@dataclass(frozen=True)
class Counted:
    """Simulated passages, and the share in which the barrier would have opened."""

    level: str
    passages: int
    owners: float
    near_strangers: float  # a plate one confusion away is on the list
    other_texts: float  # how many texts of the same format a reading would open for, on average


@dataclass(frozen=True)
class Drawn:
    """A batch of readings: the true plates, what was read, and the log share of every character."""

    true: Ints  # cars x places
    read: Ints  # cars x places
    logs: Floats  # cars x places x characters
    weakest: Floats  # cars


def places_of(samples: Sequence[Sample]) -> tuple[list[Places], float]:
    """The noise of all readings that have as many characters as their plates, and their share."""
    kept = []
    for sample in samples:
        reading = sample.reading
        if reading is None or len(reading.text) != len(sample.truth):
            continue
        if (
            sum(a != b for a, b in zip(reading.text, sample.truth, strict=True))
            > len(sample.truth) // 2
        ):
            continue
        sure, shares, truth = [], [], []
        for character, true in zip(reading.characters, sample.truth, strict=True):
            said = [(c, p) for c, p in character.alternatives if c != character.char][:RANKS]
            chars = [character.char, *(c for c, _ in said)]
            sure.append(character.confidence)
            shares.append([p for _, p in said] + [0.0] * (RANKS - len(said)))
            truth.append(chars.index(true) if true in chars else NO_PLACE)
        kept.append(Places(np.array(sure), np.array(shares), np.array(truth)))
    return kept, len(kept) / len(samples)


def confusion_rows(confusions: Confusions) -> Floats:
    """Row: what was read; column: the share of its misreads that are this character."""
    rows = np.zeros((len(ALPHABET), len(ALPHABET)))
    for read, others in confusions.instead.items():
        for true, share in others.items():
            rows[INDEX[read], INDEX[true]] = share
    return rows


class Simulation:
    """Draws readings of plates of one length and counts what each level makes of them."""

    def __init__(
        self, noise: list[Places], confusions: Confusions, plates: list[str], seed: int
    ) -> None:
        length = len(plates[0])
        stretched = [[place * len(n.sure) // length for place in range(length)] for n in noise]
        pairs = list(zip(noise, stretched, strict=True))
        self._sure = np.array([n.sure[at] for n, at in pairs])
        self._shares = np.array([n.shares[at] for n, at in pairs])
        self._truth = np.array([n.truth[at] for n, at in pairs])
        self._plates = np.array([[INDEX[c] for c in plate] for plate in plates])
        self._rows = confusion_rows(confusions)
        self._misread = confusions.misread
        self._random = np.random.default_rng(seed)

    def count(self, passages: int, levels: Sequence[Strictness], least: float) -> list[Counted]:
        """Let so many cars pass; every level judges the same readings."""
        sums, done = np.zeros((len(levels), 3)), 0
        while done < passages:
            drawn = self._draw(min(BATCH, passages - done))
            twins = self._twins(drawn.true)
            for number, level in enumerate(levels):
                strong = drawn.weakest >= least
                sums[number] += (
                    opens(drawn, drawn.true, level, strong).sum(),
                    opens(drawn, twins, level, strong).sum(),
                    other_texts(drawn, level, strong).sum(),
                )
            done += len(drawn.true)
        shares = zip(levels, sums / done, strict=True)
        return [Counted(level.name, done, *map(float, row)) for level, row in shares]

    def _draw(self, cars: int) -> Drawn:
        true = self._plates[self._random.integers(len(self._plates), size=cars)]
        noise = self._random.integers(len(self._sure), size=cars)
        sure, shares, truth = self._sure[noise], self._shares[noise], self._truth[noise]
        columns = self._rows / self._rows.sum(axis=0)
        wrong = self._pick(columns.T[true])
        read = np.where(truth == 0, true, wrong)
        row = self._rows[read]
        left_open = np.clip(1 - sure - shares.sum(axis=-1), 0, None)
        scale = 1 / np.maximum(sure + shares.sum(axis=-1), 1)
        said = left_open[..., None] * row
        for rank in range(RANKS):
            char = np.where(truth == rank + 1, true, self._pick(row))
            share = (shares[..., rank] * scale)[..., None]
            said += share * (char[..., None] == np.arange(len(ALPHABET)))
        logs = np.log((1 - self._misread) * said + self._misread * row + 1e-12)
        own = np.log((1 - self._misread) * np.maximum(sure, 1e-6) * scale)
        np.put_along_axis(logs, read[..., None], own[..., None], axis=-1)
        return Drawn(true, read, logs, sure.min(axis=1))

    def _pick(self, shares: Floats) -> Ints:
        """One character for each row of shares."""
        drawn = self._random.random((*shares.shape[:-1], 1))
        return np.asarray(
            np.minimum((shares.cumsum(axis=-1) < drawn).sum(axis=-1), len(ALPHABET) - 1)
        )

    def _twins(self, true: Ints) -> Ints:
        """For each plate, one that differs in a single easily confused character."""
        confused = (self._rows.T >= EASILY_CONFUSED)[true]
        lot = confused * self._random.random(confused.shape)
        place, char = np.divmod(lot.reshape(len(true), -1).argmax(axis=1), len(ALPHABET))
        twins = true.copy()
        twins[np.arange(len(true)), place] = char
        return twins


def opens(drawn: Drawn, listed: Ints, level: Strictness, strong: Bools) -> Bools:
    """Whether the one listed plate of each car lets it in; the same rules as in `match.weigh`."""
    same = (listed == drawn.read).all(axis=1)
    if level.least >= 1:
        return np.asarray(same & strong)
    cars, places = np.arange(len(listed))[:, None], np.arange(listed.shape[1])[None, :]
    shares = drawn.logs[cars, places, listed]
    score = shares.sum(axis=1)
    apart = KEYS[listed] != KEYS[drawn.read]
    reach = ~apart.any(axis=1)
    if level.wide:
        followed = (~apart | (shares >= np.log(LEAST_SHARE))).all(axis=1)
        reach = (apart.sum(axis=1) <= 1) | followed
    enough = (score >= np.log(level.least)) & (
        score + np.log(level.listed_odds) >= rival(drawn, same)
    )
    return np.asarray((same & strong) | (reach & enough))


def rival(drawn: Drawn, same: Bools) -> Floats:
    """The best text that is not the listed plate: what was read, or the next best to it."""
    first = np.take_along_axis(drawn.logs, drawn.read[..., None], axis=-1)[..., 0]
    others = drawn.logs.copy()
    np.put_along_axis(others, drawn.read[..., None], -np.inf, axis=-1)
    step = (others.max(axis=-1) - first).max(axis=1)
    return np.asarray(first.sum(axis=1) + np.where(same, step, 0.0))


def other_texts(drawn: Drawn, level: Strictness, strong: Bools) -> Floats:
    """How many other texts of the plate's shape would let a car in: as read, or one away."""
    misfit = IS_DIGIT[drawn.read] != IS_DIGIT[drawn.true]
    wrong = (drawn.read != drawn.true).any(axis=1)
    as_read = wrong & ~misfit.any(axis=1) & opens(drawn, drawn.read, level, strong)
    count = as_read.astype(float)
    if level.least >= 1:
        return np.asarray(count)
    first = np.take_along_axis(drawn.logs, drawn.read[..., None], axis=-1)
    step = drawn.logs - first
    score = first.sum(axis=1, keepdims=True) + step
    enough = (score >= np.log(level.least)) & (step + np.log(level.listed_odds) >= 0)
    fits = (misfit.sum(axis=1, keepdims=True) - misfit == 0)[..., None]
    fits = fits & (IS_DIGIT[drawn.true][..., None] == IS_DIGIT)
    if not level.wide:
        fits &= KEYS[drawn.read][..., None] == KEYS
    changed = np.arange(len(ALPHABET)) != drawn.read[..., None]
    repaired = ((drawn.read != drawn.true).sum(axis=1, keepdims=True) == 1) & (
        drawn.read != drawn.true
    )
    is_true = repaired[..., None] & (np.arange(len(ALPHABET)) == drawn.true[..., None])
    return np.asarray(count + (enough & fits & changed & ~is_true).sum(axis=(1, 2)))
