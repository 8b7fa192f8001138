# SPDX-License-Identifier: Apache-2.0
"""Frames of the ribbon camera: pixel formats as BGR, and single frames for another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from plategate.errors import CameraError
from plategate.values import Image

LORES = (640, 360)
# Copies the present frame: the whole one, or the small one. None where it cannot now.
CopyFrame = Callable[[bool], Image | None]


class SnapshotExchange:
    """One request at a time; `take` is for one thread, `offer` for the driver's.

    Without a request `offer` only compares a flag, so that frames for passages are not delayed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked: bool | None = None  # whether a whole frame is asked for
        self._frame: Image | None = None

    def take(self, whole: bool, within_s: float) -> Image:
        """The next frame. Raises CameraError where none comes within `within_s`."""
        deadline_s = time.monotonic() + within_s
        with self._changed:
            self._asked, self._frame = whole, None
            try:
                while self._frame is None:
                    left_s = deadline_s - time.monotonic()
                    if left_s <= 0:
                        raise CameraError(f"the camera delivered no frame within {within_s:g} s")
                    self._changed.wait(left_s)
                return self._frame
            finally:
                self._asked = self._frame = None

    def offer(self, copy: CopyFrame) -> None:
        """Called for every frame; copies it if one is asked for."""
        if self._asked is None:
            return
        with self._changed:
            if self._asked is None or self._frame is not None:
                return
            self._frame = copy(self._asked)
            if self._frame is not None:
                self._changed.notify_all()


def lores_to_bgr(frame: Image) -> Image:
    """A frame of the low-resolution stream (YUV420) as BGR; in grey where its lines are padded."""
    if frame.shape[1] == LORES[0]:
        return to_bgr(frame, "YUV420")
    grey = np.ascontiguousarray(frame[: LORES[1], : LORES[0]])
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def to_bgr(frame: Image, pixel_format: str) -> Image:
    """Convert a picamera2 array of this pixel format to H x W x 3 BGR."""
    if pixel_format == "RGB888":
        return frame  # libcamera names the channels in reverse: the bytes in memory are B, G, R
    if pixel_format == "NV12":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_NV12), np.uint8)
    if pixel_format == "YUV420":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420), np.uint8)
    raise CameraError(f"pixel format {pixel_format} is not one of RGB888, NV12, YUV420")
