# SPDX-License-Identifier: Apache-2.0
"""Read one plate region: the first reader, and only where it is not sure the others and other cuts.

Regions come from a localizer; what a whole still says is decided in `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plategate.pipeline_degraded import PART_FAILURES, Degraded
from plategate.records import Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.agree import agree_readings
from plategate.vision.agree_settle import Evidence
from plategate.vision.ports import Reader
from plategate.vision.rectify import Margin, rectify

SURE = 0.95
# A second cut that is wider: what the localizer sliced off comes back into view.
WIDER = Margin(width=0.12, height=0.14)


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
        plate = self._rectify(image, region, None)
        readings: list[PlateReading] = []
        for reader in self._readers:
            readings += self._ask(reader, plate)
            agreed = agree_readings(readings, self._evidence)
            if agreed is not None and agreed.confidence >= SURE:
                return plate, agreed
        if self._readers:
            wider = self._rectify(image, region, WIDER)
            readings += self._ask(self._readers[0], wider)
        return plate, agree_readings(readings, self._evidence)

    def _rectify(self, image: Image, region: PlateRegion, margin: Margin | None) -> PlateImage:
        started = self._now_s()
        plate = rectify(image, region, margin) if margin else rectify(image, region)
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
