# SPDX-License-Identifier: Apache-2.0
"""Camera drivers that hang at opening, at closing or in a read leave one thread and recover."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from plategate.clock import SystemClock
from plategate.errors import CameraError, CameraHangs
from plategate.hardware.camera import driver_calls, picamera2, v4l2
from plategate.hardware.camera.driver_calls import DriverCalls
from plategate.hardware.camera.picamera2 import PiCamera
from plategate.hardware.camera.v4l2 import V4l2Camera
from plategate.settings.camera import CameraSettings
from tests.hardware.conftest import ManualClock

from .fake_picamera2 import FakePicamera2


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_calls, "HEARTBEAT_EVERY_S", 0.005)
    for module in (picamera2, v4l2):
        monkeypatch.setattr(module, "OPEN_TIMEOUT_S", 0.03)
        monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.03)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends every hang of the test."""
    event = threading.Event()
    yield event
    event.set()


def camera_threads() -> set[threading.Thread]:
    return {
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(("camera: ", "v4l2-reader"))
    }


class Beats:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def pi_camera(opener: Callable[[int], Any]) -> PiCamera:
    settings = CameraSettings(width=320, height=240, profile="day")
    return PiCamera(settings=settings, clock=SystemClock(), opener=opener)


def usb_camera(opener: Callable[[Any], Any]) -> V4l2Camera:
    return V4l2Camera(
        settings=CameraSettings(kind="v4l2", lost_after_s=0.5), clock=SystemClock(), opener=opener
    )


@pytest.mark.parametrize("make", [pi_camera, usb_camera])
def test_fail__hang_at_opening_beats_and_leaves_one_thread(
    make: Callable[[Callable[[Any], Any]], Any], release: threading.Event
) -> None:
    openings: list[object] = []

    def hang(which: object) -> Any:
        openings.append(which)
        release.wait(300)
        raise CameraError("too late")

    camera, beats = make(hang), Beats()
    before = camera_threads()
    with pytest.raises(CameraHangs, match="opening the camera hangs for more than"):
        camera.start(beats)
    assert beats.count >= 2
    for _ in range(5):
        with pytest.raises(CameraHangs, match="opening the camera still hangs"):
            camera.start(beats)
        camera.close()
    assert len(openings) == 1
    assert len(camera_threads() - before) == 1
    assert not camera.running


def test_ok__after_the_hang_ends_the_camera_starts_again(
    clock: ManualClock, release: threading.Event
) -> None:
    devices = [FakePicamera2(clock) for _ in range(2)]
    left = iter(devices)
    opened = threading.Event()

    def open_late(number: int) -> FakePicamera2:
        device = next(left)
        if device is devices[0]:
            release.wait(300)
        opened.set()
        return device

    camera, before = pi_camera(open_late), camera_threads()
    with pytest.raises(CameraHangs):
        camera.start()
    (thread,) = camera_threads() - before
    release.set()
    thread.join(60)
    assert devices[0].closed  # it was opened after the timeout
    camera.start()
    assert camera.running
    assert not devices[1].closed


def test_fail__hang_at_closing_leaves_one_thread_and_no_second_device(
    clock: ManualClock, release: threading.Event
) -> None:
    opened: list[FakePicamera2] = []

    class Stuck(FakePicamera2):
        def close(self) -> None:
            release.wait(300)

    def opener(number: int) -> Stuck:
        opened.append(Stuck(clock))
        return Stuck(clock)

    camera, before = pi_camera(opener), camera_threads()
    camera.start()
    for _ in range(4):
        camera.close()
        with pytest.raises(CameraHangs, match="closing the camera still hangs"):
            camera.start()
    assert len(opened) == 1
    assert len(camera_threads() - before) == 1


class StuckUsb:
    """A USB camera whose read hangs after `frames` frames."""

    def __init__(self, release: threading.Event, frames: int) -> None:
        self.release_hang, self.frames = release, frames
        self.released = threading.Event()

    def read(self) -> tuple[bool, Any]:
        if self.frames == 0:
            self.release_hang.wait(300)
        self.frames -= 1
        return True, np.zeros((48, 64, 3), np.uint8)

    def release(self) -> None:
        self.released.set()


def test_fail__hang_in_a_read_leaves_one_reader(release: threading.Event) -> None:
    device, opened = StuckUsb(release, frames=0), []
    camera, beats = usb_camera(lambda _: (opened.append(1), device)[1]), Beats()
    before = camera_threads()
    camera.start(beats)
    with pytest.raises(CameraError, match=r"no fresh picture|no frame from"):
        next(camera.burst(1, 0.0))
    assert beats.count >= 1  # while the burst waited
    for _ in range(3):
        camera.close()
        with pytest.raises(CameraHangs, match="reading /dev/video0 still hangs"):
            camera.start(beats)
    assert len(opened) == 1
    assert len(camera_threads() - before) == 1
    release.set()
    assert device.released.wait(60)


def test_fail__frame_that_is_no_picture_is_a_fault(release: threading.Event) -> None:
    class Garbage(StuckUsb):
        def read(self) -> tuple[bool, Any]:
            return True, object()

    device = Garbage(release, frames=0)
    camera = usb_camera(lambda _: device)
    camera.start()
    with pytest.raises(CameraError, match="/dev/video0 failed: "):
        next(camera.burst(1, 0.0))
    assert device.released.wait(60)
    assert "failed" in (camera.fault() or "")


def test_ok__a_camera_delivers_from_its_first_frame_on(clock: ManualClock) -> None:
    device = FakePicamera2(clock)
    camera = pi_camera(lambda _: device)
    camera.start()
    assert not camera.delivering()
    device.frame().release()
    assert camera.delivering()
    camera.close()
    assert not camera.delivering()


def test_ok__calls_pass_results_and_errors_on() -> None:
    calls = DriverCalls()
    assert calls.call(60, "adding", lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        calls.call(60, "dividing", lambda: 1 / 0)


def test_fail__driver_that_tries_to_exit_is_a_camera_error() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(CameraError, match="opening ended with SystemExit"):
        DriverCalls().call(60, "opening", leave)
