# SPDX-License-Identifier: Apache-2.0
"""Turn the detector's output map into candidate plates, in pixels of the network's input.

It knows the map's layout and nothing of pictures: one cell for every 8 x 8 pixels; in each the
likelihood of a plate's middle (a logit), then x and y of its four corners, from the cell's middle.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 8
CORNER_UNIT = 32.0  # pixels; the unit of the corner offsets
SAME_PLATE = 0.3  # two candidates that overlap more are one plate

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A plate that the map suggests: 4 x 2 corners, clockwise from the top left, and how likely."""

    corners: Floats
    score: float

    @property
    def box(self) -> Floats:
        """Smallest upright box around the corners: x0, y0, x1, y1."""
        return np.concatenate([self.corners.min(0), self.corners.max(0)])


def candidates(plate_map: Floats, threshold: float, most: int = 16) -> list[Candidate]:
    """Peaks of the map (rows x columns x 9) above the threshold, best first, overlaps removed."""
    logits = np.ascontiguousarray(plate_map[..., 0])
    around = cv2.dilate(logits, np.ones((3, 3), np.uint8))
    floor = float(np.log(threshold / (1 - threshold)))
    rows, columns = np.nonzero((logits >= around) & (logits > floor))
    best = np.argsort(-logits[rows, columns])[:most]
    found = [_candidate(plate_map, int(rows[i]), int(columns[i])) for i in best]
    return without_overlaps(found)


def without_overlaps(found: list[Candidate], limit: float = SAME_PLATE) -> list[Candidate]:
    """Non-maximum suppression: of candidates for the same plate the most likely one stays."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        if all(overlap(candidate.box, other.box) < limit for other in kept):
            kept.append(candidate)
    return kept


def overlap(one: Floats, other: Floats) -> float:
    """How much two boxes share: of their union, or nearly all of the smaller one."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    areas = [float(np.prod(np.maximum(box[2:] - box[:2], 1e-6))) for box in (one, other)]
    inside = shared / min(areas)
    return max(shared / (sum(areas) - shared), inside - 0.3)


def _candidate(plate_map: Floats, row: int, column: int) -> Candidate:
    """The corners at a peak, averaged with its neighbours, each weighted with its likelihood."""
    rows = slice(max(0, row - 1), row + 2)
    columns = slice(max(0, column - 1), column + 2)
    patch = plate_map[rows, columns]
    likely = 1 / (1 + np.exp(-patch[..., 0]))
    peak = float(likely[row - rows.start, column - columns.start])
    weights = np.where(likely > 0.5 * peak, likely, 0)
    y, x = np.mgrid[
        rows.start : rows.start + patch.shape[0], columns.start : columns.start + patch.shape[1]
    ]
    middles = (np.stack([x, y], axis=-1).astype(np.float32) + 0.5) * STRIDE
    corners = patch[..., 1:].reshape(*patch.shape[:2], 4, 2) * CORNER_UNIT + middles[:, :, None]
    mean = (corners * weights[..., None, None]).sum((0, 1)) / weights.sum()
    return Candidate(mean.astype(np.float32), peak)
