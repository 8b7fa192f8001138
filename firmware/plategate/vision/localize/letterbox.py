# SPDX-License-Identifier: Apache-2.0
"""Fit a still into the canvas that the detector is shown: small, grey where the still ends.

There are several canvases, since grey takes the detector as long as anything else: a wide still
lies in a wide one. All show a still at the same scale.
"""

from __future__ import annotations

import cv2
import numpy as np

from plategate.values import Image
from plategate.vision.localize.scaling import GREY, half

# Columns x rows, largest first: for 4:3 (and everything else), 3:2, 16:9, 1:1 and 3:4. The network
# takes whole multiples of 32 pixels.
CANVASES = ((384, 288), (384, 256), (384, 224), (288, 288), (224, 288))


def letterbox(image: Image) -> tuple[Image, float]:
    """The picture at the top left of the smallest canvas that holds it, and its scale.

    Large pictures are halved first, as in training: quick, and no pixel is skipped.
    """
    height, width = image.shape[:2]
    most_columns, most_rows = CANVASES[0]
    scale = min(most_columns / width, most_rows / height)
    size = (
        max(1, min(most_columns, round(width * scale))),
        max(1, min(most_rows, round(height * scale))),
    )
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        image = half(image)
    columns, rows = min(
        (canvas for canvas in CANVASES if canvas[0] >= size[0] and canvas[1] >= size[1]),
        key=lambda canvas: canvas[0] * canvas[1],
    )
    canvas = np.full((rows, columns, 3), GREY, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return canvas, scale
