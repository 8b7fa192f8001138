# SPDX-License-Identifier: Apache-2.0
"""Cut an upright grey plate to its line of characters, or to its two lines.

A line of characters is a band of rows with many horizontal grey-level changes; the rim and the gap
between two lines have few. Images are H x W uint8 and are not modified.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.rectify.light import even_light

Box = tuple[int, int, int, int]
Span = tuple[int, int]

# Plates with a larger ratio of width to height never have two full lines.
TWO_LINE_ASPECT = 2.6
BAND_FLOOR = 0.35
GAP_DEPTH = 0.55
PAD_SHARE = 0.08
SMALLEST_BAND_SHARE = 0.3


def split_lines(grey: Image, body: Box) -> tuple[Image, ...]:
    """The lines of characters, top first, evenly lit; `body` is the plate's box in `grey`."""
    lit = even_light(grey)
    left, top, right, bottom = body
    profile = stroke_profile(lit[top:bottom, left:right])
    spans = find_bands(profile, (right - left) / max(1, bottom - top))
    return tuple(_cut(lit, (left, right), (top + a, top + b)) for a, b in spans)


def stroke_profile(plate: Image) -> NDArray[np.float32]:
    """Horizontal grey-level change of every row, smoothed and scaled to a maximum of 1.0."""
    inner = plate[:, plate.shape[1] // 12 : plate.shape[1] - plate.shape[1] // 12]
    change = np.abs(cv2.Sobel(inner, cv2.CV_32F, 1, 0, ksize=3))
    rows = np.minimum(change, 400.0).mean(axis=1, keepdims=True)
    smooth = cv2.GaussianBlur(rows, (1, 0), 0.02 * len(rows) + 0.5).ravel()
    profile: NDArray[np.float32] = (smooth / max(1e-3, float(smooth.max()))).astype(np.float32)
    return profile


def find_bands(profile: NDArray[np.float32], aspect: float) -> tuple[Span, ...]:
    """One span of rows, or two if a deep gap near the middle separates two lines."""
    height = len(profile)
    if aspect < TWO_LINE_ASPECT and height >= 16:
        low, high = int(0.3 * height), int(0.65 * height)
        gap = low + int(np.argmin(profile[low:high]))
        peaks = min(float(profile[:gap].max()), float(profile[gap:].max()))
        if float(profile[gap]) < GAP_DEPTH * peaks:
            upper = _grow(profile, int(np.argmax(profile[:gap])), 0, gap)
            lower = _grow(profile, gap + int(np.argmax(profile[gap:])), gap, height)
            return upper, lower
    return (_grow(profile, _centre(profile), 0, height),)


def _centre(profile: NDArray[np.float32]) -> int:
    """The row with the most changes, weighted in favour of the middle."""
    height = len(profile)
    rows = np.arange(height, dtype=np.float32)
    weight = 1.0 - 0.5 * np.abs(rows / max(1, height - 1) - 0.5)
    return int(np.argmax(profile * weight))


def _grow(profile: NDArray[np.float32], seed: int, first: int, last: int) -> Span:
    """Extend from the seed row as far as the profile reaches BAND_FLOOR of it, plus padding."""
    floor = BAND_FLOOR * float(profile[seed])
    top = bottom = seed
    while top > first and profile[top - 1] >= floor:
        top -= 1
    while bottom < last - 1 and profile[bottom + 1] >= floor:
        bottom += 1
    if bottom - top + 1 < SMALLEST_BAND_SHARE * (last - first):
        return first, last
    pad = max(1, round(PAD_SHARE * (bottom - top + 1)))
    return max(first, top - pad), min(last, bottom + 1 + pad)


def _cut(lit: Image, columns: Span, rows: Span) -> Image:
    left = max(0, columns[0] - (columns[1] - columns[0]) // 40)
    right = min(lit.shape[1], columns[1] + (columns[1] - columns[0]) // 40)
    return lit[rows[0] : rows[1], left:right].copy()
