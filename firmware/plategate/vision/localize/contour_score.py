# SPDX-License-Identifier: Apache-2.0
"""Score how plate-like quadrilaterals are: a quick score for all of them, a full one for the best.

Both are log odds from logistic regression on proposals in training photographs. The quick score
measures seven surface features on upright boxes with integral images; the full score measures them
on the straightened quadrilateral and adds six of its best row of characters. Pictures are H x W
uint8 and are not modified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.localize.contour_rows import Floats, binaries, character_blobs, rows_of

Quad = NDArray[np.float32]

SURFACE = ("strokes", "strokes_outside", "contrast", "aspect", "aspect_squared", "edge", "tilt")
ROW = ("characters", "characters_squared", "covered", "row_width", "row_height", "evenness")
# Weights in the order of SURFACE (and ROW), then the offset.
QUICK_WEIGHTS = np.array([14.75, -34.62, 1.47, -0.13, -3.41, 1.77, 0.81, -1.88], np.float32)
FULL_WEIGHTS = np.array(
    [
        *(20.49, -29.89, -0.45, -0.6, -3.22, 3.46, -1.19),
        *(10.66, -3.45, -0.63, -2.27, -2.31, -5.78),
        -1.85,
    ],
    np.float32,
)
# Height of the strips above and below the plate, as a share of the plate's height (quick score),
# and width of the rim around the straightened plate (full score).
OUTSIDE_SHARE = 0.25
PATCH_HEIGHT_PX = 40
RIM_PX = 8


def quick_scores(grey: Image, quads: Sequence[Floats]) -> Floats:
    """Log odds of each quadrilateral from the surface features of its upright box."""
    if not quads:
        return np.zeros(0, np.float32)
    features = _box_features(grey, np.stack(quads))
    odds: Floats = (features @ QUICK_WEIGHTS[:-1] + QUICK_WEIGHTS[-1]).astype(np.float32)
    return odds


def score(grey: Image, quad: Quad) -> float:
    """Log odds of a quadrilateral from all features of its straightened picture."""
    patch, aspect = straighten(grey, quad)
    features = np.concatenate([_patch_features(patch, quad, aspect), _row_features(patch)])
    return float(features @ FULL_WEIGHTS[:-1] + FULL_WEIGHTS[-1])


def _surface(change: Any, outside: Any, spread: Any, step: Any, aspect: Any, tilt: Any) -> Any:
    """The features SURFACE, for one plate (numbers) or many (arrays).

    `change` is the mean horizontal grey-level difference inside, `outside` the sum of those above
    and below, `spread` the standard deviation inside, `step` the difference of the mean grey levels
    inside and outside, `aspect` width by height, `tilt` the slope of the upper edge.
    """
    ratio = np.log(aspect / 4.0)
    return (
        change / (spread + 4.0),
        outside / (2 * spread + 8.0),
        spread / 64.0,
        ratio,
        ratio * ratio,
        step / 128.0,
        tilt,
    )


class _Sums:
    """Integral images of grey level, its square and its horizontal difference."""

    def __init__(self, grey: Image) -> None:
        change = np.zeros_like(grey)
        cv2.absdiff(grey[:, 1:], grey[:, :-1], dst=change[:, :-1])
        self.light, self.square = cv2.integral2(grey, sdepth=cv2.CV_32S, sqdepth=cv2.CV_64F)
        self.change = cv2.integral(change, sdepth=cv2.CV_32S)
        self.shape = grey.shape[:2]

    def mean(self, sums: NDArray[Any], boxes: NDArray[np.intp]) -> NDArray[np.float64]:
        """Mean over each box (x0, y0, x1, y1), which must lie inside the picture."""
        x0, y0, x1, y1 = boxes.T
        total = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        mean: NDArray[np.float64] = total / np.maximum(1, (x1 - x0) * (y1 - y0))
        return mean

    def inside(self, boxes: NDArray[np.float64]) -> NDArray[np.intp]:
        """The boxes in whole pixels, clipped to the picture, at least one pixel each."""
        high, wide = self.shape
        whole = np.rint(boxes).astype(np.intp)
        whole[:, 0] = np.clip(whole[:, 0], 0, wide - 1)
        whole[:, 1] = np.clip(whole[:, 1], 0, high - 1)
        whole[:, 2] = np.clip(whole[:, 2], whole[:, 0] + 1, wide)
        whole[:, 3] = np.clip(whole[:, 3], whole[:, 1] + 1, high)
        return whole


def _box_features(grey: Image, quads: Floats) -> NDArray[np.float64]:
    """Surface features of the upright boxes, one row a quadrilateral."""
    sums = _Sums(grey)
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
    return np.stack(
        _surface(
            sums.mean(sums.change, inner),
            outside,
            spread,
            np.abs(light - rim),
            np.maximum(width, 1.0) / np.maximum(height, 1.0),
            np.abs(sides[:, 1]) / (np.abs(sides[:, 0]) + 1.0),
        ),
        axis=1,
    )


def _patch_features(patch: Image, quad: Quad, aspect: float) -> Quad:
    """Surface features of a straightened plate with its rim."""
    inner = patch[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
    change = cv2.absdiff(patch[:, 1:], patch[:, :-1])
    rim = np.concatenate([patch[: RIM_PX - 2].ravel(), patch[2 - RIM_PX :].ravel()])
    features = _surface(
        float(change[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].mean()),
        float(change[:RIM_PX].mean() + change[-RIM_PX:].mean()),
        float(inner.std()),
        abs(float(inner.mean()) - float(rim.mean())),
        aspect,
        abs(float(quad[1, 1] - quad[0, 1])) / (abs(float(quad[1, 0] - quad[0, 0])) + 1.0),
    )
    return np.array(features, np.float32)


def _row_features(patch: Image) -> Quad:
    """The features ROW of the longest row of characters."""
    inner = patch[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
    row = _longest_row(inner)
    if not len(row):
        return np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.3], np.float32)
    x, _, width, height = (row[:, i] for i in range(4))
    count = min(9, len(row)) / 9.0
    covered = float(width.sum()) / inner.shape[1]
    across = float((x + width).max() - x.min()) / inner.shape[1]
    tall = float(np.median(height)) / PATCH_HEIGHT_PX
    even = float(np.std(height) / np.mean(height))
    return np.array([count, count * count, covered, across, tall, even], np.float32)


def straighten(grey: Image, quad: Quad) -> tuple[Image, float]:
    """The quadrilateral straightened, with a rim, and its width divided by its height."""
    width = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3]))
    height = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1]))
    aspect = width / max(1.0, height)
    wide, high = round(PATCH_HEIGHT_PX * min(8.0, max(0.8, aspect))), PATCH_HEIGHT_PX
    target = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32) + RIM_PX
    matrix = cv2.getPerspectiveTransform(quad, target)
    size = wide + 2 * RIM_PX, high + 2 * RIM_PX
    patch = cv2.warpPerspective(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return patch.astype(np.uint8, copy=False), aspect


def _longest_row(inner: Image) -> Floats:
    """The longest row of dark or light blobs that could be characters."""
    best: Floats = np.zeros((0, 4), np.float32)
    for binary in binaries(inner):
        for row in rows_of(character_blobs(binary, 10, PATCH_HEIGHT_PX - 1)):
            if row[:, 2].sum() + len(row) > best[:, 2].sum() + len(best):
                best = row
    return best
