# SPDX-License-Identifier: Apache-2.0
"""Find plates in a still with the two trained networks: BGR uint8 in, regions with corners out.

The detector proposes candidates in the whole still and the refiner examines each in a close-up. If
the best candidate is doubtful, both run again on four overlapping parts of the still; below that
the still is taken as empty. Where one plate is wanted, a coarse pass comes first. The still is not
modified.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plategate.errors import ImageError, ModelError
from plategate.values import Corners, Image, PlateRegion
from plategate.vision.choice import NO_CHOICES, Choices
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.maps import PlateCandidate, overlap, without_overlaps
from plategate.vision.localize.refiner import Refiner

PART = 0.58  # width and height of one of the four parts, as a share of the still's


@dataclass(frozen=True, slots=True)
class Search:
    """Thresholds of the search; models/training/detector/tune.py chose them on validation data."""

    suspect: float = 0.1  # lowest detector score of a candidate
    # A candidate below this share of the best score is not refined (latency.md: gain and cost).
    rival: float = 0.28
    most: int = 6  # at most this many candidates are refined, the most likely ones
    trust: float = 0.4  # exponent of the refiner's probability; the detector's has the rest to 1
    moved: float = 0.7  # a candidate that overlaps its refined box by less is refined once more
    # A close-up that overlaps the region by at least this shows nothing new.
    same: float = 0.95
    accept: float = 0.23  # lowest combined probability of a region that is reported
    sure: float = 0.45  # below this combined probability the parts of the still are searched too
    parts: bool = True
    parts_from: float = 0.3  # but not if the best combined probability is below this
    # From this combined probability on, a coarse pass suffices where one plate is wanted.
    coarse_sure: float = 0.7
    # A coarse candidate below this detector score is not refined: it could not become sure.
    coarse_suspect: float = 0.5


# Without the refiner the detector's score has to be higher for as few false regions: 96.9 % of the
# validation plates are found, with 0.22 false regions a picture.
ALONE = Search(accept=0.3, sure=0.5)


class TfliteLocalizer:
    """A `Localizer` that uses the detector and the refiner.

    Without the refiner it finds nearly as many plates, with less accurate corners; `degraded` then
    gives the reason in one sentence, and is None otherwise.
    """

    def __init__(
        self,
        detector: Detector,
        refiner: Refiner | None,
        search: Search | None = None,
        degraded: str | None = None,
    ) -> None:
        self.detector = detector
        self.refiner = refiner
        self.degraded = degraded
        self._search = search or (Search() if refiner else ALONE)

    @classmethod
    def from_manifest(
        cls, folder: Path | None = None, threads: int = 1, choices: Choices = NO_CHOICES
    ) -> TfliteLocalizer:
        """The shipped networks; ModelError if the detector cannot be loaded."""
        detector = Detector.from_manifest(folder, threads, choices)
        try:
            return cls(detector, Refiner.from_manifest(folder, threads, choices))
        except ModelError as error:
            return cls(detector, None, degraded=f"corners are not refined: {error}")

    @property
    def name(self) -> str:
        return "tflite"

    def localize(self, image: Image, every: bool = True) -> list[PlateRegion]:
        """Plates in the still, best first.

        Without `every` a coarse pass that finds a plate for sure is enough; plates of a smaller
        size may be missing then.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ImageError("the detector takes H x W x 3 pictures of 8 bits")
        height, width = image.shape[:2]
        if min(height, width) < 2:
            return []
        search = self._search
        found = [] if every else self._coarse(image)
        if not found:
            found = self._refined(image, self.detector.propose(image, search.suspect))
            best = max((one.score for one in found), default=0.0)
            if search.parts and search.parts_from <= best < search.sure:
                found += self._refined(image, self._in_parts(image))
        accepted = without_overlaps([one for one in found if one.score >= search.accept])
        regions = (_region(one, width, height) for one in accepted)
        return sorted(regions, key=_rank, reverse=True)

    def close_up(self, image: Image, region: PlateRegion) -> PlateRegion | None:
        """Refine the plate at `region` once more, starting from its present corners.

        None if its box hardly moves: the readers would see the same picture again.
        """
        if self.refiner is None:
            return None
        height, width = image.shape[:2]
        refined = self.refiner.refine(image, region.box)
        closer = _region(PlateCandidate.of(refined.corners, refined.probability), width, height)
        if overlap(closer.box, region.box) >= self._search.same:
            return None
        return replace(closer, proposed=region.proposed)

    def _coarse(self, image: Image) -> list[PlateCandidate]:
        """The candidates of a coarse pass, refined; none if no plate is sure."""
        search = self._search
        found = self.detector.propose(image, search.coarse_suspect, coarse=True)
        refined = self._refined(image, found)
        best = max((one.score for one in refined), default=0.0)
        return refined if best >= search.coarse_sure else []

    def _refined(self, image: Image, found: list[PlateCandidate]) -> list[PlateCandidate]:
        """The most likely of the candidates, refined."""
        least = self._search.rival * max((one.score for one in found), default=0.0)
        likely = [one for one in found if one.score >= least][: self._search.most]
        if self.refiner is None:
            return likely
        return [self._refine(image, one, self.refiner) for one in likely]

    def _refine(self, image: Image, one: PlateCandidate, refiner: Refiner) -> PlateCandidate:
        """The candidate with refined corners; refined twice if the plate lies elsewhere."""
        search, box = self._search, one.box
        for _ in range(2):
            near = refiner.refine(image, box)
            score = one.score ** (1 - search.trust) * near.probability**search.trust
            refined = PlateCandidate.of(near.corners, score, one.corners)
            if score < search.accept or overlap(refined.box, box) >= search.moved:
                break
            box = refined.box
        return refined

    def _in_parts(self, image: Image) -> list[PlateCandidate]:
        """The detector's candidates in four overlapping parts of the still."""
        height, width = (int(side * PART) for side in image.shape[:2])
        found: list[PlateCandidate] = []
        for y in (0, image.shape[0] - height):
            for x in (0, image.shape[1] - width):
                part, at = image[y : y + height, x : x + width], np.array([x, y], np.float32)
                proposed = self.detector.propose(part, self._search.suspect)
                found += [PlateCandidate.of(one.corners + at, one.score) for one in proposed]
        return without_overlaps(found)


