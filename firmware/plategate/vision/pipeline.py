# SPDX-License-Identifier: Apache-2.0
"""Find and read the plates of stills and of bursts: localize, rectify, read, join the readings.

A localizer or reader that is missing or fails never raises an exception here: it is reported once
as a degraded mode and the next one is used. A still that cannot be read has no plates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from plategate.plates.formats import format_evidence, looks_like_plate
from plategate.settings.vision import VisionSettings
from plategate.values import (
    Image,
    PlateImage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Still,
)
from plategate.vision.attempts import CASCADE, CLEAR, Cascade
from plategate.vision.consensus.calibrate import Calibration
from plategate.vision.consensus.lettering import PlateTest
from plategate.vision.consensus.merge import agree_burst
from plategate.vision.consensus.settle import Evidence
from plategate.vision.degraded import PART_FAILURES, Degraded
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.region import RegionReader

MOST_PLATES = 4
# Below this confidence a burst goes on although its stills agree: dark, far away or dirty plates.
BURST_SURE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class PlateFound:
    """One plate of a still: its region, plate image and joined reading."""

    region: PlateRegion
    plate: PlateImage
    reading: PlateReading


@dataclass(frozen=True, slots=True, eq=False)
class StillReading:
    """All plates of one still, best first, and the time of each stage.

    `regions` are all localized regions, including those that did not read as a plate. `lettering`
    are those that were read, but are probably signs, badges or the like.
    """

    still: Still
    plates: tuple[PlateFound, ...]
    regions: tuple[PlateRegion, ...]
    milliseconds: tuple[tuple[str, float], ...]
    lettering: tuple[PlateFound, ...] = ()

    @property
    def best(self) -> PlateFound | None:
        """The plate that ranks first, if any."""
        return self.plates[0] if self.plates else None


class Pipeline:
    """Localizers and readers in the order of their use. Used by one thread at a time."""

    def __init__(
        self,
        localizers: Sequence[Localizer],
        readers: Sequence[Reader],
        enough_stills: int = 2,
        evidence: Evidence | None = None,
        degraded: Degraded | None = None,
        now_s: Callable[[], float] = time.perf_counter,
        cascade: Cascade = CASCADE,
        calibration: Calibration | None = None,
        plate_test: PlateTest | None = None,
    ) -> None:
        self._cascade = cascade
        self._calibration = calibration
        self._plate_test = plate_test
        self._localizers = tuple(localizers)
        self._readers = tuple(readers)
        self._enough_stills = enough_stills
        self._evidence = evidence
        self._degraded = degraded or Degraded()
        self._now_s = now_s

    @property
    def localizer_names(self) -> tuple[str, ...]:
        """The names of the localizers, in the order in which they are tried."""
        return tuple(localizer.name for localizer in self._localizers)

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The names of the readers, in the order in which they were built."""
        return tuple(reader.name for reader in self._readers)

    @property
    def degraded(self) -> tuple[str, ...]:
        """The degraded modes in force, one sentence each."""
        return self._degraded.sentences

    def read_still(self, still: Still, every: bool = True) -> StillReading:
        """Find and read the plates of one still, with the first localizer that does not fail.

        Without `every` one plate is wanted: the search may end at the first sure one, and regions
        that could not rank before a clear plate are not read.
        """
        started = self._now_s()
        work = RegionReader(
            self._readers,
            self._evidence,
            self._degraded,
            self._now_s,
            self._cascade,
            self._calibration,
        )
        proposed: list[PlateRegion] = []
        found: list[PlateFound] = []
        for localizer in self._localizers:
            regions = self._localize(localizer, still.image, work, every)
            if regions is None:
                continue
            proposed = regions
            found = self._read_regions(still.image, regions, localizer, work, every)
            break
        ranked = sorted(found, key=lambda item: _rank(item, still.image), reverse=True)
        spent = {**work.spent_ms, "total": (self._now_s() - started) * 1000.0}
        plates = tuple(item for item in ranked if self._is_plate(item))
        lettering = tuple(item for item in ranked if item not in plates)
        return StillReading(still, plates, tuple(proposed), tuple(spent.items()), lettering)

    def _localize(
        self, localizer: Localizer, image: Image, work: RegionReader, every: bool
    ) -> list[PlateRegion] | None:
        """The regions of one localizer; None if it fails."""
        try:
            with work.timed("localize"):
                regions = localizer.localize(image, every)
        except PART_FAILURES as error:
            self._degraded.failed(localizer.name, str(error))
            return None
        self._degraded.works(localizer.name)
        return regions

    def _read_regions(
        self,
        image: Image,
        regions: Sequence[PlateRegion],
        localizer: Localizer,
        work: RegionReader,
        every: bool,
    ) -> list[PlateFound]:
        """The regions in which a registration can be read, lettering included."""
        found: list[PlateFound] = []
        for region in regions[:MOST_PLATES]:
            plates = [item for item in found if self._is_plate(item)]
            if not every and not _could_lead(region, plates, image):
                continue
            try:
                plate, reading = work.read(image, region, localizer)
            except PART_FAILURES as error:
                self._degraded.failed("rectifier", str(error))
                continue
            self._degraded.works("rectifier")
            if reading is not None and looks_like_plate(reading):
                found.append(PlateFound(region, plate, reading))
        return found

    def _is_plate(self, found: PlateFound) -> bool:
        """Whether a reading is of a plate, not of other lettering."""
        return self._plate_test is None or self._plate_test.passes(found.region, found.reading)

    def _is_enough(self, seen: Sequence[PlateFound], agreed: PlateReading) -> bool:
        """Whether enough stills agree with enough confidence to end the burst."""
        votes = sum(item.reading.text == agreed.text for item in seen)
        return votes >= self._enough_stills and agreed.confidence >= BURST_SURE

    def read_burst(self, stills: Iterable[Still]) -> PlateSighting:
        """Read the stills of one burst until enough of them agree; later stills are not taken."""
        seen: list[PlateFound] = []
        origins: list[Still] = []
        spent: dict[str, float] = {}
        count, last, agreed = 0, None, None
        unread: tuple[PlateRegion, ...] = ()
        for still in stills:
            count, last = count + 1, still
            reading = self.read_still(still, every=False)
            for stage, milliseconds in reading.milliseconds:
                spent[stage] = spent.get(stage, 0.0) + milliseconds
            unread = reading.regions
            if reading.best is not None:
                seen.append(reading.best)
                origins.append(still)
                agreed = agree_burst([item.reading for item in seen])
                if agreed is not None and self._is_enough(seen, agreed):
                    break
        if agreed is None:
            return PlateSighting(None, None, last, count, tuple(spent.items()), unread=unread)
        shown = max(range(len(seen)), key=lambda i: _shows(seen[i], agreed))
        return PlateSighting(agreed, seen[shown].plate, origins[shown], count, tuple(spent.items()))


