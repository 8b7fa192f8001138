# SPDX-License-Identifier: Apache-2.0
"""Make stills out of what cameras deliver: BGR, turned, cut to the region of interest, dated.

Images that go in are not modified.
"""

from __future__ import annotations

from datetime import timedelta

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.values import Image, Still

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def to_bgr(frame: Image, pixel_format: str) -> Image:
    """An H x W x 3 BGR image out of a picamera2 array of this format."""
    if pixel_format == "RGB888":
        return frame  # libcamera names the bytes from the end: this is B, G, R in memory
    if pixel_format == "NV12":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_NV12), np.uint8)
    if pixel_format == "YUV420":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420), np.uint8)
    raise CameraError(f"pixel format {pixel_format} is not one of RGB888, NV12, YUV420")


def turned(image: Image, rotation: int) -> Image:
    """The image turned clockwise by 0, 90, 180 or 270 degrees."""
    return image if rotation == 0 else np.asarray(cv2.rotate(image, TURNS[rotation]), np.uint8)


def cut(image: Image, roi: tuple[float, float, float, float]) -> Image:
    """The part of the image that `roi` (left, top, width, height; fractions) names."""
    if roi == (0.0, 0.0, 1.0, 1.0):
        return image
    height, width = image.shape[:2]
    left, top, share_x, share_y = roi
    x0, y0 = round(left * width), round(top * height)
    return image[
        y0 : max(y0 + 1, round((top + share_y) * height)),
        x0 : max(x0 + 1, round((left + share_x) * width)),
    ]


def dated(image: Image, source: str, *, exposed_at_s: float, clock: Clock, sequence: int) -> Still:
    """A still whose exposure began at `exposed_at_s` of the monotonic clock."""
    ago = timedelta(seconds=max(0.0, clock.monotonic() - exposed_at_s))
    return Still(
        image=image,
        source=source,
        captured_at=clock.wall() - ago,
        exposed_at_s=exposed_at_s,
        sequence=sequence,
    )
