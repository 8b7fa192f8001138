# SPDX-License-Identifier: Apache-2.0
"""Hide everything in a still except one plate.

No face detector finds every face (turned away, behind glass, at night), so nothing is searched for:
all pixels outside the plate and a narrow margin are averaged over large blocks.
"""

from __future__ import annotations

import math

from plategate.values import Corners, Image

Box = tuple[float, float, float, float]

# Margin around the plate that stays sharp, in plate heights. The refiner of the detector needs the
# rim of the plate; `scripts/benchmark` on samples of tests/data/demo reads as on the originals.
MARGIN_HEIGHTS = 0.6
# Blocks across the picture. A face of a tenth of the picture's width is then three blocks wide.
BLOCKS_ACROSS = 32


def scaled_box(corners: Corners, scale: float) -> Box:
    """The upright box around corners, in a picture scaled by `scale`."""
    xs = [x * scale for x, _ in corners]
    ys = [y * scale for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def hidden_outside(image: Image, box: Box) -> Image:
    """A copy of `image` (H x W x 3, BGR) in which only `box` (x0, y0, x1, y1) and its rim show."""
    import cv2

    height, width = image.shape[:2]
    block = max(1, math.ceil(width / BLOCKS_ACROSS))
    size = (math.ceil(width / block), math.ceil(height / block))
    coarse = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    hidden: Image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).astype(
        "uint8"
    )
    x0, y0, x1, y1 = sharp_window(box, width, height)
    hidden[y0:y1, x0:x1] = image[y0:y1, x0:x1]
    return hidden


def sharp_window(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels that stay sharp: the box with its margin, within the picture."""
    x0, y0, x1, y1 = box
    margin = MARGIN_HEIGHTS * (y1 - y0)
    return (
        max(0, math.floor(x0 - margin)),
        max(0, math.floor(y0 - margin)),
        min(width, math.ceil(x1 + margin)),
        min(height, math.ceil(y1 + margin)),
    )
