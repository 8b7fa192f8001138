# SPDX-License-Identifier: Apache-2.0
"""Propose quadrilaterals that could be plates: from rows of characters, texture and outlines.

Works at one scale; takes H x W uint8, which is not modified, and returns corners clockwise from the
top left. `contour_score` ranks them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.localize.contour_rows import (
    Floats,
    above,
    binaries,
    character_blobs,
    line_through,
    rows_of,
)

Quad = NDArray[np.float32]

NARROWEST_ASPECT, WIDEST_ASPECT = 1.0, 8.0
SMALLEST_PX = 8.0
# Margin of the plate around a row of characters, in character heights.
ROW_SIDE, ROW_ABOVE = 0.45, 0.28
# Strokes are joined horizontally across the gaps between characters, hardly vertically.
JOIN_PX = (19, 3)


def propose(grey: Image) -> list[Quad]:
    """All quadrilaterals of one scale that could be a plate."""
    return [*from_rows(grey), *from_texture(grey), *from_quadrangles(grey)]


def from_rows(grey: Image) -> list[Quad]:
    """Plates around rows of character-like blobs, single and stacked in two."""
    quads = []
    for binary in binaries(grey):
        rows = rows_of(character_blobs(binary))
        quads += [row_quad(row) for row in rows]
        quads += _stacked(rows)
    return quads


def from_texture(grey: Image) -> list[Quad]:
    """Patches full of vertical strokes: top hat and black hat, gradient, closing."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (13, 5))
    quads = []
    for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        hat = cv2.morphologyEx(grey, operation, kernel)
        change = cv2.convertScaleAbs(cv2.Sobel(hat, cv2.CV_16S, 1, 0, ksize=3))
        joined = cv2.morphologyEx(
            cv2.blur(change, (5, 3)),
            cv2.MORPH_CLOSE,
            cv2.getStructuringElement(cv2.MORPH_RECT, JOIN_PX),
        )
        _, binary = cv2.threshold(joined, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        opened = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((5, 7), np.uint8))
        quads += [quad for quad in _boxes(opened, fill=0.5) if _plausible(quad)]
    return quads


def from_quadrangles(grey: Image) -> list[Quad]:
    """Bright or dark areas with a nearly rectangular outline."""
    mean = cv2.blur(grey, (61, 61), borderType=cv2.BORDER_REPLICATE)
    quads = []
    for binary in (
        above(cv2.subtract(grey, mean), 6),
        above(cv2.subtract(mean, grey), 6),
        cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1],
    ):
        opened = cv2.morphologyEx(binary, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        quads += [quad for quad in _boxes(opened, fill=0.72) if _plausible(quad)]
    return quads


def row_quad(row: Floats) -> Quad:
    """The plate around one row of characters: parallel to it, with a typical margin."""
    x, y, width, height = (row[:, i] for i in range(4))
    slope, _ = line_through(x + width / 2, y + height / 2)
    tall = float(np.median(height))
    left, right = float(x.min()) - ROW_SIDE * tall, float((x + width).max()) + ROW_SIDE * tall
    middle = x + width / 2
    above = float(np.median(y - slope * middle)) - ROW_ABOVE * tall
    below = float(np.median(y + height - slope * middle)) + ROW_ABOVE * tall
    return np.array(
        [
            (left, slope * left + above),
            (right, slope * right + above),
            (right, slope * right + below),
            (left, slope * left + below),
        ],
        np.float32,
    )


def ordered(points: NDArray[np.generic]) -> Quad:
    """Four points in clockwise order, starting at the top left one."""
    corners = points.reshape(4, 2).astype(np.float32)
    centre = corners.mean(axis=0)
    angle = np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0])
    corners = corners[np.argsort(angle)]
    start = int(np.argmin(corners.sum(axis=1)))
    return np.roll(corners, -start, axis=0)


def _stacked(rows: list[Floats]) -> list[Quad]:
    """Two-line plates: one row above another of similar height and position."""
    quads = []
    boxes = [row_quad(row) for row in rows]
    for i, upper in enumerate(boxes):
        for j, lower in enumerate(boxes):
            tall = float(np.median(rows[i][:, 3]))
            drop = float(lower[0, 1] - upper[3, 1]) / tall
            shared = min(upper[1, 0], lower[1, 0]) - max(upper[0, 0], lower[0, 0])
            narrow = min(upper[1, 0] - upper[0, 0], lower[1, 0] - lower[0, 0])
            if i != j and -0.9 < drop < 0.6 and shared > 0.5 * narrow:
                left = min(upper[0, 0], lower[3, 0])
                right = max(upper[1, 0], lower[2, 0])
                quads.append(
                    np.array(
                        [
                            (left, upper[0, 1]),
                            (right, upper[1, 1]),
                            (right, lower[2, 1]),
                            (left, lower[3, 1]),
                        ],
                        np.float32,
                    )
                )
    return quads


def _boxes(binary: NDArray[Any], fill: float) -> list[Quad]:
    """Minimal rectangles around those outlines that fill at least the share `fill` of them."""
    found: Any = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    outlines, _ = found
    quads = []
    for outline in outlines:
        if len(outline) < 4:
            continue
        _, _, wide, high = cv2.boundingRect(outline)
        if high < SMALLEST_PX or wide < 2 * SMALLEST_PX or wide > 0.9 * binary.shape[1]:
            continue
        hull = cv2.convexHull(outline)
        rectangle = cv2.minAreaRect(hull)
        long, short = max(rectangle[1]), min(rectangle[1])
        if short < SMALLEST_PX or long > WIDEST_ASPECT * short:
            continue
        if cv2.contourArea(hull) > fill * long * short:
            quads.append(_quadrangle(hull, rectangle))
    return quads


def _quadrangle(hull: NDArray[np.int32], rectangle: cv2.typing.RotatedRect) -> Quad:
    """The outline's own four corners if it has four, else those of its minimal rectangle."""
    corners = cv2.approxPolyDP(hull, 0.04 * cv2.arcLength(hull, True), True)
    if len(corners) == 4 and cv2.contourArea(corners) > 0.85 * cv2.contourArea(hull):
        return ordered(corners)
    return ordered(cv2.boxPoints(rectangle))


def _plausible(quad: Quad) -> bool:
    top, right = quad[1] - quad[0], quad[2] - quad[1]
    width, height = float(np.hypot(*top)), float(np.hypot(*right))
    if height < SMALLEST_PX or abs(float(top[1])) > 0.75 * abs(float(top[0])):
        return False
    return NARROWEST_ASPECT < width / height < WIDEST_ASPECT
