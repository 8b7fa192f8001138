# SPDX-License-Identifier: Apache-2.0
"""Second-stage network: plate probability and refined corners from a close-up of a candidate.

The window around a candidate is scaled so that a plate always has about the same size in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.boxes import Box
from plategate.vision.choice import NO_CHOICES, Choices, open_chosen
from plategate.vision.interpreter import Model
from plategate.vision.localize.letterbox import GREY, half
from plategate.vision.localize.maps import probability

COLUMNS, ROWS = 160, 96  # the network's input in pixels
PLATE = (96.0, 54.0)  # largest width and height of the candidate's box in the input, in pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a still that the network gets: top left corner and input pixels a still pixel."""

    x: float
    y: float
    scale: float

    @classmethod
    def around(cls, box: Box) -> Window:
        """The window with the box in its centre, scaled so that the box fits PLATE."""
        x0, y0, x1, y1 = box
        scale = min(PLATE[0] / max(x1 - x0, 4.0), PLATE[1] / max(y1 - y0, 4.0))
        return cls((x0 + x1 - COLUMNS / scale) / 2, (y0 + y1 - ROWS / scale) / 2, scale)

    def to_still(self, corners: Floats) -> Floats:
        """Points of the window (N x 2) in pixels of the still."""
        return corners / np.float32(self.scale) + np.array([self.x, self.y], np.float32)

    def from_still(self, corners: Floats) -> Floats:
        """Points of the still (N x 2) in pixels of the window."""
        return (corners - np.array([self.x, self.y], np.float32)) * np.float32(self.scale)


def cut(image: Image, window: Window) -> Image:
    """The window's content, 96 x 160 x 3 BGR; large windows are halved first, as in training."""
    height, width = image.shape[:2]
    x0, y0 = max(0, int(window.x) - 2), max(0, int(window.y) - 2)
    x1 = min(width, int(window.x + COLUMNS / window.scale) + 3)
    y1 = min(height, int(window.y + ROWS / window.scale) + 3)
    if x1 <= x0 or y1 <= y0:
        return np.full((ROWS, COLUMNS, 3), GREY, np.uint8)
    part, scale = image[y0:y1, x0:x1], window.scale
    while scale <= 0.5 and min(part.shape[:2]) > 3:
        part, scale = half(part), 2 * scale
    # OpenCV counts pixels by their centres; windows and corners count from pixel edges.
    shift = np.array([x0 - window.x, y0 - window.y]) * window.scale + 0.5 * scale - 0.5
    warp = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    content = cv2.warpAffine(
        part,
        warp,
        (COLUMNS, ROWS),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(GREY, GREY, GREY),
    )
    return np.asarray(content, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class RefinedPlate:
    """The refiner's result: probability of a plate, and its corners in the still (4 x 2)."""

    probability: float
    corners: Floats


class Refiner:
    """The plate refiner network."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.passes = 0  # number of runs so far, for the benchmark

    @classmethod
    def from_manifest(
        cls, folder: Path | None = None, threads: int = 1, choices: Choices = NO_CHOICES
    ) -> Refiner:
        """The shipped network; ModelError if it cannot be loaded."""
        return cls(open_chosen("plate_refiner", folder, threads, choices)[1])

    def refine(self, image: Image, box: Box) -> RefinedPlate:
        """Probability and corners of a plate at `box` in the still (H x W x 3 uint8 BGR)."""
        self.passes += 1
        window = Window.around(box)
        logit, *corners = self._model.run(cut(image, window)[None])[0][0].tolist()
        points = np.array(corners, np.float32).reshape(4, 2)
        return RefinedPlate(probability(logit), window.to_still(points))
