# SPDX-License-Identifier: Apache-2.0
"""Makes pictures smaller without skipping pixels, and says what lies beyond their edge."""

from __future__ import annotations

import cv2
import numpy as np

from plategate.values import Image

GREY = 114  # beyond the edge of a still, for every network; as in training


def half(image: Image) -> Image:
    """The picture (H x W x 3 or H x W) at half its size: each pixel the mean of four."""
    even = image[: image.shape[0] & ~1, : image.shape[1] & ~1]
    return np.asarray(
        cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    )
