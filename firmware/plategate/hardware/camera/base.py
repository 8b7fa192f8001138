# SPDX-License-Identifier: Apache-2.0
"""Base class of the camera drivers: fault state, bounded driver calls, and making stills.

A driver implements `running`, `burst`, `close` and `_start`, and inherits the rest.
Stills are BGR, cropped, rotated and timestamped; input images are not modified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.hardware.camera.driver_calls import DriverCalls
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
SMALL_WIDTH = 640  # of a snapshot for a person
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
        self._calls = DriverCalls()
        self._roi = settings.roi
        self._fault: str | None = None
        self._last_frame_s = 0.0
        self._frames = 0  # since the last start
        self._sequence = 0

    @property
    def running(self) -> bool:
        """Whether the camera has been started and not closed."""
        raise NotImplementedError

    @property
    def grey_frame(self) -> Image | None:
        """The newest frame in grey (H x W uint8) for motion detection; None before the first."""
        return None

    def start(self, heartbeat: Callable[[], None] | None = None) -> None:
        """Open and start the camera; CameraError if that fails, CameraHangs if it hangs.

        From now on `heartbeat` is called at least once a second while a call of this camera waits.
        """
        if heartbeat is not None:
            self._calls.heartbeat = heartbeat
        if self.running:
            return
        self._calls.raise_if_hanging()
        self._fault, self._frames = None, 0
        self._start()
        self._last_frame_s = self._clock.monotonic()

    def frame_age_s(self) -> float | None:
        """Seconds since the newest frame; None before the first one, or for files."""
        if not self.running or self._frames == 0:
            return None
        return self._clock.monotonic() - self._last_frame_s

    def delivering(self) -> bool:
        """Whether a frame has arrived since the last start."""
        return self.running and self._frames > 0

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

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills that were exposed after `since_s`, as `interfaces.Camera`."""
        raise NotImplementedError

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """What the camera sees now, as `interfaces.Camera`."""
        raise NotImplementedError

    def use_region(self, roi: tuple[float, float, float, float]) -> None:
        """Use this region of interest from now on."""
        self._roi = roi

    def close(self) -> None:
        """Stop and release the device; harmless if it was never started."""
        raise NotImplementedError

    def _start(self) -> None:
        """Open the device and let it run, with bounded calls."""
        raise NotImplementedError

    def _count_frame(self) -> None:
        self._frames += 1
        self._last_frame_s = self._clock.monotonic()

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


def small(image: Image) -> Image:
    """The image scaled down to SMALL_WIDTH, if it is wider."""
    height, width = image.shape[:2]
    if width <= SMALL_WIDTH:
        return image
    size = (SMALL_WIDTH, max(1, round(height * SMALL_WIDTH / width)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


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
