# SPDX-License-Identifier: Apache-2.0
"""Base class of the camera drivers: fault state, bounded driver calls, and making stills.

A driver implements `start`, `burst` and `close` of `interfaces.Camera` and inherits the rest.
Stills are BGR, cropped, rotated and timestamped; input images are not modified.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

T = TypeVar("T")

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class CameraDriver:
    """State and helpers that every driver shares. `label` names the camera in messages."""

    def __init__(self, *, settings: CameraSettings, clock: Clock, label: str) -> None:
        self._settings = settings
        self._clock = clock
        self._label = label
        self._fault: str | None = None
        self._last_frame_s = 0.0
        self._sequence = 0

    @property
    def running(self) -> bool:
        """Whether the camera has been started and not closed."""
        raise NotImplementedError

    @property
    def grey_frame(self) -> Image | None:
        """The newest frame in grey (H x W uint8) for motion detection; None before the first."""
        return None

    def fault(self) -> str | None:
        """One sentence when the camera delivers no frames, None while it does."""
        if self._fault is not None:
            return self._fault
        if not self.running:
            return "the camera is not running"
        silent_s = self._clock.monotonic() - self._last_frame_s
        if silent_s > self._settings.lost_after_s:
            return f"no frame from {self._label} for {silent_s:.0f} s"
        return None

    def _make_still(self, image: Image, source: str, exposed_at_s: float) -> Still:
        """A rotated still whose exposure began at `exposed_at_s` of the monotonic clock."""
        age = timedelta(seconds=max(0.0, self._clock.monotonic() - exposed_at_s))
        self._sequence += 1
        return Still(
            image=rotate(image, self._settings.rotation),
            source=source,
            captured_at=self._clock.wall() - age,
            exposed_at_s=exposed_at_s,
            sequence=self._sequence,
        )


def rotate(image: Image, degrees: int) -> Image:
    """The image rotated clockwise by 0, 90, 180 or 270 degrees."""
    return image if degrees == 0 else np.asarray(cv2.rotate(image, ROTATIONS[degrees]), np.uint8)


def crop(image: Image, roi: tuple[float, float, float, float]) -> Image:
    """The part of the image given by `roi` (left, top, width, height as fractions)."""
    if roi == (0.0, 0.0, 1.0, 1.0):
        return image
    height, width = image.shape[:2]
    left, top, share_x, share_y = roi
    x0, y0 = round(left * width), round(top * height)
    return image[
        y0 : max(y0 + 1, round((top + share_y) * height)),
        x0 : max(x0 + 1, round((left + share_x) * width)),
    ]


def call_with_timeout(
    seconds: float, what: str, action: Callable[[], T], late: Callable[[T], None] | None = None
) -> T:
    """Run `action` in a thread; CameraError if it takes longer than `seconds`.

    A driver that hangs in the kernel cannot be interrupted, so its thread is abandoned. A result
    that arrives after the timeout is passed to `late`, which closes the device.
    """
    answer: Future[T] = Future()
    lock = threading.Lock()
    timed_out = False

    def run() -> None:
        try:
            result = action()
        except Exception as error:
            answer.set_exception(error)
            return
        with lock:
            if not timed_out:
                answer.set_result(result)
                return
        if late is not None:
            late(result)

    threading.Thread(target=run, name=f"camera: {what}", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        with lock:
            if answer.done():
                return answer.result()
            timed_out = True
    raise CameraError(f"{what} hangs for more than {seconds:g} s")
