# SPDX-License-Identifier: Apache-2.0
"""Areas and overlaps of upright boxes (x0, y0, x1, y1) in pixels."""

from __future__ import annotations

Box = tuple[float, float, float, float]


def area(box: Box) -> float:
    """Width times height."""
    return (box[2] - box[0]) * (box[3] - box[1])


def shared_area(one: Box, other: Box) -> float:
    """Area of the intersection; 0.0 if there is none."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def intersection_over_union(one: Box, other: Box) -> float:
    """Intersection over union, 0 to 1; 0.0 for boxes without a common area."""
    shared = shared_area(one, other)
    return shared / (area(one) + area(other) - shared) if shared else 0.0