def build_pipeline(
    settings: VisionSettings,
    now_s: Callable[[], float] = time.perf_counter,
    *,
    countries: Sequence[str] = (),
) -> Pipeline:
    """The pipeline of the settings, with every localizer and reader that is available.

    The plate formats of `countries` count as evidence; without countries those of all.
    """
    from plategate.vision.build import (
        build_calibration,
        build_localizers,
        build_plate_test,
        build_readers,
    )

    degraded = Degraded()
    return Pipeline(
        localizers=build_localizers(settings, degraded),
        readers=build_readers(settings, degraded),
        enough_stills=settings.enough_stills,
        evidence=format_evidence(countries),
        degraded=degraded,
        now_s=now_s,
        calibration=build_calibration(settings, degraded),
        plate_test=build_plate_test(settings, degraded),
    )


def _rank(found: PlateFound, image: Image) -> float:
    """Rank of a plate among those of its still: read confidently, large, central."""
    return found.reading.confidence + _prominence(found.region, image)


def _could_lead(region: PlateRegion, found: Sequence[PlateFound], image: Image) -> bool:
    """Whether a plate could rank before all clear ones, if it were read with full confidence."""
    most = 1.0 + _prominence(region, image)
    return all(most > _rank(item, image) for item in found if item.reading.confidence >= CLEAR)


def _prominence(region: PlateRegion, image: Image) -> float:
    """Rank of a region before it is read."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = region.box
    off_centre: float = abs((x0 + x1) / 2 / width - 0.5) + abs((y0 + y1) / 2 / height - 0.5)
    size: float = min(1.0, region.width / (0.25 * width))
    return 0.5 * region.confidence + 0.5 * size - 0.3 * off_centre


def _shows(found: PlateFound, agreed: PlateReading) -> tuple[bool, float]:
    """Sort key: stills that read the joined text first, then by confidence."""
    return found.reading.text == agreed.text, found.reading.confidence
