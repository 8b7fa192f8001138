# SPDX-License-Identifier: Apache-2.0
"""Measures the legibility of a plate in a still: size, sharpness, contrast, saturation, tilt.

Pure: a BGR still (not modified) and the corners of its plate in, numbers out. `advice` rates them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image, PlateRegion

WHITE = 250
SMALLEST_SIDE_PX = 8
# A character's height as a share of the plate's, and its largest width as a share of the plate's.
CHARACTER_HEIGHTS = (0.30, 0.92)
WIDEST_CHARACTER = 0.25
FEWEST_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """The whole still: mean grey level and share of white pixels."""

    brightness: float
    white: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One plate. Lengths in pixels of the still, angles in degrees, grey levels from 0 to 255.

    Blur is the width of an edge (standard deviation). `blur_across_px` is measured along the line
    of characters, `blur_along_px` at right angles to it.
    """

    plate_width_px: float
    character_height_px: float | None
    contrast: float
    saturated: float
    blur_across_px: float
    blur_along_px: float
    tilt_deg: float
    slant_deg: float

    @property
    def blur_px(self) -> float:
        """The larger of the two blurs."""
        return max(self.blur_across_px, self.blur_along_px)

    @property
    def smear(self) -> float:
        """Ratio of the blurs in the two directions; 1 is even, more is motion."""
        return self.blur_px / max(0.3, min(self.blur_across_px, self.blur_along_px))


def measure_scene(image: Image) -> Scene:
    """Measure the whole still."""
    grey = cv2.cvtColor(image[::4, ::4], cv2.COLOR_BGR2GRAY)
    return Scene(float(grey.mean()), float(np.count_nonzero(grey >= WHITE) / grey.size))


def measure_plate(image: Image, region: PlateRegion) -> Measurement:
    """Measure the plate in `region` at the resolution of the still."""
    grey = _upright(image, region)
    ink = _ink(grey)
    dark, light = _levels(grey, ink)
    contrast = abs(light - dark)
    return Measurement(
        plate_width_px=region.width,
        character_height_px=_character_height(ink),
        contrast=contrast,
        saturated=float(np.count_nonzero(grey >= WHITE) / grey.size),
        blur_across_px=_blur(grey, contrast, axis=1),
        blur_along_px=_blur(grey, contrast, axis=0),
        tilt_deg=_tilt(region),
        slant_deg=_slant(region),
    )


def _upright(image: Image, region: PlateRegion) -> Image:
    width = max(SMALLEST_SIDE_PX, round(region.width))
    height = max(SMALLEST_SIDE_PX, round(region.height))
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    corners = np.array(region.corners, np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    flat = cv2.warpPerspective(
        grey, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, np.uint8)


def _ink(grey: Image) -> Image:
    """Mask of the characters: 255 where the rarer of the two grey levels of the plate is."""
    _, light = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    height, width = light.shape
    middle = light[height // 5 : -(height // 5), width // 10 : -(width // 10)]
    if middle.mean() > 127:
        light = cv2.bitwise_not(light)
    return np.asarray(light, np.uint8)


def _levels(grey: Image, ink: Image) -> tuple[float, float]:
    """Median grey of ink and background, without edge pixels if enough others are left."""
    core = cv2.erode(ink, np.ones((3, 3), np.uint8))
    inside = grey[core > 0] if np.count_nonzero(core) > 20 else grey[ink > 0]
    outside = grey[ink == 0]
    if not inside.size or not outside.size:
        return 0.0, 0.0
    return float(np.median(inside)), float(np.median(outside))


def _character_height(ink: Image) -> float | None:
    height, width = ink.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    heights = [
        float(h)
        for _, _, w, h, _ in stats[1:]
        if CHARACTER_HEIGHTS[0] * height <= h <= CHARACTER_HEIGHTS[1] * height
        and w <= WIDEST_CHARACTER * width
    ]
    return float(np.median(heights)) if len(heights) >= FEWEST_CHARACTERS else None


def _blur(grey: Image, contrast: float, axis: int) -> float:
    """Width of the steepest edges along `axis`, estimated from the change of grey per pixel.

    An edge of height C, blurred with standard deviation s, changes by C / (s * sqrt(2 pi)) in its
    middle.
    """
    change: NDArray[np.float32] = np.abs(np.diff(grey.astype(np.float32), axis=axis))
    steepest = float(np.percentile(change, 98))
    if steepest <= 0 or contrast <= 0:
        return math.inf
    return contrast / (steepest * math.sqrt(2 * math.pi))


def _tilt(region: PlateRegion) -> float:
    """Clockwise rotation of the plate in degrees."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = region.corners
    return math.degrees(math.atan2((by - ay) + (cy - dy), (bx - ax) + (cx - dx)))


def _slant(region: PlateRegion) -> float:
    """Deviation of its upright sides from a right angle; large for a view from the side."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = region.corners
    down = math.degrees(math.atan2((dy - ay) + (cy - by), (dx - ax) + (cx - bx)))
    return down - _tilt(region) - 90
