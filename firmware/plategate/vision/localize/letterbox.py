# SPDX-License-Identifier: Apache-2.0
"""Scale a still into the detector's input (letterboxing), and scale pictures down by halving.

The detector runs on several input shapes (canvases), so that little time is spent on padding: a
wide still gets a wide canvas. The scale of a still is the same on every canvas.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from plategate.values import Image

Size = tuple[int, int]

GREY = 114  # padding beyond the edge of a still for every network, as in training

# Columns x rows, largest first: for 4:3 (and all others), 3:2, 16:9, 1:1 and 3:4. The network needs
# multiples of 32 pixels.
CANVASES = ((384, 288), (384, 256), (384, 224), (288, 288), (224, 288))
# The same at half the scale, for a coarse search.
COARSE_CANVASES = ((192, 160), (192, 128), (160, 160), (128, 160))
COARSE = 0.5

# A picture is dark if its mean and, because lamps are in dark ones too, its brightest hundredth are
# below these grey levels. Such a picture is multiplied until the latter has the level BRIGHT.
DARK_MEAN, DARK = 64.0, 110.0
BRIGHT = 220.0
MOST_GAIN = 6.0
BRIGHTEST = 99.0  # percentile
SAMPLED = 8  # every so many pixels


def letterbox(image: Image, coarse: bool = False) -> tuple[Image, float]:
    """The picture in the top left of the smallest canvas that holds it, and its scale.

    A `coarse` canvas has half the scale. Large pictures are halved first, as in training: fast, and
    every pixel contributes.
    """
    height, width = image.shape[:2]
    (columns, rows), size, scale = canvas_for(width, height, coarse)
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        image = half(image)
    canvas = np.full((rows, columns, 3), GREY, np.uint8)
    seen = canvas[: size[1], : size[0]]
    cv2.resize(image, size, dst=seen, interpolation=cv2.INTER_LINEAR)
    _brighten(seen)
    return canvas, scale


def _brighten(seen: Image) -> None:
    """Multiply a dark picture in place, so that its brightest parts get the light of day.

    The network was trained with dark pictures too, but in ten times fewer grey levels it sees less:
    of 1,006 plates of darkened training photographs it finds 976 like this, and 954 as they are.
    """
    sample = seen[::SAMPLED, ::SAMPLED]
    if sample.mean() >= DARK_MEAN:
        return
    brightest = float(np.percentile(sample, BRIGHTEST))
    if brightest < DARK:
        cv2.convertScaleAbs(seen, dst=seen, alpha=min(MOST_GAIN, BRIGHT / max(brightest, 1.0)))


def canvas_for(width: int, height: int, coarse: bool) -> tuple[Size, Size, float]:
    """The canvas of a still, the size of the still in it (columns x rows), and its scale."""
    canvases: Sequence[Size] = COARSE_CANVASES if coarse else CANVASES
    most_columns, most_rows = CANVASES[0]
    if coarse:
        most_columns, most_rows = int(COARSE * most_columns), int(COARSE * most_rows)
    scale = min(most_columns / width, most_rows / height)
    size = (
        max(1, min(most_columns, round(width * scale))),
        max(1, min(most_rows, round(height * scale))),
    )
    canvas = min(
        (canvas for canvas in canvases if canvas[0] >= size[0] and canvas[1] >= size[1]),
        key=lambda canvas: canvas[0] * canvas[1],
    )
    return canvas, size, scale


def half(image: Image) -> Image:
    """The picture (H x W x 3 or H x W) at half its size; each pixel is the mean of four."""
    even = image[: image.shape[0] & ~1, : image.shape[1] & ~1]
    return np.asarray(
        cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    )
