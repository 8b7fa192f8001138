# SPDX-License-Identifier: Apache-2.0
"""Decode the detector's output map into plate candidates, in pixels of the network's input.

The map has one cell for every 8 x 8 pixels with nine channels: the logit that a plate's centre lies
in the cell, then x and y of the plate's four corners relative to the cell's centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.vision.boxes import Box, area, intersection_over_union, shared_area

STRIDE = 8
CORNER_UNIT = 32.0  # pixels; the unit of the corner offsets
SAME_PLATE = 0.3  # candidates that overlap by at least this are the same plate
NEIGHBOUR_SHARE = 0.5  # cells next to a peak count from this share of the peak's probability
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PlateCandidate:
    """A possible plate: 4 x 2 corners, clockwise from the top left, and its probability.

    `proposed` are the detector's own corners where the refiner has replaced them.
    """

    corners: Floats
    score: float
    box: Box  # smallest upright box around the corners
    proposed: Floats | None = None

    @classmethod
    def of(cls, corners: Floats, score: float, proposed: Floats | None = None) -> PlateCandidate:
        xs, ys = corners.T.tolist()  # the extremes of four Python numbers cost less than numpy's
        return cls(corners, score, (min(xs), min(ys), max(xs), max(ys)), proposed)


def candidates(plate_map: Floats, threshold: float, most: int = 12) -> list[PlateCandidate]:
    """Peaks of the map (rows x columns x 9) above the threshold, best first, without duplicates."""
    logits = np.ascontiguousarray(plate_map[..., 0])
    around = cv2.dilate(logits, NEIGHBOURHOOD)
    peaks = (logits >= around) & (logits > log(threshold / (1 - threshold)))
    cells = sorted(np.flatnonzero(peaks).tolist(), key=lambda cell: -logits.item(cell))
    columns = logits.shape[1]
    return without_overlaps([_plate_at(plate_map, *divmod(cell, columns)) for cell in cells[:most]])


def without_overlaps(found: list[PlateCandidate]) -> list[PlateCandidate]:
    """Non-maximum suppression: of overlapping candidates only the most likely one is kept."""
    kept: list[PlateCandidate] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        if all(overlap(candidate.box, other.box) < SAME_PLATE for other in kept):
            kept.append(candidate)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, or, for a box nearly inside the other, the share inside less 0.3."""
    shared = shared_area(one, other)
    if shared == 0.0:
        return 0.0
    inside = shared / min(area(one), area(other))
    return max(intersection_over_union(one, other), inside - SAME_PLATE)


def _plate_at(plate_map: Floats, row: int, column: int) -> PlateCandidate:
    """The plate with its centre in a cell; its corners are averaged with those of near cells.

    Written with Python numbers, which are faster than arrays of nine elements.
    """
    top, left = max(row - 1, 0), max(column - 1, 0)
    near: list[list[list[float]]] = plate_map[top : row + 2, left : column + 2].tolist()
    peak = probability(plate_map.item(row, column, 0))
    total, corners = 0.0, [0.0] * 8
    for y, cells in enumerate(near, top):
        for x, (logit, *offsets) in enumerate(cells, left):
            weight = probability(logit)
            if weight > NEIGHBOUR_SHARE * peak:
                centre = (x + 0.5) * STRIDE, (y + 0.5) * STRIDE
                total += weight
                for at, offset in enumerate(offsets):
                    corners[at] += weight * (offset * CORNER_UNIT + centre[at % 2])
    mean = np.array(corners, np.float32).reshape(4, 2) / np.float32(total)
    return PlateCandidate.of(mean, peak)


def probability(logit: float) -> float:
    """The logistic function, safe against overflow."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))
