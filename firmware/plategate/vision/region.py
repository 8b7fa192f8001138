# SPDX-License-Identifier: Apache-2.0
"""Read one plate region: a table of attempts, each a cut of the plate and a reader, in one loop.

A clear first reading is confirmed by the same reader on a second cut. A doubtful one is tried again
on a close-up and then given to the other readers, which the first cannot replace: it has tried all
its variants already. `pipeline` chooses the regions of a still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from math import inf

from plategate.values import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.consensus.calibrate import Calibration
from plategate.vision.consensus.merge import agree_readings
from plategate.vision.consensus.settle import Evidence
from plategate.vision.degraded import PART_FAILURES, Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.rectify.level import levelled
from plategate.vision.rectify.plate import NORMAL, Margin, rectify, trimmed

# A region below this confidence in which the first reader finds no text is no plate.
DOUBTFUL_REGION = 0.6
# Limits of confidence, chosen on the validation split (scripts/benchmark). From SURE on, joined
# readings need no further reader: asking all readers about every plate reads no more of them right.
SURE = 0.95
# From CLEAR on, a first reading only has to be confirmed, and a second one confirms it.
CLEAR = 0.8
# Below LOST the other readers also read the levelled cut. A higher limit asks more often (0.8: 20
# of 290 plates, 0.7: 4) and reads no more of them right.
LOST = 0.7
# The confirming cut is tighter, and follows the detector's own corners if the refiner moved them.
SECOND_CUT = Margin(width=0.02, height=0.03)


class Cut(Enum):
    """How the plate image of an attempt is cut."""

    REGION = auto()  # the region as localized, with the normal margin
    CLOSE_UP = auto()  # the region refined in a close-up; replaces REGION if read more surely
    SECOND = auto()  # the tighter cut that confirms
    LEVELLED = auto()  # the tighter cut, levelled by the row of characters


class State(Enum):
    """What is known about a region while it is read."""

    UNREAD = auto()
    ALONE = auto()  # one reading that needs no confirmation
    CLEAR = auto()  # one clear reading, not confirmed yet
    CONFIRMED = auto()  # and the second cut was read clearly as well
    UNCONFIRMED = auto()  # but the second cut was not
    DOUBTFUL = auto()  # a weak first reading, none, or one that the close-up contradicts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the table: what is read by whom, in which state and below which confidence.

    `others` means all readers but the first, one after the other, each only while the joined
    reading is below `below`. The reader reads at most `variants` of the cut, or all of them.
    """

    cut: Cut
    state: State
    others: bool = False
    below: float = inf
    variants: int | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """The table of attempts and the limits of a first reading.

    From `clear` on a reading only has to be confirmed; from `alone` on, calibrated, not even that.
    """

    attempts: tuple[Attempt, ...]
    clear: float = CLEAR
    alone: float = inf


CASCADE = Cascade(
    (
        Attempt(Cut.REGION, State.UNREAD),
        Attempt(Cut.CLOSE_UP, State.DOUBTFUL),
        Attempt(Cut.SECOND, State.CLEAR),
        Attempt(Cut.REGION, State.CONFIRMED, others=True, below=SURE),
        Attempt(Cut.REGION, State.UNCONFIRMED, others=True),
        Attempt(Cut.REGION, State.DOUBTFUL, others=True, below=SURE),
        Attempt(Cut.LEVELLED, State.DOUBTFUL, others=True, below=LOST),
    )
)


class Tally:
    """The readings of one region so far, and which attempts are still worth making."""

    def __init__(
        self,
        evidence: Evidence | None = None,
        calibration: Calibration | None = None,
        cascade: Cascade = CASCADE,
    ) -> None:
        self._evidence = evidence
        self._calibration = calibration
        self._cascade = cascade
        self.state = State.UNREAD
        self.readings: list[PlateReading] = []
        self.contradicted: list[PlateReading] = []  # first readings that a close-up replaced
        self._joined: PlateReading | None = None  # None until a second attempt was made

    def wants(self, attempt: Attempt) -> bool:
        """Whether the attempt is worth making now."""
        if attempt.state is not self.state:
            return False
        return self._joined is None or self._joined.confidence < attempt.below

    def add(self, attempt: Attempt, found: list[PlateReading]) -> bool:
        """Count the reading of an attempt, if it found one; False if it is set aside."""
        if attempt.cut is Cut.CLOSE_UP:
            if confidence_of(found) <= confidence_of(self.readings):
                return False
            self.contradicted, self.readings = self.readings, found
            differs = bool(self.contradicted) and self.contradicted[0].text != found[0].text
            self._judge_first(differs)
            return True
        if self.state is State.UNREAD:
            self.readings = found
            self._judge_first(differs=False)
            return True
        if self.state is State.CLEAR:
            clear = confidence_of(found) >= self._cascade.clear
            self.state = State.CONFIRMED if clear else State.UNCONFIRMED
        self.readings = [*self.readings, *found]
        self._joined = self._join(self.readings)
        return True

    def result(self) -> PlateReading | None:
        """The joined reading; a contradicted one counts if no other reader has read the plate."""
        if len(self.readings) == 1 and self.contradicted:
            if self.contradicted[0].text != self.readings[0].text:
                self.readings = [*self.readings, *self.contradicted]
            return self._join(self.readings)
        return self._joined or self._join(self.readings)

    def _judge_first(self, differs: bool) -> None:
        if confidence_of(self.readings) < self._cascade.clear or differs:
            self.state = State.DOUBTFUL
            return
        joined = self._join(self.readings)
        alone = joined is not None and joined.confidence >= self._cascade.alone
        self.state = State.ALONE if alone else State.CLEAR

    def _join(self, readings: Sequence[PlateReading]) -> PlateReading | None:
        return agree_readings(readings, self._evidence, self._calibration)


