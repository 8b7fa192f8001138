# SPDX-License-Identifier: Apache-2.0
"""Turn a plate region of a still into an upright grey plate, its lines of characters, the evidence.

The still is BGR uint8 and is not modified; what is done to the light and to the lines is in
`rectify_light` and `rectify_lines`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from math import ceil, dist

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Corners, Image, PlateImage, PlateRegion
from plategate.vision.rectify.lines import split_lines

# A plate that is cut is read wrong with full confidence, so every cut keeps some surroundings.
BODY_WIDTH_PX = 256
BODY_HEIGHT_PX = 96
EVIDENCE_MARGIN = 0.25
SMALLEST_SIDE_PX = 3.0


@dataclass(frozen=True, slots=True)
class Margin:
    """How much more than the plate is cut, on each side, as a share of its width and height."""

    width: float = 0.05
    height: float = 0.08


NORMAL = Margin()


def rectify(image: Image, region: PlateRegion, margin: Margin = NORMAL) -> PlateImage:
    """Straighten the plate at `region`, `margin` beyond its corners."""
    grey = upright(image, region.corners, margin)
    body = _body(grey, margin)
    lines = functools.partial(split_lines, grey, body)
    return PlateImage(grey=grey, lines=lines, crop=evidence(image, region), region=region)


def trimmed(plate: PlateImage, had: Margin, margin: Margin) -> PlateImage:
    """The plate that was straightened with the margin `had`, cut to a smaller one to confirm it."""
    height, width = plate.grey.shape[:2]
    x = round(width * (had.width - margin.width) / (1 + 2 * had.width))
    y = round(height * (had.height - margin.height) / (1 + 2 * had.height))
    grey = plate.grey[y : height - y, x : width - x]
    lines = functools.partial(split_lines, grey, _body(grey, margin))
    return replace(plate, grey=grey, lines=lines, confirms=True)


def upright(image: Image, corners: Corners, margin: Margin = NORMAL) -> Image:
    """The plate between `corners` seen from the front, grey, at the size that readers want."""
    quad = np.array(corners, np.float32)
    width, height = _sides(quad)
    scale = min(BODY_WIDTH_PX / width, BODY_HEIGHT_PX / height)
    body = max(1.0, width * scale), max(1.0, height * scale)
    window, quad = _window(image, quad, margin, min(1.0, scale))
    left, top = body[0] * margin.width, body[1] * margin.height
    right, bottom = left + body[0], top + body[1]
    target = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    size = max(8, round(right + left)), max(8, round(bottom + top))
    matrix = cv2.getPerspectiveTransform(quad - 0.5, target - 0.5)
    return _uint8(
        cv2.warpPerspective(
            window, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    )


def evidence(image: Image, region: PlateRegion, margin: float = EVIDENCE_MARGIN) -> Image:
    """The upright box around the plate with some surroundings, cut from the still as it is."""
    x0, y0, x1, y1 = region.box
    left, top, right, bottom = _around((x0, y0, x1, y1), margin * (y1 - y0), image)
    return image[top:bottom, left:right].copy()


def _body(grey: Image, margin: Margin) -> tuple[int, int, int, int]:
    """Where the plate itself lies in the upright image: left, top, right, bottom."""
    height, width = grey.shape[:2]
    left = round(width * margin.width / (1 + 2 * margin.width))
    top = round(height * margin.height / (1 + 2 * margin.height))
    return left, top, width - left, height - top


def _window(
    image: Image, quad: NDArray[np.float32], margin: Margin, scale: float
) -> tuple[Image, NDArray[np.float32]]:
    """The part of the still that is needed, grey and shrunk by area, and the corners in it.

    Shrinking before warping keeps the strokes of large plates from being undersampled.
    """
    width, height = _sides(quad)
    pad = 2 + 2 * max(margin.width * width, margin.height * height, 1.0)
    (x0, y0), (x1, y1) = quad.min(0).tolist(), quad.max(0).tolist()
    left, top, right, bottom = _around((x0, y0, x1, y1), pad, image)
    part = image[top:bottom, left:right]
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    moved = quad - np.array([left, top], np.float32)
    if scale < 0.75:
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        shrunk = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        moved = moved * np.array([size[0] / grey.shape[1], size[1] / grey.shape[0]], np.float32)
        grey = shrunk
    return _uint8(grey), moved.astype(np.float32)


def _sides(quad: NDArray[np.float32]) -> tuple[float, float]:
    """Mean width and height of a quadrilateral given clockwise from its top left."""
    a, b, c, d = quad.tolist()
    width, height = (dist(a, b) + dist(c, d)) / 2, (dist(a, d) + dist(b, c)) / 2
    return max(SMALLEST_SIDE_PX, width), max(SMALLEST_SIDE_PX, height)


def _around(
    box: tuple[float, float, float, float], pad: float, image: Image
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of whole pixels around a box, within the still; never empty.

    In plain numbers, since eight calls that clip a single one take a tenth of a millisecond.
    """
    x0, y0, x1, y1 = box
    height, width = image.shape[:2]
    left, top = (int(min(max(low - pad, 0), side - 1)) for low, side in ((x0, width), (y0, height)))
    right = min(max(ceil(x1 + pad), left + 1), width)
    bottom = min(max(ceil(y1 + pad), top + 1), height)
    return left, top, right, bottom


def _uint8(array: NDArray[np.generic]) -> Image:
    return array.astype(np.uint8, copy=False)
