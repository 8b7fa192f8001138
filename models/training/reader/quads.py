# SPDX-License-Identifier: Apache-2.0
"""Corners of real plates as a localizer found them: convert, load and cut along them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
Crop = TypeVar("Crop")  # a dataclass with a field `quad`


def inside_crop(corners: Points, box: Points, box_inside: Points) -> Points:
    """Corners in a photograph converted to a crop of it; the same box is known in both."""
    scale = (box_inside[2:] - box_inside[:2]) / (box[2:] - box[:2])
    return np.asarray((corners - box[:2]) * scale + box_inside[:2], np.float32)


def with_quads(crops: list[Crop], path: Path, mixes: int = 1) -> list[Crop]:
    """The crops of the train split, `mixes` of each, with the corners from `reader.found`."""
    with np.load(path) as known:
        quads = known["quads"].repeat(mixes, axis=0)
    return [
        replace(crop, quad=quad) if np.isfinite(quad).all() else crop
        for crop, quad in zip(crops, quads, strict=True)
    ]


def around(quad: Points, box: Points, points: Points) -> Points:
    """Points relative to a box, moved to the same positions relative to a quadrilateral."""
    x0, y0, x1, y1 = box
    level = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    matrix = cv2.getPerspectiveTransform(level, np.asarray(quad, np.float32))
    return np.asarray(cv2.perspectiveTransform(points[None].astype(np.float32), matrix)[0])
