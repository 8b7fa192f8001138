# SPDX-License-Identifier: Apache-2.0
"""Level a plate region: make its upper and lower edge parallel to the row of characters in it.

Corrects corners that are a little off on tilted plates, for the lines that Tesseract is trained on.
Takes H x W x 3 uint8 BGR, which is not modified; a region without a clear row of characters is
returned unchanged.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from plategate.values import Image, PlateRegion
from plategate.vision.localize.contour_proposals import Quad
from plategate.vision.localize.contour_rows import (
    Floats,
    binaries,
    character_blobs,
    line_through,
    rows_of,
)
from plategate.vision.rectify.plate import Margin, upright

VIEW = Margin(0.08, 0.25)
FEWEST = 4
# A row that spans a smaller share of the region may be a slogan or a sticker.
WIDEST_SHARE = 0.45
# Smaller slopes do not disturb readers; larger ones are no error of a detector.
LEAST_SLOPE, MOST_SLOPE = 0.03, 0.45


def levelled(image: Image, region: PlateRegion) -> PlateRegion:
    """The region with its upper and lower edge parallel to the row of characters."""
    grey = upright(image, region.corners, VIEW)
    row = _clear_row(grey)
    if row is None:
        return region
    x, y, width, height = (row[:, i] for i in range(4))
    slope, _ = line_through(x + width / 2, y + height / 2)
    if not LEAST_SLOPE < abs(slope) < MOST_SLOPE:
        return region
    quad = _level_corners(grey.shape[:2], row, slope)
    a, b, c, d = ((float(px), float(py)) for px, py in _to_still(quad, grey, region))
    return replace(region, corners=(a, b, c, d))


def _clear_row(grey: Image) -> Floats | None:
    """The longest row of characters that spans the plate, or None."""
    tallest = int(0.75 * grey.shape[0])
    shortest = max(8, int(0.15 * grey.shape[0]))
    rows = [
        row
        for binary in binaries(grey)
        for row in rows_of(character_blobs(binary, shortest, tallest))
        if len(row) >= FEWEST
    ]
    if not rows:
        return None
    row = max(rows, key=lambda found: float(found[:, 2].sum()) + len(found))
    across = float((row[:, 0] + row[:, 2]).max() - row[:, 0].min())
    return row if across > WIDEST_SHARE * grey.shape[1] else None


def _level_corners(shape: tuple[int, ...], row: Floats, slope: float) -> Quad:
    """The plate's corners in the upright picture, parallel to the row.

    The box around a tilted plate is higher than the plate by slope times width; that much is taken
    off, and the rest keeps its position relative to the row.
    """
    high, wide = shape
    left = wide * VIEW.width / (1 + 2 * VIEW.width)
    right = wide - left
    top = high * VIEW.height / (1 + 2 * VIEW.height)
    bottom = high - top
    tall = float(np.median(row[:, 3]))
    middle = (left + right) / 2
    centre = float(
        np.median(row[:, 1] + row[:, 3] / 2 - slope * (row[:, 0] + row[:, 2] / 2 - middle))
    )
    excess = abs(slope) * (right - left) / 2
    above = max(0.62 * tall, centre - top - excess)
    below = max(0.62 * tall, bottom - centre - excess)
    rise = slope * (right - left) / 2
    return np.array(
        [
            (left, centre - rise - above),
            (right, centre + rise - above),
            (right, centre + rise + below),
            (left, centre - rise + below),
        ],
        np.float32,
    )


def _to_still(quad: Quad, grey: Image, region: PlateRegion) -> Quad:
    """Corners of the upright picture in pixels of the still."""
    high, wide = grey.shape[:2]
    left, top = wide * VIEW.width / (1 + 2 * VIEW.width), high * VIEW.height / (1 + 2 * VIEW.height)
    body = np.array(
        [(left, top), (wide - left, top), (wide - left, high - top), (left, high - top)],
        np.float32,
    )
    matrix = cv2.getPerspectiveTransform(body, np.array(region.corners, np.float32))
    corners: Quad = cv2.perspectiveTransform(quad[None], matrix)[0].astype(np.float32)
    return corners
