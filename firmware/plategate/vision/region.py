# SPDX-License-Identifier: Apache-2.0
"""Read one plate region: by one reader in two cuts where it is clear, else by the others as well.

Regions come from a localizer; what a whole still says is decided in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf

from plategate.values import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.consensus.merge import agree_readings
from plategate.vision.consensus.settle import Evidence
from plategate.vision.degraded import PART_FAILURES, Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.localize.contour_refine import refine_corners
from plategate.vision.rectify.plate import NORMAL, Margin, rectify, trimmed

# A region less likely than this in which the first reader sees no text is given up.
DOUBTFUL = 0.6
# Where the readings are as sure as this together, nobody else is asked. Limit and order were chosen
# on the validation split: asking everybody about every plate reads no more of them right.
SURE = 0.95
# A first reader that is as sure as this needs only to be confirmed; a confirmation that is less
# sure is none, and others are asked.
CLEAR = 0.8
# Where the readers together are less sure than this, others look again at the levelled plate. A
# higher limit asks more often (0.8: 20 of 290 plates, 0.7: 4) and reads no more of them right.
LOST = 0.7
# The second cut is tighter, and along other corners where there are any.
SECOND_CUT = Margin(width=0.02, height=0.03)


class PlateReadings:
    """Asks the readers about regions and keeps the time that each stage took."""

    def __init__(
        self,
        readers: Sequence[Reader],
        evidence: Evidence | None,
        degraded: Degraded,
        now_s: Callable[[], float],
    ) -> None:
        self._readers = tuple(readers)
        self._evidence = evidence
        self._degraded = degraded
        self._now_s = now_s
        self.spent_ms: dict[str, float] = {}

    def read(
        self, image: Image, region: PlateRegion, localizer: Localizer, thorough: bool = True
    ) -> tuple[PlateImage, PlateReading | None]:
        """The straightened plate and what the readers agree that it says.

        Not thorough: a doubtful first reading is left as it is.
        """
        plate, readings = self._first(image, region)
        if not self._readers or (not readings and region.confidence < DOUBTFUL):
            return plate, None
        doubted = readings
        if _sureness(readings) < CLEAR and thorough:
            plate, readings = self._from_nearer(image, localizer, plate, readings)
        others = self._readers[1:]
        differs = bool(doubted) and doubted[0].text != readings[0].text
        # A clear first reading is confirmed by the same reader; about a doubtful one, or one that
        # says something else from nearer, others are asked: the first has looked in every way.
        if _sureness(readings) >= CLEAR and not differs:
            return plate, self._confirmed(image, plate, readings)
        agreed = None
        if thorough:
            agreed = self._agreed(others, plate, readings, None, SURE)
            if others and (agreed is None or agreed.confidence < LOST):
                with self.timed("rectify"):
                    again = rectify(image, refine_corners(image, plate.region), SECOND_CUT)
                agreed = self._agreed(others, again, readings, agreed, LOST)
        if len(readings) == 1:  # nobody else spoke, so what differs must not be forgotten
            return plate, agree_readings(
                [*readings, *doubted] if differs else readings, self._evidence
            )
        return plate, agreed

    def _first(self, image: Image, region: PlateRegion) -> tuple[PlateImage, list[PlateReading]]:
        """The plate, straightened, and what the first reader sees on it."""
        with self.timed("rectify"):
            plate = rectify(image, region, NORMAL)
        return plate, self._ask(self._readers[0], plate) if self._readers else []

    def _confirmed(
        self, image: Image, plate: PlateImage, readings: list[PlateReading]
    ) -> PlateReading | None:
        """What comes out when the first reader looks at another cut, and others if it must be."""
        with self.timed("rectify"):
            again = another_cut(image, plate)
        second = self._ask(self._readers[0], again)
        readings += second
        agreed = agree_readings(readings, self._evidence)
        enough = SURE if _sureness(second) >= CLEAR else inf
        return self._agreed(self._readers[1:], plate, readings, agreed, enough)

    def _from_nearer(
        self, image: Image, localizer: Localizer, plate: PlateImage, readings: list[PlateReading]
    ) -> tuple[PlateImage, list[PlateReading]]:
        """The plate with the corners that a closer look gives it, if it is read more surely so."""
        try:
            with self.timed("localize"):
                region = localizer.look_closer(image, plate.region)
        except PART_FAILURES as error:
            self._degraded.lost(localizer.name, str(error))
            return plate, readings
        if region is None:
            return plate, readings
        nearer = self._first(image, region)
        return nearer if _sureness(nearer[1]) > _sureness(readings) else (plate, readings)

    def _agreed(
        self,
        readers: Sequence[Reader],
        plate: PlateImage,
        readings: list[PlateReading],
        agreed: PlateReading | None,
        enough: float,
    ) -> PlateReading | None:
        """What comes out when readers are asked, one by one, until it is sure enough.

        Their readings are added to `readings`.
        """
        for reader in readers:
            if agreed is not None and agreed.confidence >= enough:
                break
            readings += self._ask(reader, plate)
            agreed = agree_readings(readings, self._evidence)
        return agreed

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count what happens inside towards a stage of the work."""
        started = self._now_s()
        try:
            yield
        finally:
            spent = (self._now_s() - started) * 1000.0
            self.spent_ms[stage] = self.spent_ms.get(stage, 0.0) + spent

    def _ask(self, reader: Reader, plate: PlateImage) -> list[PlateReading]:
        """The reading of one reader in a list, which is empty where it has none or fails."""
        try:
            with self.timed("read"):
                reading = reader.read(plate)
        except PART_FAILURES as error:
            self._degraded.lost(reader.name, str(error))
            return []
        self._degraded.well(reader.name)
        return [reading] if reading is not None and reading.characters else []


def another_cut(image: Image, plate: PlateImage) -> PlateImage:
    """The plate cut anew to confirm what was read on it."""
    proposed = plate.region.proposed
    if proposed is None:
        return trimmed(plate, NORMAL, SECOND_CUT)
    region = replace(plate.region, corners=proposed)
    return replace(rectify(image, region, SECOND_CUT), confirms=True)


def _sureness(readings: Sequence[PlateReading]) -> float:
    return max((reading.confidence for reading in readings), default=0.0)
