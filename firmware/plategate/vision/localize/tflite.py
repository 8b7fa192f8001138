# SPDX-License-Identifier: Apache-2.0
"""Find plates in a still with the trained detector: BGR uint8 in, regions with four corners out.

The still is never modified. The detector proposes places, the refiner looks at each of them from
near; where they are sure of none, the still is searched once more in four overlapping parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plategate.errors import ImageError, ModelError
from plategate.values import Corners, Image, PlateRegion
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.maps import Candidate, overlap, without_overlaps
from plategate.vision.localize.refiner import Refiner

PART = 0.58  # share of the still's width and height that one of its four parts has


@dataclass(frozen=True, slots=True)
class Search:
    """When a plate is believed, and what is worth a look from near; all chosen on validation."""

    suspect: float = 0.1  # likelihood from which the detector proposes a place
    rival: float = 0.35  # share of the best likelihood under which a place is not looked at
    most: int = 6  # places that are looked at from near, the likeliest
    trust: float = 0.4  # how much the refiner counts for the likelihood, and the detector the rest
    moved: float = 0.7  # overlap of before and after under which a place is looked at once more
    accept: float = 0.23  # likelihood, of both networks together, from which a plate is reported
    sure: float = 0.45  # where nothing is as likely as this, the still is searched in parts as well
    parts: bool = True


# Without a refiner the detector's word alone counts, so it must be surer for as few others: 96.9 %
# of the validation plates are found then, with 0.22 others a picture.
ALONE = Search(accept=0.3, sure=0.5)


class TfliteLocalizer:
    """The trained detector and its refiner behind the `Localizer` interface.

    Without a refiner it finds nearly as many plates, but sees their corners less well; `degraded`
    says in one sentence why there is none, or is None.
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
    def from_manifest(cls, folder: Path | None = None, threads: int = 1) -> TfliteLocalizer:
        """The shipped networks; ModelError says why there is no detector."""
        detector = Detector.from_manifest(folder, threads)
        try:
            return cls(detector, Refiner.from_manifest(folder, threads))
        except ModelError as error:
            return cls(detector, None, degraded=f"plates are not looked at from near: {error}")

    @property
    def name(self) -> str:
        return "tflite"

    def localize(self, image: Image) -> list[PlateRegion]:
        """Plates in the still, best first."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ImageError("the detector takes H x W x 3 pictures of 8 bits")
        height, width = image.shape[:2]
        if min(height, width) < 2:
            return []
        search = self._search
        seen = self._seen(image, self.detector.propose(image, search.suspect))
        if search.parts and max((one.score for one in seen), default=0.0) < search.sure:
            seen += self._seen(image, self._in_parts(image))
        believed = without_overlaps([one for one in seen if one.score >= search.accept])
        regions = (_region(one, width, height) for one in believed)
        return sorted(regions, key=_rank, reverse=True)

    def look_closer(self, image: Image, region: PlateRegion) -> PlateRegion | None:
        """The plate at `region` looked at from near once more, from where it was found."""
        if self.refiner is None:
            return None
        height, width = image.shape[:2]
        seen = self.refiner.look(image, region.box)
        nearer = _region(Candidate.of(seen.corners, seen.likely), width, height)
        return replace(nearer, proposed=region.proposed)

    def _seen(self, image: Image, found: list[Candidate]) -> list[Candidate]:
        """What the likeliest of the places show from near."""
        least = self._search.rival * max((one.score for one in found), default=0.0)
        likely = [one for one in found if one.score >= least][: self._search.most]
        if self.refiner is None:
            return likely
        return [self._from_near(image, one, self.refiner) for one in likely]

    def _from_near(self, image: Image, one: Candidate, refiner: Refiner) -> Candidate:
        """The place as the refiner sees it; once more where the plate is not where it was said."""
        search, box = self._search, one.box
        for _ in range(2):
            near = refiner.look(image, box)
            score = one.score ** (1 - search.trust) * near.likely**search.trust
            seen = Candidate.of(near.corners, score, one.corners)
            if score < search.accept or overlap(seen.box, box) >= search.moved:
                break
            box = seen.box
        return seen

    def _in_parts(self, image: Image) -> list[Candidate]:
        height, width = (int(side * PART) for side in image.shape[:2])
        found: list[Candidate] = []
        for y in (0, image.shape[0] - height):
            for x in (0, image.shape[1] - width):
                part, at = image[y : y + height, x : x + width], np.array([x, y], np.float32)
                seen = self.detector.propose(part, self._search.suspect)
                found += [Candidate.of(one.corners + at, one.score) for one in seen]
        return without_overlaps(found)


def _region(candidate: Candidate, width: int, height: int) -> PlateRegion:
    proposed = candidate.proposed
    return PlateRegion(
        corners=_corners(candidate.corners, width, height),
        confidence=candidate.score,
        localizer="tflite",
        proposed=None if proposed is None else _corners(proposed, width, height),
    )


def _corners(quad: NDArray[np.float32], width: int, height: int) -> Corners:
    """Corners within the still; the box around them if they form no convex, clockwise plate.

    In plain numbers, which are four times as quick as arrays of eight.
    """
    points: list[tuple[float, float]] = quad.tolist()
    a, b, c, d = points
    if not all(_turns_right(*three) for three in ((a, b, c), (b, c, d), (c, d, a), (d, a, b))):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        x0, y0, x1, y1 = min(xs), min(ys), max(xs), max(ys)
        a, b, c, d = (x0, y0), (x1, y0), (x1, y1), (x0, y1)
    return (
        _within(a, width, height),
        _within(b, width, height),
        _within(c, width, height),
        _within(d, width, height),
    )


def _turns_right(
    one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]
) -> bool:
    before, after = (two[0] - one[0], two[1] - one[1]), (three[0] - two[0], three[1] - two[1])
    return before[0] * after[1] > before[1] * after[0]


def _within(point: tuple[float, float], width: int, height: int) -> tuple[float, float]:
    return min(max(point[0], 0.0), float(width)), min(max(point[1], 0.0), float(height))


def _rank(region: PlateRegion) -> float:
    """Likelihood, with a little in favour of the nearer plate where several are believed."""
    return float(region.confidence * max(region.width, 1.0) ** 0.2)
