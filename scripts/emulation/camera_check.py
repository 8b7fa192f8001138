# SPDX-License-Identifier: Apache-2.0
"""Usage: camera_check.py STILLS; started by camera_virtual in its root. Tests the camera driver.

It is the driver of the gate. Two things differ from a Pi: the virtual camera has no raw stream, so
one method of picamera2 is replaced, and it delivers NV12.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import libcamera
from picamera2 import Picamera2
from picamera2.allocators import LibcameraAllocator

from plategate.clock import SystemClock
from plategate.errors import CameraError
from plategate.hardware.camera.picamera2 import PiCamera
from plategate.settings.camera import CameraSettings

CLOCK = SystemClock()
SETTINGS = CameraSettings(width=1280, height=720, profile="day", lost_after_s=3)
GROWTH_KB = 8192


class VirtualPicamera2(Picamera2):
    """Picamera2 on a camera without a raw stream: its modes are those of the video stream."""

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        video = self.camera.generate_configuration([libcamera.StreamRole.VideoRecording])
        formats = video.at(0).formats
        return [
            {"format": str(pixels), "size": (size.width, size.height)}
            for pixels in formats.pixel_formats
            for size in formats.sizes(pixels)
        ]


def opened(number: int) -> Any:
    """The virtual camera, with memory allocated by libcamera."""
    device = VirtualPicamera2(number)
    device.allocator = LibcameraAllocator(device.camera)
    return device


def running() -> PiCamera:
    """The driver as the gate builds it."""
    camera = PiCamera(settings=SETTINGS, clock=CLOCK, opener=opened, pixel_format="NV12")
    camera.start()
    return camera


def held() -> tuple[int, int, int]:
    """Resources of this process: resident kB, open files, threads."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return (
        int(resident.split()[1]),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
    )


def check_burst(camera: PiCamera) -> str:
    """Four stills of the right size, in order."""
    stills = list(camera.burst(4, CLOCK.monotonic()))
    assert [s.image.shape for s in stills] == [(720, 1280, 3)] * 4
    assert len({s.sequence for s in stills}) == 4
    assert all(s.image.std() > 5 for s in stills), "a flat picture"
    return "4 stills of 1280 x 720 in one burst"


def check_fresh(camera: PiCamera) -> str:
    """Every still was exposed after the trigger and before it was delivered."""
    margins = []
    for _ in range(200):
        trigger_s = CLOCK.monotonic()
        for still in camera.burst(2, trigger_s):
            assert still.exposed_at_s is not None
            assert trigger_s < still.exposed_at_s <= CLOCK.monotonic()
            margins.append(still.exposed_at_s - trigger_s)
            trigger_s = still.exposed_at_s
    least_us = min(margins) * 1e6
    return (
        f"{len(margins)} stills, each exposed after it was asked for, by at least {least_us:.0f} us"
    )


def check_hang(camera: PiCamera) -> str:
    """The camera is stopped, without the driver, during a burst."""
    stills: Iterator[Any] = camera.burst(5, CLOCK.monotonic())
    next(stills)
    camera._device.stop()
    began_s = time.monotonic()
    try:
        list(stills)
    except CameraError as error:
        noticed_s = time.monotonic() - began_s
        assert noticed_s < 5, noticed_s
        assert camera.fault() is not None
        camera.close()
        camera.start()
        assert camera.fault() is None
        assert len(list(camera.burst(2, CLOCK.monotonic()))) == 2
        return f"noticed after {noticed_s:.1f} s ({error}); stills again after a restart"
    raise AssertionError("nobody noticed")


def check_silence(camera: PiCamera) -> str:
    """The camera is stopped between bursts."""
    camera._device.stop()
    time.sleep(SETTINGS.lost_after_s + 0.3)
    fault = camera.fault()
    assert fault is not None
    camera.close()
    camera.start()
    return f"said: {fault}"


def check_restart(camera: PiCamera) -> str:
    """The camera is opened and closed repeatedly."""
    before = None
    for number in range(25):
        camera.close()
        camera.start()
        assert len(list(camera.burst(1, CLOCK.monotonic()))) == 1
        if number == 4:
            before = held()
    after = held()
    assert before is not None
    assert after[1] <= before[1] + 2, f"open files {before[1]} -> {after[1]}"
    assert after[2] <= before[2] + 1, f"threads {before[2]} -> {after[2]}"
    return f"25 restarts; open files {before[1]} -> {after[1]}, threads {before[2]} -> {after[2]}"


def check_leak(camera: PiCamera, stills: int) -> str:
    """Many bursts, some of them ended early."""
    taken, before, began_s = 0, held(), time.monotonic()
    settled = stills // 10
    while taken < stills:
        taken += sum(1 for _ in islice(camera.burst(5, CLOCK.monotonic()), 4 if taken % 3 else 5))
        if before is not None and taken < settled:
            before = held() if taken > settled - 10 else before
    after = held()
    rate = taken / (time.monotonic() - began_s)
    assert after[0] - before[0] < GROWTH_KB, f"resident {before[0]} -> {after[0]} kB"
    assert after[1] <= before[1], f"open files {before[1]} -> {after[1]}"
    assert after[2] <= before[2] + 1
    return (
        f"{taken} stills at {rate:.0f}/s; resident {before[0]} -> {after[0]} kB, "
        f"open files {before[1]} -> {after[1]}, threads {before[2]} -> {after[2]}"
    )


def main() -> int:
    """Run every check; the last line is the number of promises proved."""
    stills = int(sys.argv[1])
    camera = running()
    checks: list[tuple[str, Callable[[], str]]] = [
        ("burst", lambda: check_burst(camera)),
        ("freshness", lambda: check_fresh(camera)),
        ("hang in a burst", lambda: check_hang(camera)),
        ("silence between bursts", lambda: check_silence(camera)),
        ("restart", lambda: check_restart(camera)),
        ("no leak", lambda: check_leak(camera, stills)),
    ]
    proved = 0
    for name, check in checks:
        try:
            print(f"proved: {name}: {check()}", flush=True)
            proved += 1
        except (AssertionError, CameraError) as error:
            print(f"BROKEN: {name}: {error}", flush=True)
    camera.close()
    version = libcamera.CameraManager.singleton().version
    print(f"camera_virtual: {proved} of {len(checks)} promises proved on libcamera {version}")
    return 0 if proved == len(checks) else 1


sys.exit(main())
