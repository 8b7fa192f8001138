# SPDX-License-Identifier: Apache-2.0
"""Turn the detector's output map into candidate plates, in pixels of the network's input.

It knows the map's layout and nothing of pictures: one cell for every 8 x 8 pixels; in each the
likelihood of a plate's middle (a logit), then x and y of its four corners, from the cell's middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 8
CORNER_UNIT = 32.0  # pixels; the unit of the corner offsets
SAME_PLATE = 0.3  # two candidates that overlap more are one plate
NEIGHBOUR_SHARE = 0.5  # neighbours of a peak count if they are at least this likely, of the peak
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)
DOWN, RIGHT = (offsets.ravel() for offsets in np.mgrid[-1:2, -1:2])  # of a cell's neighbours

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
    rows, columns = np.nonzero((logits >= around) & (logits > log(threshold / (1 - threshold))))
    if not rows.size:
        return []
    best = np.argsort(-logits[rows, columns])[:most]
    corners, scores = _corners(plate_map, rows[best], columns[best])
    pairs = zip(corners, scores.tolist(), strict=True)
    return without_overlaps([Candidate.of(quad, score) for quad, score in pairs])


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


def _corners(
    plate_map: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Corners (N x 4 x 2) and likelihood at peaks; corners are averaged with likely neighbours."""
    high, wide = plate_map.shape[:2]
    y, x = rows[:, None] + DOWN, columns[:, None] + RIGHT
    inside = (y >= 0) & (y < high) & (x >= 0) & (x < wide)
    cells = plate_map[y.clip(0, high - 1), x.clip(0, wide - 1)]  # N x 9 neighbours x 9 values
    likely = 1 / (1 + np.exp(-cells[..., 0]))
    peak = 1 / (1 + np.exp(-plate_map[rows, columns, 0]))
    weights = np.where(inside & (likely > NEIGHBOUR_SHARE * peak[:, None]), likely, 0)
    weights /= weights.sum(1, keepdims=True)
    middles = (np.stack([x, y], axis=-1) + 0.5) * STRIDE
    corners = cells[..., 1:].reshape(*x.shape, 4, 2) * CORNER_UNIT + middles[:, :, None]
    mean = (corners * weights[..., None, None]).sum(1)
    return mean.astype(np.float32), peak.astype(np.float32)
