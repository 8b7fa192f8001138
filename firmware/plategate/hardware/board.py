# SPDX-License-Identifier: Apache-2.0
"""Opens the wired devices of one lane: inputs, relays, lamps and camera.

Starts nothing; the caller closes what it opens. Commands for the installer open single devices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.clock import Clock, SystemClock
from plategate.hardware.camera.base import CameraDriver
from plategate.hardware.camera.files import FileCamera
from plategate.hardware.camera.motion import MotionDetector
from plategate.hardware.camera.picamera2 import PiCamera
from plategate.hardware.camera.v4l2 import V4l2Camera
from plategate.hardware.ending import orderly_end
from plategate.hardware.gpio.factory import open_factory
from plategate.hardware.gpio.inputs import GpioInputs
from plategate.hardware.gpio.lamps import FullSign, GpioLamps, code_in
from plategate.hardware.gpio.relay import GpioDrive, IrLamp
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.gpio.ultrasonic import DistanceFilter, UltrasonicSensor
from plategate.hardware.interfaces import BarrierDrive, CallLater, Camera, Inputs, Lamps
from plategate.hardware.polling import DistanceInput, motion_input
from plategate.settings.camera import CameraSettings
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import PinsSettings
from plategate.settings.triggers import TriggersSettings


@dataclass(frozen=True, slots=True)
class Board:
    """All wired devices. `close` releases the lines after their users were closed."""

    camera: Camera
    inputs: tuple[Inputs, ...]
    drive: BarrierDrive
    lamps: Lamps
    sign: FullSign | None
    closing: ExitStack

    def metres(self) -> str | float | None:
        """The median distance, "nothing in range", or None if it is not known."""
        found = [each.metres for each in self.inputs if isinstance(each, DistanceInput)]
        if not found or found[0] is None:
            return None
        return round(found[0], 2) if found[0] < math.inf else "nothing in range"

    def frame_age_s(self) -> float | None:
        """Seconds since the camera's newest frame; None where it is not known."""
        camera = self.camera
        return camera.frame_age_s() if isinstance(camera, CameraDriver) else None

    def close(self) -> None:
        """Switch the relays off, then close everything; may be called twice."""
        self.drive.shut_down()
        self.closing.close()


def open_board(
    *,
    pins: PinsSettings,
    triggers: TriggersSettings,
    lamps: LampsSettings,
    camera: CameraSettings,
    clock: Clock,
    longest_pulse_s: float,
    lamp_file: Path,
) -> Board:
    """Claim every line, relays first; PinError names a line that cannot be claimed.

    `lamp_file` holds the one-time code of the console while the lamp may show it.
    """
    with ExitStack() as stack:
        factory = open_factory(pins)
        stack.callback(factory.close)
        timer = TimerThread("debounce")
        stack.callback(timer.close)
        drive = GpioDrive(pins=pins, factory=factory, longest_pulse_s=longest_pulse_s)
        stack.callback(drive.shut_down)
        lamp_driver = GpioLamps(
            pins=pins,
            settings=lamps,
            factory=factory,
            clock=clock,
            code=lambda: code_in(lamp_file),
        )
        stack.callback(lamp_driver.close)
        sign = None if pins.full_sign is None else FullSign(pins.full_sign, factory=factory)
        if sign is not None:
            stack.callback(sign.close)
        camera_driver = open_camera(
            camera,
            clock=clock,
            ir_lamp=open_ir_lamp(pins, factory, clock, stack),
            sample_every_s=triggers.motion.every_ms / 1000 if triggers.motion.enabled else 1.0,
        )
        stack.callback(camera_driver.close)
        inputs = open_inputs(
            pins=pins,
            triggers=triggers,
            factory=factory,
            clock=clock,
            call_later=timer.call_later,
            camera=camera_driver,
        )
        for each in inputs:
            stack.callback(each.close)
        return Board(camera_driver, inputs, drive, lamp_driver, sign, stack.pop_all())


def open_inputs(
    *,
    pins: PinsSettings,
    triggers: TriggersSettings,
    factory: Any,
    clock: Clock,
    call_later: CallLater,
    camera: CameraDriver | None = None,
) -> tuple[Inputs, ...]:
    """The contacts, the distance sensor and motion, as far as the settings name them."""
    found: list[Inputs] = [
        GpioInputs(pins=pins, factory=factory, clock=clock, call_later=call_later)
    ]
    if pins.distance is not None:
        settings = triggers.distance
        sensor = UltrasonicSensor(
            pins=pins.distance, factory=factory, temperature_c=settings.temperature_c
        )
        every_s = settings.every_ms / 1000
        found.append(DistanceInput(sensor, DistanceFilter(settings), every_s=every_s, clock=clock))
    # Settings that combine motion with camera files are refused before the board is opened.
    if triggers.motion.enabled and camera is not None and not isinstance(camera, FileCamera):
        found.append(
            motion_input(
                lambda: camera.grey_frame,
                MotionDetector(triggers.motion),
                every_s=triggers.motion.every_ms / 1000,
                clock=clock,
            )
        )
    return tuple(found)


def open_camera(
    settings: CameraSettings,
    *,
    clock: Clock,
    ir_lamp: IrLamp | None = None,
    sample_every_s: float = 1.0,
) -> CameraDriver:
    """The driver for camera.kind, not started."""
    match settings.kind:
        case "picamera2":
            return PiCamera(
                settings=settings, clock=clock, ir_lamp=ir_lamp, sample_every_s=sample_every_s
            )
        case "v4l2":
            return V4l2Camera(settings=settings, clock=clock)
        case "video" | "folder":
            return FileCamera(settings=settings, clock=clock)


def open_ir_lamp(pins: PinsSettings, factory: Any, clock: Clock, stack: ExitStack) -> IrLamp | None:
    """The IR lamp if one is wired; `stack` closes it and the timer that limits it."""
    if pins.ir_lamp is None:
        return None
    timer = TimerThread("ir-lamp-bound")
    stack.callback(timer.close)
    lamp = IrLamp(pins.ir_lamp, factory=factory, clock=clock, call_later=timer.call_later)
    stack.callback(lamp.close)
    return lamp


@contextmanager
def opened_factory(pins: PinsSettings) -> Iterator[Any]:
    """The pin factory alone, for a command that uses single lines.

    However the command ends (SIGKILL aside), every line is released at its idle level.
    """
    with orderly_end() as end:
        factory = open_factory(pins)
        try:
            yield factory
        finally:
            end.ignore()
            factory.close()


@contextmanager
def running_camera(camera: CameraSettings, pins: PinsSettings) -> Iterator[CameraDriver]:
    """The camera alone, started, with its IR lamp if one is wired."""
    clock = SystemClock()
    with ExitStack() as stack:
        lamp = None
        if pins.ir_lamp is not None:
            factory = stack.enter_context(opened_factory(pins))
            lamp = open_ir_lamp(pins, factory, clock, stack)
        driver = open_camera(camera, clock=clock, ir_lamp=lamp)
        stack.callback(driver.close)
        driver.start()
        yield driver
