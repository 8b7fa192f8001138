# SPDX-License-Identifier: Apache-2.0
"""Find plates without a model: proposals at several scales, judged by how plate-like they are.

What stands in for the trained detector where that is missing or finds nothing. Takes H x W x 3
uint8 BGR, which is not modified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import imutils
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image, PlateRegion
from plategate.vision.localize.contour_prefilter import glance
from plategate.vision.localize.contour_proposals import propose
from plategate.vision.localize.contour_score import look

Quad = NDArray[np.float32]

# Characters of 8 to 30 px are found at each scale; longest side of the picture at that scale.
LONGEST_SIDES_PX = (1280, 720, 400)
MOST_ENLARGED = 2.0
SMALLEST_SIDE_PX = 24
LOOKED_AT = 40
MOST_REGIONS = 3
SAME_PLATE = 0.2
# Log odds below which a proposal is no plate; fitted together with the weights.
LEAST_ODDS = 0.0


class ContourLocalizer:
    """Localizer of last resort; its confidence is only good for putting its regions in order."""

    name = "contour"

    def localize(self, image: Image) -> list[PlateRegion]:
        """Plates in the picture, best first."""
        found = judged(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False))
        regions = []
        for odds, quad in distinct(found, SAME_PLATE)[:MOST_REGIONS]:
            if odds >= LEAST_ODDS:
                confidence = float(1.0 / (1.0 + np.exp(-odds)))
                a, b, c, d = ((float(x), float(y)) for x, y in quad)
                regions.append(PlateRegion((a, b, c, d), confidence, self.name))
        return regions

    def look_closer(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        """None: every scale was looked at the first time."""
        return None


def judged(grey: Image) -> list[tuple[float, Quad]]:
    """Proposals of all scales in pixels of the picture, with log odds, best first."""
    glanced: list[tuple[float, Quad, Image, float]] = []
    for scale, level in levels(grey):
        quads = propose(level)
        odds = glance(level, quads).tolist()
        glanced += [(odds[i], quad, level, scale) for i, quad in enumerate(quads)]
    glanced.sort(key=lambda item: item[0], reverse=True)
    looked = [(look(level, quad), quad / scale) for _, quad, level, scale in glanced[:LOOKED_AT]]
    return sorted(looked, key=lambda item: item[0], reverse=True)


def levels(grey: Image) -> Iterator[tuple[float, Image]]:
    """The picture at each scale that it is worth looking at, with the scale."""
    height, width = grey.shape[:2]
    if min(height, width) < SMALLEST_SIDE_PX:
        return
    done = set()
    for side in LONGEST_SIDES_PX:
        scale = min(side / max(height, width), MOST_ENLARGED)
        wide = max(SMALLEST_SIDE_PX, round(width * scale))
        if wide in done:
            continue
        done.add(wide)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        yield wide / width, imutils.resize(grey, width=wide, inter=way)


def distinct(found: Sequence[tuple[float, Quad]], most: float) -> list[tuple[float, Quad]]:
    """The best of every group of proposals that overlap by more than `most`."""
    kept: list[tuple[float, Quad]] = []
    for odds, quad in found:
        if all(overlap(quad, other) <= most for _, other in kept):
            kept.append((odds, quad))
    return kept


def overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of the upright boxes around two quadrangles."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    both = float(np.prod(np.ptp(one, axis=0)) + np.prod(np.ptp(other, axis=0)))
    return shared / max(1e-6, both - shared)
