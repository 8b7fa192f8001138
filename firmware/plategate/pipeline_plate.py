# SPDX-License-Identifier: Apache-2.0
"""Read one plate region: the first reader on two cuts, and the others where it is not sure.

Regions come from a localizer; what a whole still says is decided in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plategate.pipeline_degraded import PART_FAILURES, Degraded
from plategate.records import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.agree import agree_readings
from plategate.vision.agree_settle import Evidence
from plategate.vision.localize_contour_refine import refine_corners
from plategate.vision.ports import Reader
from plategate.vision.rectify import NORMAL, Margin, rectify

# Where two cuts read by the first reader are as sure as this, no other reader is asked.
SURE = 0.98
# The second cut is levelled and wider: a character that the first sliced off comes into view.
SECOND_CUT = Margin(width=0.08, height=0.12)


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

    def read(self, image: Image, region: PlateRegion) -> tuple[PlateImage, PlateReading | None]:
        """The straightened plate and what the readers agree that it says."""
        plate = self._rectify(image, region, NORMAL)
        if not self._readers:
            return plate, None
        first, *others = self._readers
        levelled = self._rectify(image, self._level(image, region), SECOND_CUT)
        readings = [*self._ask(first, plate), *self._ask(first, levelled)]
        agreed = agree_readings(readings, self._evidence)
        for reader in others:
            if agreed is not None and agreed.confidence >= SURE:
                break
            readings += self._ask(reader, levelled)
            agreed = agree_readings(readings, self._evidence)
        return plate, agreed

    def _level(self, image: Image, region: PlateRegion) -> PlateRegion:
        started = self._now_s()
        refined = refine_corners(image, region)
        self._add("rectify", started)
        return refined

    def _rectify(self, image: Image, region: PlateRegion, margin: Margin) -> PlateImage:
        started = self._now_s()
        plate = rectify(image, region, margin)
        self._add("rectify", started)
        return plate

    def _ask(self, reader: Reader, plate: PlateImage) -> list[PlateReading]:
        """The reading of one reader in a list, which is empty where it has none or fails."""
        started = self._now_s()
        try:
            reading = reader.read(plate)
        except PART_FAILURES as error:
            self._degraded.lost(reader.name, str(error))
            return []
        finally:
            self._add("read", started)
        self._degraded.well(reader.name)
        return [reading] if reading is not None and reading.characters else []

    def _add(self, stage: str, started: float) -> None:
        spent = (self._now_s() - started) * 1000.0
        self.spent_ms[stage] = self.spent_ms.get(stage, 0.0) + spent
