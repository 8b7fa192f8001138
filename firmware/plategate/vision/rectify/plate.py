# SPDX-License-Identifier: Apache-2.0
"""Cut a plate region out of a still: upright grey plate, lines of characters, unprocessed crop.

The still is BGR uint8 and is not modified. Lines and lighting are processed in `lines` and `light`.
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

# A plate cut too tightly is misread with high confidence, so every cut includes a margin.
BODY_WIDTH_PX = 256
BODY_HEIGHT_PX = 96
EVIDENCE_MARGIN = 0.25
SMALLEST_SIDE_PX = 3.0


@dataclass(frozen=True, slots=True)
class Margin:
    """Margin around the plate on each side, as a share of its width and of its height."""

    width: float = 0.05
    height: float = 0.08


NORMAL = Margin()


def rectify(image: Image, region: PlateRegion, margin: Margin = NORMAL) -> PlateImage:
    """The plate image of `region`, cut `margin` beyond its corners."""
    grey = upright(image, region.corners, margin)
    body = _body(grey, margin)
    lines = functools.partial(split_lines, grey, body)
    return PlateImage(grey=grey, lines=lines, crop=evidence(image, region), region=region)


def trimmed(plate: PlateImage, had: Margin, margin: Margin) -> PlateImage:
    """A plate image that was cut with the margin `had`, reduced to a smaller margin."""
    height, width = plate.grey.shape[:2]
    x = round(width * (had.width - margin.width) / (1 + 2 * had.width))
    y = round(height * (had.height - margin.height) / (1 + 2 * had.height))
    grey = plate.grey[y : height - y, x : width - x]
    lines = functools.partial(split_lines, grey, _body(grey, margin))
    return replace(plate, grey=grey, lines=lines)


def upright(image: Image, corners: Corners, margin: Margin = NORMAL) -> Image:
    """The plate between `corners` warped to a rectangle: grey, at most 256 x 96 px plus margin."""
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
    # Linear, as in training: cubic reads no more (scripts/benchmark) and takes three times as long.
    return _uint8(cv2.warpPerspective(window, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def sheared(grey: Image, shear: float = 0.0, turn: float = 0.0) -> Image:
    """Shear and rotate a plate image about its centre; same size, edges replicated.

    `shear` is in pixels to the right for each pixel down, `turn` in degrees counter-clockwise.
    Which way a blurred character is misread depends on its angle, so readers try several.
    """
    if not shear and not turn:
        return grey
    height, width = grey.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix[0] += shear * np.array([0.0, 1.0, -height / 2])
    out = cv2.warpAffine(
        grey, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return _uint8(out)


def evidence(image: Image, region: PlateRegion, margin: float = EVIDENCE_MARGIN) -> Image:
    """The upright box around the plate with a margin, copied from the still unprocessed."""
    x0, y0, x1, y1 = region.box
    left, top, right, bottom = _around((x0, y0, x1, y1), margin * (y1 - y0), image)
    return image[top:bottom, left:right].copy()


def _body(grey: Image, margin: Margin) -> tuple[int, int, int, int]:
    """Box of the plate without its margin in the upright image: left, top, right, bottom."""
    height, width = grey.shape[:2]
    left = round(width * margin.width / (1 + 2 * margin.width))
    top = round(height * margin.height / (1 + 2 * margin.height))
    return left, top, width - left, height - top


def _window(
    image: Image, quad: NDArray[np.float32], margin: Margin, scale: float
) -> tuple[Image, NDArray[np.float32]]:
    """The needed part of the still, grey and scaled down by area averaging, and the corners in it.

    Scaling down before warping keeps the strokes of large plates from being undersampled.
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
    """Mean width and height of a quadrilateral given clockwise from its top left corner."""
    a, b, c, d = quad.tolist()
    width, height = (dist(a, b) + dist(c, d)) / 2, (dist(a, d) + dist(b, c)) / 2
    return max(SMALLEST_SIDE_PX, width), max(SMALLEST_SIDE_PX, height)


def _around(
    box: tuple[float, float, float, float], pad: float, image: Image
) -> tuple[int, int, int, int]:
    """The padded box in whole pixels, clipped to the still, at least one pixel.

    Written with Python numbers: eight calls of numpy's clip take a tenth of a millisecond.
    """
    x0, y0, x1, y1 = box
    height, width = image.shape[:2]
    left, top = (int(min(max(low - pad, 0), side - 1)) for low, side in ((x0, width), (y0, height)))
    right = min(max(ceil(x1 + pad), left + 1), width)
    bottom = min(max(ceil(y1 + pad), top + 1), height)
    return left, top, right, bottom


def _uint8(array: NDArray[np.generic]) -> Image:
    return array.astype(np.uint8, copy=False)
