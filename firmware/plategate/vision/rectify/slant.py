# SPDX-License-Identifier: Apache-2.0
"""Lay a plate differently in its picture: readers take soft characters for others as these lie."""

from __future__ import annotations

import cv2
import numpy as np

from plategate.values import Image


def slanted(grey: Image, slant: float = 0.0, turn: float = 0.0) -> Image:
    """The picture of the same size around its middle, its rim repeated where nothing was seen.

    `slant` is in pixels to the right for each pixel down, `turn` in degrees against the clock.
    """
    if not slant and not turn:
        return grey
    height, width = grey.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix[0] += slant * np.array([0.0, 1.0, -height / 2])
    out = cv2.warpAffine(
        grey, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return out.astype(np.uint8, copy=False)
