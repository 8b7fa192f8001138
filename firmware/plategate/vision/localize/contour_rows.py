# SPDX-License-Identifier: Apache-2.0
"""Find blobs of the size and shape of characters in a grey picture, and group them into rows.

Works at one scale; takes H x W uint8, which is not modified.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image

Floats = NDArray[np.float32]
# Result of float32 arithmetic with a number: float32, but float64 in the annotations of NumPy 2.
RealNumbers = NDArray[np.floating[Any]]

SHORTEST_PX, TALLEST_PX = 8, 30
BLOCK_PX = 21
DARKER_BY = 8
MOST_BLOBS = 900
FEWEST_IN_ROW = 3
# Limits for two neighbours in a row: ratio of heights, offset and gap in character heights.
HEIGHT_RATIO = 1.4
LEVEL_SHARE = 0.38
GAP_SHARE = 1.3
STEEPEST = 0.6


def binaries(grey: Image) -> tuple[Image, Image]:
    """Masks of dark strokes and of light strokes, white on black."""
    mean = cv2.blur(grey, (BLOCK_PX, BLOCK_PX), borderType=cv2.BORDER_REPLICATE)
    return above(cv2.subtract(mean, grey), DARKER_BY), above(cv2.subtract(grey, mean), DARKER_BY)


def above(values: NDArray[Any], limit: int) -> Image:
    """A mask: 255 where a value is above the limit, 0 elsewhere."""
    _, binary = cv2.threshold(values, limit, 255, cv2.THRESH_BINARY)
    return binary.astype(np.uint8, copy=False)


def character_blobs(
    binary: Image, shortest: int = SHORTEST_PX, tallest: int = TALLEST_PX
) -> Floats:
    """Boxes (x, y, width, height) of the connected components that could be characters."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=4)
    stats = stats[1:]
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    fill = stats[:, cv2.CC_STAT_AREA] / np.maximum(1, width * height)
    fits = (height >= shortest) & (height <= tallest)
    fits &= (width <= 1.3 * height) & (width >= 0.1 * height) & (width >= 2)
    fits &= (fill > 0.18) & ((fill < 0.95) | (width < 0.45 * height))
    chosen = stats[fits]
    if len(chosen) > MOST_BLOBS:
        chosen = chosen[np.argsort(-chosen[:, cv2.CC_STAT_AREA])[:MOST_BLOBS]]
    return chosen[:, :4].astype(np.float32)


def rows_of(blobs: Floats) -> list[Floats]:
    """Groups of blobs next to each other on one line, each sorted from left to right."""
    if len(blobs) < FEWEST_IN_ROW:
        return []
    blobs = blobs[np.argsort(blobs[:, 0])]
    rows = []
    for members in _groups(_neighbours(blobs)):
        if len(members) >= FEWEST_IN_ROW:
            row = _straight(blobs[np.sort(members)])
            if len(row) >= FEWEST_IN_ROW:
                rows.append(row)
    return rows


def _neighbours(blobs: Floats) -> NDArray[np.intp]:
    """Index pairs (left, right) of blobs that could be neighbours on a plate."""
    x, y, width, height = (blobs[:, i] for i in range(4))
    right, middle = x + width, y + height / 2
    taller = np.maximum(height[:, None], height[None, :])
    shorter = np.minimum(height[:, None], height[None, :])
    gap = x[None, :] - right[:, None]
    apart = (x + width / 2)[None, :] - (x + width / 2)[:, None]
    rise = np.abs(middle[None, :] - middle[:, None])
    near = (taller <= HEIGHT_RATIO * shorter) & (apart > 0.15 * shorter)
    near &= (gap < GAP_SHARE * shorter) & (gap > -0.35 * shorter)
    near &= rise < np.minimum(LEVEL_SHARE * shorter + 0.12 * apart, STEEPEST * apart)
    return np.argwhere(near)


def _groups(pairs: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Connected components of the graph given by its edges (union-find)."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for left, right in pairs.tolist():
        parent[root(left)] = root(right)
    groups: dict[int, list[int]] = {}
    for item in list(parent):
        groups.setdefault(root(item), []).append(item)
    return [np.array(members, np.intp) for members in groups.values()]


def _straight(row: Floats) -> Floats:
    """The row without the blobs that are off its line or of another height."""
    for _ in range(2):
        middle_x, middle_y = row[:, 0] + row[:, 2] / 2, row[:, 1] + row[:, 3] / 2
        slope, start = line_through(middle_x, middle_y)
        off = np.abs(middle_y - (slope * middle_x + start))
        typical = float(np.median(row[:, 3]))
        keep = (off < 0.25 * typical) & (np.abs(row[:, 3] - typical) < 0.28 * typical)
        if keep.all() or keep.sum() < FEWEST_IN_ROW:
            return row if keep.all() else row[keep]
        row = row[keep]
    return row


def line_through(x: RealNumbers, y: RealNumbers) -> tuple[float, float]:
    """Slope and offset of the Theil-Sen line: the median of the slopes of all pairs of points."""
    left, right = np.triu_indices(len(x), 1)
    run = x[right] - x[left]
    usable = np.abs(run) > 1e-3
    if not usable.any():
        return 0.0, float(np.median(y))
    slope = float(np.median((y[right] - y[left])[usable] / run[usable]))
    return slope, float(np.median(y - slope * x))
