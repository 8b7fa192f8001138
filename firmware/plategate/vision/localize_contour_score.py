# SPDX-License-Identifier: Apache-2.0
"""Judge how much a quadrangle in a grey picture looks like a plate: shape, contrast, characters.

The weights were fitted to the candidates of training photographs by logistic regression. The
picture is H x W uint8 and is not modified.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.records import Image
from plategate.vision.localize_contour_blobs import Floats, binaries, character_blobs, rows_of

Quad = NDArray[np.float32]

PATCH_HEIGHT_PX = 40
# Around the quadrangle, as a share of its height, to see whether something ends at its edge.
RIM_PX = 8
GLANCE = ("strokes", "strokes_outside", "contrast", "aspect", "aspect_squared", "edge", "tilt")
LOOK = ("characters", "characters_squared", "covered", "row_width", "row_height", "evenness")
GLANCE_WEIGHTS = np.array([35.19, -38.47, -0.76, 0.76, -4.2, 3.49, -1.3, -3.27], np.float32)
LOOK_WEIGHTS = np.array(
    [
        21.56,
        -29.72,
        -0.44,
        -0.73,
        -3.58,
        3.53,
        -1.39,
        10.9,
        -3.67,
        -0.34,
        -2.75,
        -2.13,
        -5.2,
        -2.11,
    ],
    np.float32,
)


def glance(grey: Image, quad: Quad) -> float:
    """A quick judgement by shape, strokes and edges: log odds of being a plate."""
    patch, aspect = straighten(grey, quad)
    return float(glance_features(patch, quad, aspect) @ GLANCE_WEIGHTS[:-1] + GLANCE_WEIGHTS[-1])


def look(grey: Image, quad: Quad) -> float:
    """The full judgement, with the characters counted: log odds of being a plate."""
    patch, aspect = straighten(grey, quad)
    features = np.concatenate([glance_features(patch, quad, aspect), look_features(patch)])
    return float(features @ LOOK_WEIGHTS[:-1] + LOOK_WEIGHTS[-1])


def glance_features(patch: Image, quad: Quad, aspect: float) -> Quad:
    """What can be seen without finding characters, in the order of GLANCE."""
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


def look_features(patch: Image) -> Quad:
    """What the best row of characters says, in the order of LOOK."""
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
