# SPDX-License-Identifier: Apache-2.0
"""A USB camera through V4L2 (settings: [camera] kind = v4l2, device), read by a thread.

Such cameras do not say when a frame was exposed; it is taken to be `delay_ms` before its arrival,
so a still is never believed to be fresher than it is. No IR lamp, no bracket.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.hardware.camera.stills import cut, dated, turned
from plategate.hardware.timeout import within
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

logger = logging.getLogger(__name__)

OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 3.0
MANUAL_EXPOSURE = 1  # V4L2_EXPOSURE_MANUAL
EXPOSURE_UNIT_US = 100


def open_device(settings: CameraSettings) -> Any:
    """The opened device; CameraError where there is none."""
    device = cv2.VideoCapture(settings.device, cv2.CAP_V4L2)
    if not device.isOpened():
        raise CameraError(f"{settings.device} cannot be opened as a camera")
    device.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    device.set(cv2.CAP_PROP_FPS, settings.frames_per_s)
    device.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE)
    device.set(cv2.CAP_PROP_EXPOSURE, settings.day.exposure_us / EXPOSURE_UNIT_US)
    return device


class V4l2Camera:
    """Fills the Camera socket."""

    def __init__(
        self,
        *,
        settings: CameraSettings,
        clock: Clock,
        opener: Callable[[CameraSettings], Any] = open_device,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._opener = opener
        self._arrived = threading.Condition()
        self._newest: tuple[Image, float] | None = None
        self._frame_s = 0.0
        self._reader: threading.Thread | None = None
        self._stop = threading.Event()
        self._trouble: str | None = None
        self._sequence = 0

    @property
    def small(self) -> Image | None:
        """The newest frame in grey, for motion; None before the first."""
        newest = self._newest
        if newest is None:
            return None
        return np.asarray(cv2.cvtColor(newest[0], cv2.COLOR_BGR2GRAY), np.uint8)

    def start(self) -> None:
        """Open the device and read it from a thread."""
        if self._reader is not None:
            return
        device = within(
            OPEN_WITHIN_S,
            "opening the camera",
            lambda: self._opener(self._settings),
            late=lambda late: late.release(),
        )
        self._trouble = self._newest = None
        self._stop = threading.Event()
        self._frame_s = self._clock.monotonic()
        self._reader = threading.Thread(
            target=self._read, args=(device, self._stop), name="v4l2-reader", daemon=True
        )
        self._reader.start()

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills that were certainly exposed after `since_s`."""
        for _ in range(count):
            image, exposed_s = self._newer_than(since_s)
            since_s = exposed_s
            self._sequence += 1
            yield dated(
                turned(cut(image, self._settings.roi), self._settings.rotation),
                self._settings.device,
                exposed_at_s=exposed_s,
                clock=self._clock,
                sequence=self._sequence,
            )

    def fault(self) -> str | None:
        """One sentence when no frames come any more."""
        if self._trouble is not None:
            return self._trouble
        if self._reader is None:
            return "the camera is not running"
        silent_s = self._clock.monotonic() - self._frame_s
        if silent_s > self._settings.lost_after_s:
            return f"no frame from {self._settings.device} for {silent_s:.0f} s"
        return None

    def close(self) -> None:
        """End the thread, which lets go of the device; a reader that hangs is left behind."""
        self._stop.set()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.join(CLOSE_WITHIN_S)
            if reader.is_alive():
                logger.error("%s hangs and is left behind", self._settings.device)

    def _newer_than(self, since_s: float) -> tuple[Image, float]:
        def fresh() -> bool:
            if self._reader is None or self._trouble is not None:
                return True
            return self._newest is not None and self._newest[1] > since_s

        with self._arrived:
            in_time = self._arrived.wait_for(fresh, timeout=self._settings.lost_after_s)
            if self._reader is None or self._trouble is not None or not in_time:
                raise CameraError(self._trouble or self.fault() or "no fresh picture came in time")
            assert self._newest is not None
            return self._newest

    def _read(self, device: Any, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                came, image = device.read()
                if not came:
                    self._give_up("delivers no more frames")
                    return
                now_s = self._clock.monotonic()
                with self._arrived:
                    self._frame_s = now_s
                    self._newest = (
                        np.asarray(image, np.uint8),
                        now_s - self._settings.delay_ms / 1000,
                    )
                    self._arrived.notify_all()
        except cv2.error as error:
            self._give_up(f"failed: {error}")
        finally:
            device.release()

    def _give_up(self, reason: str) -> None:
        with self._arrived:
            self._trouble = f"{self._settings.device} {reason}"
            self._arrived.notify_all()
