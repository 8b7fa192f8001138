# SPDX-License-Identifier: Apache-2.0
"""Match real readings with lists; count right and wrong openings, refusals and unsure verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from matching.collect import Sample
from matching.registers import Asked, Level, Register, judged, made_up, neighbours
from plategate.access.matching.match import MatchResult
from plategate.plates.confusions import Confusions
from plategate.values import PlateReading
from plategate.vision.consensus.merge import agree_burst

NEIGHBOURS = 5  # plates one confusion away that are tried for each reading


@dataclass
class Rates:
    """Counts of one kind of passage at one level and one size of list."""

    level: str
    size: int
    burst: int
    owners: Counter[str] = field(default_factory=Counter)  # right, wrong, unsure, refused
    near_strangers: Counter[str] = field(default_factory=Counter)  # opened, not
    far_strangers: Counter[str] = field(default_factory=Counter)


def bursts(samples: Sequence[Sample], length: int) -> list[tuple[str, PlateReading | None]]:
    """Readings of the same car in pictures that follow each other, joined as the gate does."""
    if length == 1:
        return [(sample.truth, sample.reading) for sample in samples]
    joined: list[tuple[str, PlateReading | None]] = []
    for truth, group in groupby(sorted(samples, key=_moment), key=lambda sample: sample.truth):
        stills = [sample.reading for sample in group]
        for start in range(len(stills) - length + 1):
            seen = [reading for reading in stills[start : start + length] if reading is not None]
            joined.append((truth, agree_burst(seen) if seen else None))
    return joined


def _moment(sample: Sample) -> tuple[str, int]:
    """The film and the second that a picture was taken from, as its name says."""
    film, _, second = Path(sample.image).stem.partition("_t_")
    return film.partition("_")[2], int(second or 0)


@dataclass(frozen=True)
class Passage:
    """A car: its plate, what was read, and listed plates that it must not be taken for."""

    truth: str
    asked: Asked | None
    twins: tuple[str, ...]


def passages(
    readings: Sequence[tuple[str, PlateReading | None]], tables: Mapping[str, Confusions]
) -> list[Passage]:
    """Cars to try; `tables` has for each plate a table of confusions not learned from it."""
    truths = {truth for truth, _ in readings}
    return [
        Passage(
            truth,
            Asked(reading, tables[truth]) if reading is not None and reading.text else None,
            tuple(twin for twin in neighbours(truth, NEIGHBOURS, 1) if twin not in truths),
        )
        for truth, reading in readings
    ]


def rates(
    cars: Sequence[Passage],
    levels: Sequence[Level],
    real: list[str],
    size: int,
    least: float,
    burst: int = 1,
) -> list[Rates]:
    """Let every car pass a gate with a list of `size` plates, at each level."""
    others = Register(made_up(size - 1, real, seed=size, without={car.truth for car in cars}))
    nobody = Register(())
    found = []
    for level in levels:
        counts = Rates(level.name, size, burst)
        for car in cars:
            counts.owners[owner(car.asked, car.truth, others, level, least)] += 1
            counts.far_strangers[stranger(car.asked, (), others, level, least)] += 1
            for twin in car.twins:
                counts.near_strangers[stranger(car.asked, (twin,), nobody, level, least)] += 1
        found.append(counts)
    return found


def owner(asked: Asked | None, truth: str, others: Register, level: Level, least: float) -> str:
    """The result for a car whose plate is on the list."""
    if asked is None:
        return "not read"
    match = judged(asked, others, (truth,), level, least)
    if match.result is MatchResult.MATCHED:
        return "right" if match.plate == truth else "wrong"
    weak = asked.reading.confidence < least
    return "refused" if match.result is MatchResult.NONE and not weak else "unsure"


def stranger(
    asked: Asked | None,
    listed: tuple[str, ...],
    others: Register,
    level: Level,
    least: float,
) -> str:
    """The result for a car that is on no list."""
    if asked is None:
        return "shut"
    opened = judged(asked, others, listed, level, least).result is MatchResult.MATCHED
    return "opened" if opened else "shut"
