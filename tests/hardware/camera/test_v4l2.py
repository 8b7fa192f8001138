# SPDX-License-Identifier: Apache-2.0
"""USB cameras: stills newer than the trigger, and the loss of the device.

The camera is a fake in place of cv2.VideoCapture.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from plategate.clock import SystemClock
from plategate.errors import CameraError
from plategate.hardware.camera.v4l2 import V4l2Camera
from plategate.settings.camera import CameraSettings


def picture(grey: int) -> Any:
    return np.full((48, 64, 3), grey, np.uint8)


class FakeUsb:
    """Delivers one frame for each release of `may`."""

    def __init__(self) -> None:
        self.may = threading.Semaphore(0)
        self.ended = False
        self.released = threading.Event()
        self._grey = 0

    def read(self) -> tuple[bool, Any]:
        self.may.acquire()
        self._grey += 1
        return not self.ended, picture(self._grey)

    def release(self) -> None:
        self.released.set()


@pytest.fixture
def usb() -> FakeUsb:
    return FakeUsb()


def usb_camera(usb: FakeUsb, **more: Any) -> V4l2Camera:
    chosen = CameraSettings.model_validate({"kind": "v4l2", "delay_ms": 0, **more})
    camera = V4l2Camera(settings=chosen, clock=SystemClock(), opener=lambda _: usb)
    camera.start()
    return camera


def test_ok__usb_stills_are_newer_than_the_trigger(usb: FakeUsb) -> None:
    camera = usb_camera(usb)
    usb.may.release()
    first = next(camera.burst(1, 0.0))
    usb.may.release()
    second = next(camera.burst(1, first.exposed_at_s or 0))
    assert (int(first.image[0, 0, 0]), int(second.image[0, 0, 0])) == (1, 2)
    assert second.exposed_at_s > first.exposed_at_s  # type: ignore[operator]
    usb.may.release()
    camera.close()
    assert usb.released.wait(60)


def test_fail__old_usb_frame_is_not_used(usb: FakeUsb) -> None:
    camera = usb_camera(usb, lost_after_s=0.5, delay_ms=2000)
    now_s = SystemClock().monotonic()
    usb.may.release()
    camera._settings = camera._settings.model_copy(update={"lost_after_s": 0.02})
    with pytest.raises(CameraError):
        next(camera.burst(1, now_s))
    usb.may.release()
    camera.close()


def test_fail__unplugged_usb_camera_is_detected_at_once(usb: FakeUsb) -> None:
    camera = usb_camera(usb)
    usb.ended = True
    usb.may.release()
    with pytest.raises(CameraError, match="delivers no more frames"):
        next(camera.burst(1, 0.0))
    assert camera.fault() == "/dev/video0 delivers no more frames"
    assert usb.released.wait(60)
    camera.close()