Ask = Callable[[Attempt, int], bool]


def walk(attempts: Sequence[Attempt], tally: Tally, readers: int, ask: Ask) -> None:
    """Make the attempts that `tally` wants; `ask` makes one with the reader of that number.

    `ask` adds its reading to the tally and returns False to end the walk.
    """
    for attempt in attempts:
        for number in range(1, readers) if attempt.others else range(min(1, readers)):
            if tally.wants(attempt) and not ask(attempt, number):
                return


class RegionReader:
    """Reads regions with the given readers and adds up the time of each stage."""

    def __init__(
        self,
        readers: Sequence[Reader],
        evidence: Evidence | None,
        degraded: Degraded,
        now_s: Callable[[], float],
        cascade: Cascade = CASCADE,
        calibration: Calibration | None = None,
    ) -> None:
        self._readers = tuple(readers)
        self._evidence = evidence
        self._degraded = degraded
        self._now_s = now_s
        self._cascade = cascade
        self._calibration = calibration
        self.spent_ms: dict[str, float] = {}

    def read(
        self, image: Image, region: PlateRegion, localizer: Localizer, thorough: bool = True
    ) -> tuple[PlateImage, PlateReading | None]:
        """The plate image of the region and the joined reading of all attempts.

        Without `thorough` a doubtful first reading is returned without further attempts.
        """
        plate, tally = self.attempt(image, region, localizer, thorough)
        given_up = not tally.readings and region.confidence < DOUBTFUL_REGION
        return plate, None if given_up else tally.result()

    def attempt(
        self, image: Image, region: PlateRegion, localizer: Localizer, thorough: bool = True
    ) -> tuple[PlateImage, Tally]:
        """The plate image of the region and the readings of the attempts that were made."""
        with self.timed("rectify"):
            plate = rectify(image, region, NORMAL)
        tally = Tally(self._evidence, self._calibration, self._cascade)
        cuts = {Cut.REGION: plate}

        def ask(attempt: Attempt, number: int) -> bool:
            if attempt.cut is Cut.CLOSE_UP or attempt.cut not in cuts:
                made = self._cut(attempt.cut, image, cuts[Cut.REGION], localizer)
                if made is None:
                    return True
                cuts[attempt.cut] = made
            found = self._ask(self._readers[number], cuts[attempt.cut], attempt.variants)
            kept = tally.add(attempt, found)
            if attempt.cut is Cut.CLOSE_UP and kept:
                cuts[Cut.REGION] = cuts[Cut.CLOSE_UP]
            if not tally.readings and region.confidence < DOUBTFUL_REGION:
                return False
            return thorough or tally.state is not State.DOUBTFUL

        walk(self._cascade.attempts, tally, len(self._readers), ask)
        return cuts[Cut.REGION], tally

    def _cut(
        self, cut: Cut, image: Image, plate: PlateImage, localizer: Localizer
    ) -> PlateImage | None:
        """The plate cut in another way; None if the localizer has no close-up of it."""
        region: PlateRegion | None = plate.region
        if cut is Cut.CLOSE_UP:
            region = self._close_up(image, plate.region, localizer)
        if region is None:
            return None
        with self.timed("rectify"):
            if cut is Cut.SECOND:
                return second_cut(image, plate)
            if cut is Cut.LEVELLED:
                return rectify(image, levelled(image, region), SECOND_CUT)
            return rectify(image, region, NORMAL)

    def _close_up(
        self, image: Image, region: PlateRegion, localizer: Localizer
    ) -> PlateRegion | None:
        try:
            with self.timed("localize"):
                return localizer.close_up(image, region)
        except PART_FAILURES as error:
            self._degraded.failed(localizer.name, str(error))
            return None

    def _ask(self, reader: Reader, plate: PlateImage, variants: int | None) -> list[PlateReading]:
        """The reading of one reader as a list, empty if it has none or fails."""
        try:
            with self.timed("read"):
                reading = reader.read(plate, variants)
        except PART_FAILURES as error:
            self._degraded.failed(reader.name, str(error))
            return []
        self._degraded.works(reader.name)
        return [reading] if reading is not None and reading.characters else []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage, in milliseconds."""
        started = self._now_s()
        try:
            yield
        finally:
            spent = (self._now_s() - started) * 1000.0
            self.spent_ms[stage] = self.spent_ms.get(stage, 0.0) + spent


def second_cut(image: Image, plate: PlateImage) -> PlateImage:
    """The plate cut tighter, to confirm its reading."""
    proposed = plate.region.proposed
    if proposed is None:
        return trimmed(plate, NORMAL, SECOND_CUT)
    region = replace(plate.region, corners=proposed)
    return rectify(image, region, SECOND_CUT)


def confidence_of(readings: Sequence[PlateReading]) -> float:
    """The highest confidence; 0.0 if there is no reading."""
    return max((reading.confidence for reading in readings), default=0.0)
