# SPDX-License-Identifier: Apache-2.0
"""Normalise the lighting of an upright grey plate: flatten shadows and stretch the contrast.

Takes and returns H x W uint8; the input is not modified. Dark characters stay dark.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.values import Image

# The background is blurred over about half the plate's height, so that strokes vanish in it.
BLUR_SHARE = 0.5
DARKEST_PERCENTILE = 2.0
BRIGHTEST_PERCENTILE = 98.0
SMALLEST_RANGE = 12.0


def even_light(grey: Image) -> Image:
    """Divide by the blurred background, then stretch to the full range of grey levels."""
    sigma = max(2.0, BLUR_SHARE * grey.shape[0])
    picture = grey.astype(np.float32) + 8.0
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    slow = cv2.GaussianBlur(small, (0, 0), sigma / 4, borderType=cv2.BORDER_REPLICATE)
    slow = cv2.resize(slow, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return stretch(picture / slow * float(picture.mean()))


def stretch(picture: NDArray[Any]) -> Image:
    """Map the range between the two percentiles to 0..255; flat pictures are not amplified."""
    low, high = np.percentile(picture[::2, ::2], (DARKEST_PERCENTILE, BRIGHTEST_PERCENTILE))
    gain = 255.0 / max(float(high - low), SMALLEST_RANGE)
    stretched: Image = np.clip((picture - low) * gain, 0.0, 255.0).astype(np.uint8)
    return stretched