def _region(candidate: PlateCandidate, width: int, height: int) -> PlateRegion:
    proposed = candidate.proposed
    return PlateRegion(
        corners=_corners(candidate.corners, width, height),
        confidence=candidate.score,
        localizer="tflite",
        proposed=None if proposed is None else _corners(proposed, width, height),
    )


def _corners(quad: NDArray[np.float32], width: int, height: int) -> Corners:
    """Corners clipped to the still; those of their box if they are not convex and clockwise.

    Written with Python numbers, which are four times as fast as arrays of eight elements.
    """
    points: list[tuple[float, float]] = quad.tolist()
    a, b, c, d = points
    if not all(_turns_clockwise(*three) for three in ((a, b, c), (b, c, d), (c, d, a), (d, a, b))):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        x0, y0, x1, y1 = min(xs), min(ys), max(xs), max(ys)
        a, b, c, d = (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    return (
        _within(a, width, height),
        _within(b, width, height),
        _within(c, width, height),
        _within(d, width, height),
    )


def _turns_clockwise(
    one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]
) -> bool:
    before, after = (two[0] - one[0], two[1] - one[1]), (three[0] - two[0], three[1] - two[1])
    return before[0] * after[1] > before[1] * after[0]


def _within(point: tuple[float, float], width: int, height: int) -> tuple[float, float]:
    return min(max(point[0], 0.0), float(width)), min(max(point[1], 0.0), float(height))


def _rank(region: PlateRegion) -> float:
    """Probability with a small bonus for larger, that is nearer, plates."""
    return float(region.confidence * max(region.width, 1.0) ** 0.2)
