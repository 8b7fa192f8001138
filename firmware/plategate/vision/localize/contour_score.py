# SPDX-License-Identifier: Apache-2.0
"""Judge how much a quadrangle in a grey picture looks like a plate: shape, contrast, characters.

The weights were fitted to the candidates of training photographs by logistic regression. The
picture is H x W uint8 and is not modified.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.localize.contour_rows import Floats, binaries, character_blobs, rows_of

Quad = NDArray[np.float32]

PATCH_HEIGHT_PX = 40
# Around the quadrangle, as a share of its height, to see whether something ends at its edge.
RIM_PX = 8
LOOK = (
    *("strokes", "strokes_outside", "contrast", "aspect", "aspect_squared", "edge", "tilt"),
    *("characters", "characters_squared", "covered", "row_width", "row_height", "evenness"),
)
LOOK_WEIGHTS = np.array(
    [
        20.49,
        -29.89,
        -0.45,
        -0.6,
        -3.22,
        3.46,
        -1.19,
        10.66,
        -3.45,
        -0.63,
        -2.27,
        -2.31,
        -5.78,
        -1.85,
    ],
    np.float32,
)


def look(grey: Image, quad: Quad) -> float:
    """Log odds that the quadrangle is a plate."""
    features = look_features(grey, quad)
    return float(features @ LOOK_WEIGHTS[:-1] + LOOK_WEIGHTS[-1])


def look_features(grey: Image, quad: Quad) -> Quad:
    """What speaks for and against a plate, in the order of LOOK."""
    patch, aspect = straighten(grey, quad)
    return np.concatenate([surface_features(patch, quad, aspect), row_features(patch)])


def surface_features(patch: Image, quad: Quad, aspect: float) -> Quad:
    """What can be seen without finding characters, first in LOOK."""
    inner = patch[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
    change = cv2.absdiff(patch[:, 1:], patch[:, :-1])
    spread = float(inner.std())
    strokes = float(change[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].mean()) / (spread + 4.0)
    outside = float(change[:RIM_PX].mean() + change[-RIM_PX:].mean()) / (2 * spread + 8.0)
    rim = np.concatenate([patch[: RIM_PX - 2].ravel(), patch[2 - RIM_PX :].ravel()])
    edge = abs(float(inner.mean()) - float(rim.mean())) / 128.0
    tilt = abs(float(quad[1, 1] - quad[0, 1])) / (abs(float(quad[1, 0] - quad[0, 0])) + 1.0)
    ratio = float(np.log(aspect / 4.0))
    return np.array([strokes, outside, spread / 64.0, ratio, ratio * ratio, edge, tilt], np.float32)


def row_features(patch: Image) -> Quad:
    """What the best row of characters says, last in LOOK."""
    inner = patch[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
    row = _best_row(inner)
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
    """The quadrangle straightened, with a rim, and its width divided by its height."""
    width = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3]))
    height = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1]))
    aspect = width / max(1.0, height)
    wide, high = round(PATCH_HEIGHT_PX * min(8.0, max(0.8, aspect))), PATCH_HEIGHT_PX
    target = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32) + RIM_PX
    matrix = cv2.getPerspectiveTransform(quad, target)
    size = wide + 2 * RIM_PX, high + 2 * RIM_PX
    patch = cv2.warpPerspective(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return patch.astype(np.uint8, copy=False), aspect


def _best_row(inner: Image) -> Floats:
    """The longest row of character-like blobs, dark or light."""
    best: Floats = np.zeros((0, 4), np.float32)
    for binary in binaries(inner):
        for row in rows_of(character_blobs(binary, 10, PATCH_HEIGHT_PX - 1)):
            if row[:, 2].sum() + len(row) > best[:, 2].sum() + len(best):
                best = row
    return best
