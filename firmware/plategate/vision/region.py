# SPDX-License-Identifier: Apache-2.0
"""Read one plate region: cut it and ask the readers as the table of attempts says, in one loop.

A clear first reading is confirmed by the same reader on a second cut. A doubtful one is tried again
on a close-up and then given to the other readers. `pipeline` chooses the regions of a still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from plategate.values import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.attempts import (
    CASCADE,
    Asked,
    Attempt,
    Cascade,
    Cut,
    Tally,
    walk,
)
from plategate.vision.consensus.calibrate import Calibration
from plategate.vision.consensus.settle import Evidence
from plategate.vision.degraded import PART_FAILURES, Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.rectify.plate import NORMAL, Margin, rectify, trimmed

# A region below this confidence in which the first reader finds no text is no plate.
DOUBTFUL_REGION = 0.6
SMALL = "small"  # name of the small reader
# The confirming cut is tighter, and follows the detector's own corners if the refiner moved them.
SECOND_CUT = Margin(width=0.02, height=0.03)


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
        self._numbers = numbers_of(readers)
        self._evidence = evidence
        self._degraded = degraded
        self._now_s = now_s
        self._cascade = cascade
        self._calibration = calibration
        self.spent_ms: dict[str, float] = {}

    def read(
        self, image: Image, region: PlateRegion, localizer: Localizer
    ) -> tuple[PlateImage, PlateReading | None]:
        """The plate image of the region and the joined reading of all attempts."""
        plate, tally = self.attempt(image, region, localizer)
        given_up = not tally.readings and region.confidence < DOUBTFUL_REGION
        return plate, None if given_up else tally.result()

    def attempt(
        self, image: Image, region: PlateRegion, localizer: Localizer
    ) -> tuple[PlateImage, Tally]:
        """The plate image of the region and the readings of the attempts that were made."""
        with self.timed("rectify"):
            plate = rectify(image, region, NORMAL)
        tally = Tally(self._evidence, self._calibration, self._cascade, region.confidence)
        cuts = {Cut.REGION: plate}

        def ask(attempt: Attempt, number: int) -> bool:
            nonlocal cuts
            if attempt.cut is Cut.CLOSE_UP or attempt.cut not in cuts:
                made = self._cut(attempt.cut, image, cuts[Cut.REGION], localizer)
                if made is None:
                    return True
                cuts[attempt.cut] = made
            found = self._ask(self._readers[number], cuts[attempt.cut], attempt.variants)
            if found is None:
                tally.fail(attempt)
                return True
            kept = tally.add(attempt, found)
            if attempt.cut is Cut.CLOSE_UP and kept:
                cuts = {Cut.REGION: cuts[Cut.CLOSE_UP]}
            nothing = not found and not tally.readings
            return not (nothing and region.confidence < DOUBTFUL_REGION)

        walk(self._cascade.attempts, tally, self._numbers, ask)
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

    def _ask(
        self, reader: Reader, plate: PlateImage, variants: int | None
    ) -> list[PlateReading] | None:
        """The reading of one reader as a list, empty if it has none; None if the reader fails."""
        try:
            with self.timed("read"):
                reading = reader.read(plate, variants)
        except PART_FAILURES as error:
            self._degraded.failed(reader.name, str(error))
            return None
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


def numbers_of(readers: Sequence[Reader]) -> dict[Asked, list[int]]:
    """Numbers of the readers by their part in the table of attempts."""
    small = [number for number, reader in enumerate(readers) if reader.name == SMALL]
    rest = [number for number in range(len(readers)) if number not in small]
    return {Asked.SMALL: small, Asked.MAIN: rest[:1], Asked.OTHERS: rest[1:]}


def second_cut(image: Image, plate: PlateImage) -> PlateImage:
    """The plate cut tighter, to confirm its reading."""
    proposed = plate.region.proposed
    if proposed is None:
        return trimmed(plate, NORMAL, SECOND_CUT)
    region = replace(plate.region, corners=proposed)
    return rectify(image, region, SECOND_CUT)
