# SPDX-License-Identifier: Apache-2.0
"""Find plates without a model: proposals at several scales, scored by how plate-like they look.

Fallback for a missing or failing detector. Takes H x W x 3 uint8 BGR, which is not modified. Where
the detector works and finds nothing, contours find no plate either (scripts/attempt_gains).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image, PlateRegion
from plategate.vision.boxes import Box, intersection_over_union
from plategate.vision.localize.contour_proposals import propose
from plategate.vision.localize.contour_score import quick_scores, score

Quad = NDArray[np.float32]

# Each scale finds characters of 8 to 30 px. Longest side of the picture at each scale, in pixels.
LONGEST_SIDES_PX = (1280, 720, 400)
MOST_ENLARGED = 2.0
SMALLEST_SIDE_PX = 24
SCORED_IN_FULL = 40
MOST_REGIONS = 3
SAME_PLATE = 0.2
# Lowest log odds of a plate; fitted together with the weights of `contour_score`.
LEAST_ODDS = 0.0


class ContourLocalizer:
    """The `Localizer` of last resort; its confidence only ranks its own regions."""

    name = "contour"

    def localize(self, image: Image, _every: bool = True) -> list[PlateRegion]:
        """Plates in the picture, best first."""
        found = scored(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False))
        regions = []
        for odds, quad in distinct(found, SAME_PLATE)[:MOST_REGIONS]:
            if odds >= LEAST_ODDS:
                confidence = float(1.0 / (1.0 + np.exp(-odds)))
                a, b, c, d = ((float(x), float(y)) for x, y in quad)
                regions.append(PlateRegion((a, b, c, d), confidence, self.name))
        return regions

    def close_up(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        """None: `localize` has searched every scale already."""
        return None


def scored(grey: Image) -> list[tuple[float, Quad]]:
    """The best proposals of all scales with log odds, best first, in pixels of the picture."""
    rough: list[tuple[float, Quad, Image, float]] = []
    for scale, level in levels(grey):
        quads = propose(level)
        odds = quick_scores(level, quads).tolist()
        rough += [(odds[i], quad, level, scale) for i, quad in enumerate(quads)]
    rough.sort(key=lambda item: item[0], reverse=True)
    best = [(score(level, quad), quad / scale) for _, quad, level, scale in rough[:SCORED_IN_FULL]]
    return sorted(best, key=lambda item: item[0], reverse=True)


def levels(grey: Image) -> Iterator[tuple[float, Image]]:
    """The scale and the picture at each distinct scale of LONGEST_SIDES_PX."""
    height, width = grey.shape[:2]
    if min(height, width) < SMALLEST_SIDE_PX:
        return
    done = set()
    for side in LONGEST_SIDES_PX:
        scale = min(side / max(height, width), MOST_ENLARGED)
        columns = max(SMALLEST_SIDE_PX, round(width * scale))
        if columns in done:
            continue
        done.add(columns)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = columns, int(height * (columns / width))
        yield columns / width, np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)


def distinct(found: Sequence[tuple[float, Quad]], most: float) -> list[tuple[float, Quad]]:
    """The best of every group of proposals that overlap by more than `most`."""
    kept: list[tuple[float, Quad, Box]] = []
    for odds, quad in found:
        box = box_of(quad)
        if all(intersection_over_union(box, other) <= most for _, _, other in kept):
            kept.append((odds, quad, box))
    return [(odds, quad) for odds, quad, _ in kept]


def box_of(quad: Quad) -> Box:
    """The smallest upright box around a quadrilateral."""
    (x0, y0), (x1, y1) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    return x0, y0, x1, y1
