# SPDX-License-Identifier: Apache-2.0
"""Look at one place of a still from near: is it a plate, and where exactly are its corners.

The detector proposes places in the whole still; this small network sees one of them at a time, the
plate always at about the same size, and says again how likely it is and where its corners are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image
from plategate.vision.interpreter import Model, open_model
from plategate.vision.localize.maps import Box, likelihood
from plategate.vision.localize.scaling import GREY, half
from plategate.vision.models import find_model

COLUMNS, ROWS = 160, 96  # the network's input, in pixels
PLATE = (96.0, 54.0)  # largest width and height in it of what is looked at

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the still, as seen by the network: `scale` of its pixels for one of the still."""

    x: float
    y: float
    scale: float

    @classmethod
    def around(cls, box: Box) -> Window:
        """The window that shows what is in the box in its middle and always equally large."""
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
    """What the window shows, 96 x 160 x 3; large parts are halved first, so no pixel is skipped."""
    height, width = image.shape[:2]
    x0, y0 = max(0, int(window.x) - 2), max(0, int(window.y) - 2)
    x1 = min(width, int(window.x + COLUMNS / window.scale) + 3)
    y1 = min(height, int(window.y + ROWS / window.scale) + 3)
    if x1 <= x0 or y1 <= y0:
        return np.full((ROWS, COLUMNS, 3), GREY, np.uint8)
    part, scale = image[y0:y1, x0:x1], window.scale
    while scale <= 0.5 and min(part.shape[:2]) > 3:
        part, scale = half(part), 2 * scale
    # Pixels are counted by their middles here, places by their edges.
    shift = np.array([x0 - window.x, y0 - window.y]) * window.scale + 0.5 * scale - 0.5
    warp = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    seen = cv2.warpAffine(
        part,
        warp,
        (COLUMNS, ROWS),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(GREY, GREY, GREY),
    )
    return np.asarray(seen, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a place shows: how likely a plate, and where its corners are in the still (4 x 2)."""

    likely: float
    corners: Floats


class Refiner:
    """The network that looks at one place from near."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.looks = 0  # how often it has run, for the benchmark

    @classmethod
    def from_manifest(cls, folder: Path | None = None, threads: int = 1) -> Refiner:
        """The shipped network; ModelError says why there is none."""
        found = find_model("plate_refiner", folder)
        return cls(open_model(found.path, found.sha256, threads))

    def look(self, image: Image, box: Box) -> Seen:
        """What there is in the still (H x W x 3 uint8 BGR) at a place, given as x0, y0, x1, y1."""
        self.looks += 1
        window = Window.around(box)
        logit, *corners = self._model.run(cut(image, window)[None])[0][0].tolist()
        return Seen(likelihood(logit), window.to_still(np.array(corners, np.float32).reshape(4, 2)))
