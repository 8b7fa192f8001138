# SPDX-License-Identifier: Apache-2.0
"""Sort out at a glance which of very many quadrangles are worth a closer look.

Works on the upright boxes around them with sums that are made once for a picture. Takes H x W
uint8, which is not modified. The weights were fitted as those of `localize_contour_score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image

Floats = NDArray[np.float32]

GLANCE = ("strokes", "strokes_outside", "contrast", "aspect", "aspect_squared", "edge", "tilt")
GLANCE_WEIGHTS = np.array([14.75, -34.62, 1.47, -0.13, -3.41, 1.77, 0.81, -1.88], np.float32)
# How far above and below a plate its surroundings are looked at, as a share of its height.
OUTSIDE_SHARE = 0.25


class Sums:
    """Sums over any upright box of a picture: light, its square, change from left to right."""

    def __init__(self, grey: Image) -> None:
        change = np.zeros_like(grey)
        cv2.absdiff(grey[:, 1:], grey[:, :-1], dst=change[:, :-1])
        self.light, self.square = cv2.integral2(grey, sdepth=cv2.CV_32S, sqdepth=cv2.CV_64F)
        self.change = cv2.integral(change, sdepth=cv2.CV_32S)
        self.shape = grey.shape[:2]

    def mean(self, sums: NDArray[Any], boxes: NDArray[np.intp]) -> NDArray[np.float64]:
        """Mean over each box (x0, y0, x1, y1), which must lie in the picture."""
        x0, y0, x1, y1 = boxes.T
        total = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        mean: NDArray[np.float64] = total / np.maximum(1, (x1 - x0) * (y1 - y0))
        return mean

    def inside(self, boxes: NDArray[np.float64]) -> NDArray[np.intp]:
        """The boxes in whole pixels, cut to the picture and never empty."""
        high, wide = self.shape
        whole = np.rint(boxes).astype(np.intp)
        whole[:, 0] = np.clip(whole[:, 0], 0, wide - 1)
        whole[:, 1] = np.clip(whole[:, 1], 0, high - 1)
        whole[:, 2] = np.clip(whole[:, 2], whole[:, 0] + 1, wide)
        whole[:, 3] = np.clip(whole[:, 3], whole[:, 1] + 1, high)
        return whole


def glance(grey: Image, quads: Sequence[Floats]) -> Floats:
    """Log odds for each quadrangle that it is a plate."""
    if not quads:
        return np.zeros(0, np.float32)
    features = glance_features(grey, np.stack(quads))
    odds: Floats = (features @ GLANCE_WEIGHTS[:-1] + GLANCE_WEIGHTS[-1]).astype(np.float32)
    return odds


def glance_features(grey: Image, quads: Floats) -> NDArray[np.float64]:
    """One row a quadrangle, in the order of GLANCE."""
    sums = Sums(grey)
    boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1).astype(np.float64)
    pad = OUTSIDE_SHARE * (boxes[:, 3] - boxes[:, 1])
    over, under = boxes.copy(), boxes.copy()
    over[:, 3], over[:, 1] = boxes[:, 1], boxes[:, 1] - pad
    under[:, 1], under[:, 3] = boxes[:, 3], boxes[:, 3] + pad
    inner, above, below = (sums.inside(part) for part in (boxes, over, under))
    light = sums.mean(sums.light, inner)
    spread = np.sqrt(np.maximum(0.0, sums.mean(sums.square, inner) - light**2))
    outside = sums.mean(sums.change, above) + sums.mean(sums.change, below)
    rim = (sums.mean(sums.light, above) + sums.mean(sums.light, below)) / 2
    sides = quads[:, 1] - quads[:, 0]
    width = np.hypot(*sides.T) + np.hypot(*(quads[:, 2] - quads[:, 3]).T)
    height = np.hypot(*(quads[:, 3] - quads[:, 0]).T) + np.hypot(*(quads[:, 2] - quads[:, 1]).T)
    ratio = np.log(np.maximum(width, 1.0) / np.maximum(height, 1.0) / 4.0)
    return np.stack(
        [
            sums.mean(sums.change, inner) / (spread + 4.0),
            outside / (2 * spread + 8.0),
            spread / 64.0,
            ratio,
            ratio**2,
            np.abs(light - rim) / 128.0,
            np.abs(sides[:, 1]) / (np.abs(sides[:, 0]) + 1.0),
        ],
        axis=1,
    )
