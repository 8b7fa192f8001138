# SPDX-License-Identifier: Apache-2.0
"""Camera driver for USB cameras through V4L2 (settings: [camera] kind = v4l2, device).

These cameras report no exposure time stamp. A frame is assumed to be exposed `delay_ms` before it
arrived, so that its age is never underestimated. No IR lamp, no exposure bracketing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError, CameraHangs
from plategate.hardware.camera.base import (
    CLOSE_TIMEOUT_S,
    OPEN_TIMEOUT_S,
    CameraDriver,
    crop,
    rotate,
    small,
)
from plategate.hardware.camera.driver_calls import HEARTBEAT_EVERY_S
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

logger = logging.getLogger(__name__)

MANUAL_EXPOSURE = 1  # V4L2_EXPOSURE_MANUAL
EXPOSURE_UNIT_US = 100


def open_device(settings: CameraSettings) -> Any:
    """Open and configure the device; CameraError if that fails."""
    device = cv2.VideoCapture(settings.device, cv2.CAP_V4L2)
    if not device.isOpened():
        raise CameraError(f"{settings.device} cannot be opened as a camera")
    device.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    device.set(cv2.CAP_PROP_FPS, settings.frames_per_s)
    device.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE)
    device.set(cv2.CAP_PROP_EXPOSURE, settings.day.exposure_us / EXPOSURE_UNIT_US)
    return device


class V4l2Camera(CameraDriver):
    """Implements `interfaces.Camera`; a thread of its own reads the device continuously."""

    def __init__(
        self,
        *,
        settings: CameraSettings,
        clock: Clock,
        opener: Callable[[CameraSettings], Any] = open_device,
    ) -> None:
        super().__init__(settings=settings, clock=clock, label=settings.device)
        self._opener = opener
        self._frame_arrived = threading.Condition()
        self._newest: tuple[Image, float] | None = None
        self._reader: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        """Whether the reader thread has been started."""
        return self._reader is not None

    @property
    def grey_frame(self) -> Image | None:
        """The newest frame in grey; None before the first."""
        newest = self._newest
        if newest is None:
            return None
        return np.asarray(cv2.cvtColor(newest[0], cv2.COLOR_BGR2GRAY), np.uint8)

    def _start(self) -> None:
        """Open the device and start the reader thread."""
        device = self._calls.call(
            OPEN_TIMEOUT_S,
            "opening the camera",
            lambda: self._opener(self._settings),
            late=lambda opened: opened.release(),
        )
        self._newest = None
        self._stop = threading.Event()
        self._reader = threading.Thread(
            target=self._read, args=(device, self._stop), name="v4l2-reader", daemon=True
        )
        self._reader.start()

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills that were certainly exposed after `since_s`."""
        for _ in range(count):
            image, exposed_at_s = self._frame_newer_than(since_s)
            since_s = exposed_at_s
            yield self._make_still(crop(image, self._roi), self._settings.device, exposed_at_s)

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """The newest frame."""
        del within_s
        newest = self._newest
        if newest is None or self.fault() is not None:
            raise CameraError(self.fault() or f"{self._label} has delivered no frame yet")
        image = rotate(crop(newest[0], self._roi), self._settings.rotation)
        return image if whole else small(image)

    def close(self) -> None:
        """Stop the reader thread, which releases the device; a hanging one is abandoned."""
        self._stop.set()
        reader, self._reader = self._reader, None
        if reader is None:
            return
        try:
            self._calls.join(reader, CLOSE_TIMEOUT_S, f"reading {self._label}")
        except CameraHangs as error:
            logger.error("%s; its thread is abandoned", error)

    def _frame_newer_than(self, since_s: float) -> tuple[Image, float]:
        def done() -> bool:
            if not self.running or self._fault is not None:
                return True
            return self._newest is not None and self._newest[1] > since_s

        end_s = time.monotonic() + self._settings.lost_after_s
        with self._frame_arrived:
            while not done() and (left_s := end_s - time.monotonic()) > 0:
                self._frame_arrived.wait(min(left_s, HEARTBEAT_EVERY_S))
                self._calls.heartbeat()
            if not self.running or self._fault is not None or not done():
                raise CameraError(self.fault() or "no fresh picture arrived in time")
            assert self._newest is not None
            return self._newest

    def _read(self, device: Any, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                received, image = device.read()
                if stop.is_set():
                    return
                if not received:
                    self._fail("delivers no more frames", stop)
                    return
                with self._frame_arrived:
                    self._count_frame()
                    exposed_at_s = self._last_frame_s - self._settings.delay_ms / 1000
                    self._newest = (np.asarray(image, np.uint8), exposed_at_s)
                    self._frame_arrived.notify_all()
        except Exception as error:
            self._fail(f"failed: {error}", stop)
        finally:
            device.release()

    def _fail(self, reason: str, stop: threading.Event) -> None:
        with self._frame_arrived:
            if stop.is_set():
                return  # a fault of an abandoned reader does not concern the present run
            self._fault = f"{self._label} {reason}"
            self._frame_arrived.notify_all()
