# SPDX-License-Identifier: Apache-2.0
"""Which attempts are made at one plate: a table of cuts and readers, and what has been read so far.

Pure decisions, without pictures: `region` makes the cuts and asks the readers, and the calibration
fit in models/training walks the same table over recorded readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from plategate.values import PlateReading
from plategate.vision.consensus.calibrate import Calibration
from plategate.vision.consensus.merge import agree_readings
from plategate.vision.consensus.settle import Evidence

# From CLEAR on, a first reading only has to be confirmed, and a second one confirms it; chosen on
# the validation split (scripts/benchmark).
CLEAR = 0.8
# Below this confidence no close-up is made: there it wins one of 2,149 plates and loses one, for
# 30 M instructions a picture (by day and under six conditions; latency.md).
HOPELESS = 0.2
# A region with a localizer's confidence below the first, which the small reader reads below the
# second, is given up. Chosen on training photographs (day, night, small): none of 3,917 plates that
# are read right is lost, and one call of the main reader in sixteen is saved.
UNREADABLE_REGION, UNREADABLE = 0.55, 0.0001


class Cut(Enum):
    """How the plate image of an attempt is cut."""

    REGION = auto()  # the region as localized, with the normal margin
    CLOSE_UP = auto()  # the region refined in a close-up; replaces REGION if read more surely
    SECOND = auto()  # the tighter cut that confirms


class Asked(Enum):
    """Which readers read the cut of an attempt."""

    SMALL = auto()  # the small reader, which is right about clear plates
    MAIN = auto()
    OTHERS = auto()  # all other readers, one after the other


class ReadingState(Enum):
    """What is known about a region while it is read."""

    UNREAD = auto()
    SMALL_CLEAR = auto()  # one clear reading of the small reader, not confirmed yet
    SMALL_LIKELY = auto()  # a reading of the small reader that the main one can confirm
    UNREADABLE = auto()  # no plate: neither the localizer nor the small reader sees much of one
    FAILED = auto()  # the main reader failed
    ALONE = auto()  # one reading that needs no confirmation
    CLEAR = auto()  # one clear reading, not confirmed yet
    CONFIRMED = auto()  # and the second cut, or the small reader, reads the same
    UNCONFIRMED = auto()  # but the second cut does not
    DOUBTFUL = auto()  # a weak first reading, none, or one that the close-up contradicts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the table: what is read by whom, in which state and between which confidences.

    It is made while the reading so far is at least `above` and below `below`; no reading counts as
    0. The reader reads at most `variants` of the cut, or all of them.
    """

    cut: Cut
    asked: Asked
    state: ReadingState
    above: float = 0.0
    below: float = inf
    variants: int | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """The table of attempts and the limits of a first reading.

    From `clear` on a reading only has to be confirmed; from `alone` on, calibrated, not even that.
    The small reader has limits of its own; from `agree` on it confirms the main one. A region below
    `unreadable_region` in which the small reader reads less than `unreadable` is not read further.
    """

    attempts: tuple[Attempt, ...]
    clear: float = CLEAR
    alone: float = inf
    small_clear: float = inf
    small_alone: float = inf
    agree: float = inf
    unreadable: float = 0.0
    unreadable_region: float = 0.0


# Rows, limits and numbers of variants were chosen with scripts/attempt_gains; latency.md has
# the gain and the cost of each. Other readers are asked where the main one contradicts itself or
# fails: about all doubtful plates of seven conditions, 2,149, they lose one plate more than they
# win, and of 149 regions in which the main one finds no text they read none right. No reading
# suffices alone: with a limit of 0.97 two of 796 readings above 0.99 are wrong (day and four
# conditions), without it none of 849. With small_clear at 0.7 two more of 307 small plates
# (condition "small") are read wrong, one at 0.99.
CASCADE = Cascade(
    (
        Attempt(Cut.REGION, Asked.SMALL, ReadingState.UNREAD, variants=1),
        Attempt(Cut.SECOND, Asked.SMALL, ReadingState.SMALL_CLEAR, variants=1),
        Attempt(Cut.REGION, Asked.MAIN, ReadingState.SMALL_LIKELY, variants=1),
        Attempt(Cut.REGION, Asked.MAIN, ReadingState.UNREAD, variants=2),
        Attempt(Cut.CLOSE_UP, Asked.MAIN, ReadingState.DOUBTFUL, above=HOPELESS, variants=1),
        Attempt(Cut.SECOND, Asked.MAIN, ReadingState.CLEAR, variants=1),
        Attempt(Cut.REGION, Asked.OTHERS, ReadingState.UNCONFIRMED, variants=1),
        Attempt(Cut.REGION, Asked.OTHERS, ReadingState.FAILED, variants=1),
    ),
    small_clear=0.8,
    agree=0.5,
    unreadable=UNREADABLE,
    unreadable_region=UNREADABLE_REGION,
)


