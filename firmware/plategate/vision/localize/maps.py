# SPDX-License-Identifier: Apache-2.0
"""Turn the detector's output map into candidate plates, in pixels of the network's input.

It knows the map's layout and nothing of pictures: one cell for every 8 x 8 pixels; in each the
likelihood of a plate's middle (a logit), then x and y of its four corners, from the cell's middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 8
CORNER_UNIT = 32.0  # pixels; the unit of the corner offsets
SAME_PLATE = 0.3  # two candidates that overlap more are one plate
NEIGHBOUR_SHARE = 0.5  # neighbours of a peak count if they are at least this likely, of the peak
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A plate that the map suggests: 4 x 2 corners, clockwise from the top left, and how likely.

    `proposed` are the corners before a look from near gave better ones.
    """

    corners: Floats
    score: float
    box: Box  # smallest upright box around the corners: x0, y0, x1, y1
    proposed: Floats | None = None

    @classmethod
    def of(cls, corners: Floats, score: float, proposed: Floats | None = None) -> Candidate:
        (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
        return cls(corners, score, (x0, y0, x1, y1), proposed)


def candidates(plate_map: Floats, threshold: float, most: int = 12) -> list[Candidate]:
    """Peaks of the map (rows x columns x 9) above the threshold, best first, overlaps removed."""
    logits = np.ascontiguousarray(plate_map[..., 0])
    around = cv2.dilate(logits, NEIGHBOURHOOD)
    peaks = (logits >= around) & (logits > log(threshold / (1 - threshold)))
    cells = sorted(np.flatnonzero(peaks).tolist(), key=lambda cell: -logits.item(cell))
    wide = logits.shape[1]
    return without_overlaps([_plate_at(plate_map, *divmod(cell, wide)) for cell in cells[:most]])


def without_overlaps(found: list[Candidate]) -> list[Candidate]:
    """Non-maximum suppression: of candidates for the same plate the most likely one stays."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        if all(overlap(candidate.box, other.box) < SAME_PLATE for other in kept):
            kept.append(candidate)
    return kept


def overlap(one: Box, other: Box) -> float:
    """How much two boxes share: of their union, or nearly all of the smaller one."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return max(shared / (sum(areas) - shared), shared / min(areas) - SAME_PLATE)


def _plate_at(plate_map: Floats, row: int, column: int) -> Candidate:
    """The plate with its middle in a cell; corners are averaged with likely neighbours.

    In plain numbers, which are quicker than arrays of nine.
    """
    top, left = max(row - 1, 0), max(column - 1, 0)
    near: list[list[list[float]]] = plate_map[top : row + 2, left : column + 2].tolist()
    peak = likelihood(plate_map.item(row, column, 0))
    total, corners = 0.0, [0.0] * 8
    for y, cells in enumerate(near, top):
        for x, (logit, *offsets) in enumerate(cells, left):
            likely = likelihood(logit)
            if likely > NEIGHBOUR_SHARE * peak:
                middle = (x + 0.5) * STRIDE, (y + 0.5) * STRIDE
                total += likely
                for at, offset in enumerate(offsets):
                    corners[at] += likely * (offset * CORNER_UNIT + middle[at % 2])
    return Candidate.of(np.array(corners, np.float32).reshape(4, 2) / np.float32(total), peak)


def likelihood(logit: float) -> float:
    """What a logit stands for: 0 to 1."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))
