# SPDX-License-Identifier: Apache-2.0
"""Find plates in a still with the trained detector: BGR uint8 in, regions with four corners out.

The still is never modified. A plate that looks small or doubtful is looked at again, larger;
where no plate is believed, the still is searched once more in four overlapping parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.errors import ImageError
from plategate.records import Corners, Image, PlateRegion
from plategate.vision.interpreter import Model, open_model
from plategate.vision.models import find_model
from plategate.vision.plate_map import (
    SAME_PLATE,
    Candidate,
    candidates,
    overlap,
    without_overlaps,
)

PART = 0.58  # share of the still's width and height that one of its four parts has
PADDING = 114  # grey around a still whose shape is not the network's; as in training


@dataclass(frozen=True, slots=True)
class Search:
    """When a plate is believed, and when it is worth a second look; all chosen on validation."""

    accept: float = 0.32  # likelihood from which a plate is reported
    suspect: float = 0.1  # likelihood from which a place is looked at again
    rival: float = 0.5  # share of the best likelihood under which a place is not looked at again
    sure: float = 0.38  # likelihood from which a plate of good size needs no second look
    small_px: float = 26.0  # plates narrower than this in the network's input are looked at again
    wanted_px: float = 130.0  # how wide such a plate is made
    near_px: float = 90.0  # plates from this width on have nothing to gain from a closer look
    most_second_looks: int = 2
    parts: bool = True  # whether an empty still is searched in parts


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the still, in its pixels."""

    x: int
    y: int
    width: int
    height: int


class TfliteLocalizer:
    """The trained detector behind the `Localizer` interface."""

    def __init__(self, model: Model, search: Search | None = None) -> None:
        self._model = model
        self._search = search or Search()
        _, self._rows, self._columns, _ = model.input_shape
        self.looks = 0  # how often the network has run, for the benchmark

    @classmethod
    def from_manifest(cls, folder: Path | None = None, threads: int = 1) -> TfliteLocalizer:
        """The shipped detector; ModelError says why there is none."""
        found = find_model("plate_detector", folder)
        return cls(open_model(found.path, found.sha256, threads))

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
        whole = Window(0, 0, width, height)
        found, scale = self._look(image, whole, search.suspect)
        believed = self._believed(self._again(image, found, scale))
        if not believed and search.parts:
            found = self._in_parts(image, search.suspect)
            believed = self._believed(self._again(image, found, scale / PART))
        regions = (_region(one, width, height) for one in believed)
        return sorted(regions, key=_rank, reverse=True)

    def look_closer(self, image: Image, region: PlateRegion) -> PlateRegion | None:
        """The plate at `region` in a window in which it is larger; None if it was large before."""
        height, width = image.shape[:2]
        scale = min(self._columns / width, self._rows / height)
        if region.width * scale >= self._search.near_px:
            return None
        known = Candidate.of(np.array(region.corners, np.float32), region.confidence)
        found, _ = self._look(image, self._around(known, image), self._search.suspect)
        same = (one for one in found if overlap(one.box, known.box) >= SAME_PLATE)
        best = max(same, key=lambda one: one.score, default=None)
        return None if best is None else _region(best, width, height)

    def _believed(self, found: list[Candidate]) -> list[Candidate]:
        return without_overlaps([one for one in found if one.score >= self._search.accept])

    def _again(self, image: Image, found: list[Candidate], scale: float) -> list[Candidate]:
        """Replace small and doubtful candidates by what a closer look shows in their place."""
        search = self._search
        best = max((one.score for one in found), default=0.0)
        doubtful = [
            one
            for one in found
            if one.score >= best * search.rival
            and (one.score < search.sure or (one.box[2] - one.box[0]) * scale < search.small_px)
        ]
        for one in doubtful[: search.most_second_looks]:
            found = [other for other in found if other is not one]
            closer, _ = self._look(image, self._around(one, image), search.suspect)
            found += closer
        return without_overlaps(found)

    def _in_parts(self, image: Image, threshold: float) -> list[Candidate]:
        height, width = image.shape[:2]
        part_width, part_height = int(width * PART), int(height * PART)
        found: list[Candidate] = []
        for y in (0, height - part_height):
            for x in (0, width - part_width):
                found += self._look(image, Window(x, y, part_width, part_height), threshold)[0]
        return without_overlaps(found)

    def _around(self, candidate: Candidate, image: Image) -> Window:
        """The window that shows a candidate as wide as the network likes plates best."""
        height, width = image.shape[:2]
        x0, y0, x1, y1 = candidate.box
        plate = max(x1 - x0, 1.5 * (y1 - y0), 8.0)
        wide = min(float(width), plate * self._columns / self._search.wanted_px)
        high = min(float(height), wide * self._rows / self._columns)
        x = min(max(0.0, (x0 + x1 - wide) / 2), width - wide)
        y = min(max(0.0, (y0 + y1 - high) / 2), height - high)
        return Window(int(x), int(y), max(2, int(wide)), max(2, int(high)))

    def _look(
        self, image: Image, window: Window, threshold: float
    ) -> tuple[list[Candidate], float]:
        """Candidates in one window, in pixels of the still; and the scale they were seen at."""
        canvas, scale = letterbox(
            image[window.y : window.y + window.height, window.x : window.x + window.width],
            self._columns,
            self._rows,
        )
        self.looks += 1
        plate_map = self._model.run(canvas[None])[0][0]
        corner = np.array([window.x, window.y], np.float32)
        seen = candidates(plate_map, threshold)
        return [Candidate.of(one.corners / scale + corner, one.score) for one in seen], scale


def letterbox(image: Image, columns: int, rows: int) -> tuple[Image, float]:
    """The picture at the top left of a grey canvas of the network's size, and its scale.

    Large pictures are halved first, as in training: quick, and no pixel is skipped.
    """
    height, width = image.shape[:2]
    scale = min(columns / width, rows / height)
    size = (max(1, min(columns, round(width * scale))), max(1, min(rows, round(height * scale))))
    part: NDArray[Any] = image
    while part.shape[1] >= 2 * size[0] and part.shape[0] >= 2 * size[1]:
        even = part[: part.shape[0] & ~1, : part.shape[1] & ~1]
        part = cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    canvas = np.full((rows, columns, 3), PADDING, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def _region(candidate: Candidate, width: int, height: int) -> PlateRegion:
    corners = np.clip(_in_order(candidate.corners), 0, [width, height])
    return PlateRegion(corners=_as_corners(corners), confidence=candidate.score, localizer="tflite")


def _in_order(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """The corners as they are if they form a convex, clockwise plate; else the box around them."""
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if (turns > 0).all():
        return corners
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def _as_corners(corners: NDArray[Any]) -> Corners:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d


def _rank(region: PlateRegion) -> float:
    """Likelihood, with a little in favour of the nearer plate where several are believed."""
    return float(region.confidence * max(region.width, 1.0) ** 0.2)
