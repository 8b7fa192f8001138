# SPDX-License-Identifier: Apache-2.0
"""Open what the settings say is wired: inputs, relays, lamps and the camera of one lane.

Decides nothing and starts nothing; whoever asked for a board closes it. Tools that must not move
anything open only the part that they need.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any

from plategate.clock import Clock
from plategate.hardware.camera.folder import FileCamera
from plategate.hardware.camera.motion import MotionDetector
from plategate.hardware.camera.picamera2 import PiCamera
from plategate.hardware.camera.v4l2 import V4l2Camera
from plategate.hardware.gpio.distance import DistanceFilter
from plategate.hardware.gpio.drive import GpioDrive
from plategate.hardware.gpio.factory import open_factory
from plategate.hardware.gpio.inputs import GpioInputs
from plategate.hardware.gpio.ir_lamp import IrLamp
from plategate.hardware.gpio.lamps import GpioLamps
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.gpio.ultrasonic import UltrasonicSensor
from plategate.hardware.interfaces import BarrierDrive, CallLater, Camera, Inputs, Lamps
from plategate.hardware.polling import DistanceWatch, watch_motion
from plategate.settings.camera import CameraSettings
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import PinsSettings
from plategate.settings.triggers import TriggersSettings

AnyCamera = PiCamera | V4l2Camera | FileCamera


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that is wired. `close` lets go of the lines after their users were closed."""

    camera: Camera
    inputs: tuple[Inputs, ...]
    drive: BarrierDrive
    lamps: Lamps
    ending: contextlib.ExitStack

    def metres(self) -> str | float | None:
        """The median distance; None where it is not known, words where nothing is in range."""
        found = [each.metres for each in self.inputs if isinstance(each, DistanceWatch)]
        if not found or found[0] is None:
            return None
        return round(found[0], 2) if found[0] < math.inf else "nothing in range"

    def close(self) -> None:
        """Relays off first, then everything else; may be called twice."""
        self.drive.shut_down()
        self.ending.close()


def open_board(
    *,
    pins: PinsSettings,
    triggers: TriggersSettings,
    lamps: LampsSettings,
    camera: CameraSettings,
    clock: Clock,
    longest_pulse_s: float,
) -> Board:
    """Claim every line, relays first; PinError names the one that cannot be had."""
    with contextlib.ExitStack() as stack:
        factory = open_factory(pins)
        stack.callback(factory.close)
        timer = TimerThread("debounce")
        stack.callback(timer.close)
        drive = GpioDrive(pins=pins, factory=factory, longest_pulse_s=longest_pulse_s)
        stack.callback(drive.shut_down)
        shown = GpioLamps(pins=pins, settings=lamps, factory=factory, clock=clock)
        stack.callback(shown.close)
        eye = open_camera(
            camera,
            clock=clock,
            ir_lamp=open_ir_lamp(pins, factory, clock, stack),
            look_every_s=triggers.motion.every_ms / 1000 if triggers.motion.enabled else 1.0,
        )
        stack.callback(eye.close)
        inputs = open_inputs(
            pins=pins,
            triggers=triggers,
            factory=factory,
            clock=clock,
            call_later=timer.call_later,
            camera=eye,
        )
        for each in inputs:
            stack.callback(each.close)
        return Board(eye, inputs, drive, shown, stack.pop_all())


def open_inputs(
    *,
    pins: PinsSettings,
    triggers: TriggersSettings,
    factory: Any,
    clock: Clock,
    call_later: CallLater,
    camera: AnyCamera | None = None,
) -> tuple[Inputs, ...]:
    """The contacts, the distance sensor and motion, as far as they are wired and asked for."""
    found: list[Inputs] = [
        GpioInputs(pins=pins, factory=factory, clock=clock, call_later=call_later)
    ]
    if pins.distance is not None:
        settings = triggers.distance
        sensor = UltrasonicSensor(
            pins=pins.distance, factory=factory, temperature_c=settings.temperature_c
        )
        every_s = settings.every_ms / 1000
        found.append(DistanceWatch(sensor, DistanceFilter(settings), every_s=every_s, clock=clock))
    # Files do not move; settings that ask for it are refused before anything is opened.
    if triggers.motion.enabled and isinstance(camera, PiCamera | V4l2Camera):
        found.append(
            watch_motion(
                lambda: camera.small,
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
    look_every_s: float = 1.0,
) -> AnyCamera:
    """The camera that the settings name, not started."""
    match settings.kind:
        case "picamera2":
            return PiCamera(
                settings=settings, clock=clock, ir_lamp=ir_lamp, look_every_s=look_every_s
            )
        case "v4l2":
            return V4l2Camera(settings=settings, clock=clock)
        case "video" | "folder":
            return FileCamera(settings=settings, clock=clock)


def open_ir_lamp(
    pins: PinsSettings, factory: Any, clock: Clock, stack: contextlib.ExitStack
) -> IrLamp | None:
    """The IR lamp where one is wired; `stack` closes it and the timer that bounds it."""
    if pins.ir_lamp is None:
        return None
    timer = TimerThread("ir-lamp-bound")
    stack.callback(timer.close)
    lamp = IrLamp(pins.ir_lamp, factory=factory, clock=clock, call_later=timer.call_later)
    stack.callback(lamp.close)
    return lamp