class Tally:
    """The readings of one region so far, and which attempts are still worth making."""

    def __init__(
        self,
        evidence: Evidence | None = None,
        calibration: Calibration | None = None,
        cascade: Cascade = CASCADE,
        region: float = 1.0,
    ) -> None:
        """`region` is the localizer's confidence."""
        self._evidence = evidence
        self._calibration = calibration
        self._cascade = cascade
        self._region = region
        self.state = ReadingState.UNREAD
        self.readings: list[PlateReading] = []
        self.contradicted: list[PlateReading] = []  # first readings that a close-up replaced
        self._small: list[PlateReading] = []
        self._joined: PlateReading | None = None  # None until a second attempt was made

    def wants(self, attempt: Attempt) -> bool:
        """Whether the attempt is worth making now."""
        if attempt.state is not self.state:
            return False
        found = self.readings if self._joined is None else [self._joined]
        return attempt.above <= confidence_of(found) < attempt.below

    def add(self, attempt: Attempt, found: list[PlateReading]) -> bool:
        """Count the reading of an attempt, if it found one; False if it is set aside.

        A reading of the small reader counts if it is clear, or if the main one has the same text.
        """
        if attempt.asked is Asked.SMALL:
            return self._add_small(found)
        if attempt.cut is Cut.CLOSE_UP:
            if confidence_of(found) <= confidence_of(self.readings):
                return False
            self.contradicted, self.readings = self.readings, found
            differs = bool(self.contradicted) and self.contradicted[0].text != found[0].text
            self._judge_first(differs)
            return True
        if self.state is ReadingState.SMALL_LIKELY and not self._agrees_with_small(found):
            self.state = ReadingState.UNREAD
            return False
        if self.state in {ReadingState.UNREAD, ReadingState.SMALL_LIKELY}:
            self.readings = found
            self._judge_first(differs=False)
            return True
        if self.state is ReadingState.CLEAR:
            same = bool(found) and found[0].text == self.readings[0].text
            confirmed = same and confidence_of(found) >= self._cascade.clear
            self.state = ReadingState.CONFIRMED if confirmed else ReadingState.UNCONFIRMED
        self.readings = [*self.readings, *found]
        self._joined = self._join(self.readings)
        return True

    def _add_small(self, found: list[PlateReading]) -> bool:
        """Count a reading of the small reader; False if the main reader has to read the plate."""
        same = bool(found and self._small) and found[0].text == self._small[0].text
        sure = confidence_of(found)
        if self.state is ReadingState.SMALL_CLEAR:
            if not same or sure < self._cascade.small_clear:
                self.state = ReadingState.SMALL_LIKELY
                return False
            self.readings, self.state = [*self._small, *found], ReadingState.CONFIRMED
            self._joined = self._join(self.readings)
            return True
        self._small = found
        if sure >= self._cascade.small_alone:
            self.readings, self.state = found, ReadingState.ALONE
        elif sure >= self._cascade.small_clear:
            self.state = ReadingState.SMALL_CLEAR
        elif sure >= self._cascade.agree:
            self.state = ReadingState.SMALL_LIKELY
            return False
        elif self._region < self._cascade.unreadable_region and sure < self._cascade.unreadable:
            self.state = ReadingState.UNREADABLE
            return False
        return self.state is not ReadingState.UNREAD

    def fail(self, attempt: Attempt) -> None:
        """Count an attempt whose reader failed: as one without text, but others take over.

        A small reader that fails is as good as none.
        """
        first = {ReadingState.UNREAD, ReadingState.SMALL_LIKELY}
        if attempt.asked is Asked.MAIN and self.state in first:
            self.state = ReadingState.FAILED
        else:
            self.add(attempt, [])

    def result(self) -> PlateReading | None:
        """The joined reading; a contradicted one counts if no other reader has read the plate."""
        if len(self.readings) == 1 and self.contradicted:
            if self.contradicted[0].text != self.readings[0].text:
                self.readings = [*self.readings, *self.contradicted]
            return self._join(self.readings)
        return self._joined or self._join(self.readings)

    def _judge_first(self, differs: bool) -> None:
        if self._agrees_with_small(self.readings):
            self.readings = [*self.readings, *self._small]
            self.state, self._joined = ReadingState.CONFIRMED, self._join(self.readings)
            return
        if confidence_of(self.readings) < self._cascade.clear or differs:
            self.state = ReadingState.DOUBTFUL
            return
        self.state = ReadingState.CLEAR
        if self._cascade.alone < inf:
            joined = self._join(self.readings)
            if joined is not None and joined.confidence >= self._cascade.alone:
                self.state = ReadingState.ALONE

    def _agrees_with_small(self, found: Sequence[PlateReading]) -> bool:
        """Whether the small reader has the same text, and both are confident enough."""
        if not found or not self._small:
            return False
        least = min(confidence_of(found), confidence_of(self._small))
        return found[0].text == self._small[0].text and least >= self._cascade.agree

    def _join(self, readings: Sequence[PlateReading]) -> PlateReading | None:
        return agree_readings(readings, self._evidence, self._calibration)


Ask = Callable[[Attempt, int], bool]


def walk(
    attempts: Sequence[Attempt], tally: Tally, readers: Mapping[Asked, Sequence[int]], ask: Ask
) -> None:
    """Make the attempts that `tally` wants; `ask` makes one with the reader of that number.

    `readers` gives the numbers of the readers there are. `ask` adds the reading to the tally and
    returns False to end the walk.
    """
    for attempt in attempts:
        for number in readers.get(attempt.asked, ()):
            if tally.wants(attempt) and not ask(attempt, number):
                return


def confidence_of(readings: Sequence[PlateReading]) -> float:
    """The highest confidence; 0.0 if there is no reading."""
    return max((reading.confidence for reading in readings), default=0.0)
