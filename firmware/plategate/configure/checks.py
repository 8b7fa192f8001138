# SPDX-License-Identifier: Apache-2.0
"""Try an answer on the hardware: claim a line, see a contact change, take a still, read a list.

Every check returns sentences for the installer; what fails is named and does not end the dialog.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from plategate.clock import SystemClock
from plategate.errors import GateError, PinError
from plategate.hardware.board import opened_factory, running_camera
from plategate.hardware.gpio.inputs import GpioInputs
from plategate.hardware.gpio.relay import Relay
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.gpio.ultrasonic import UltrasonicSensor
from plategate.health.socket import ask_status
from plategate.messages import InputName, Level
from plategate.settings import Settings
from plategate.settings.pins import PinsSettings

CHANGE_WITHIN_S = 15.0
MEASUREMENTS = 5

OpenPins = Callable[[PinsSettings], AbstractContextManager[Any]]


class HardwareChecks:
    """Checks with the real devices; `open_pins` opens the pin factory."""

    def __init__(
        self, open_pins: OpenPins = opened_factory, change_within_s: float = CHANGE_WITHIN_S
    ) -> None:
        self._open_pins = open_pins
        self._change_within_s = change_within_s

    def gate_runs(self, settings: Settings) -> bool:
        """Whether a gate runs, which has claimed lines and camera."""
        try:
            ask_status(settings.health.socket)
        except GateError:
            return False
        return True

    def claim(self, settings: Settings, name: str) -> str:
        """Claim the line of an output at its idle level and release it; raises PinError."""
        with self._output(settings, name):
            number = getattr(settings.pins, name).pin
            return f"GPIO {number} is free and rests at its idle level"

    def pulse(self, settings: Settings, name: str) -> None:
        """Switch an output on for the length of a pulse; raises PinError."""
        length_s = settings.barrier.pulse_ms / 1000
        with self._output(settings, name) as relay:
            relay.pulse(length_s)
            time.sleep(length_s + 0.05)

    @contextmanager
    def contact(self, settings: Settings, name: str) -> Iterator[WatchedContact]:
        """Watch one contact; raises PinError where its line cannot be claimed."""
        timer = TimerThread("debounce")
        try:
            with self._open_pins(settings.pins) as factory:
                inputs = GpioInputs(
                    pins=only(settings.pins, name),
                    factory=factory,
                    clock=SystemClock(),
                    call_later=timer.call_later,
                )
                try:
                    yield WatchedContact(inputs, InputName(name), self._change_within_s)
                finally:
                    inputs.close()
        finally:
            timer.close()

    def distance(self, settings: Settings) -> str:
        """Measure with the ultrasonic sensor; raises PinError where there is no echo."""
        pins = settings.pins.distance
        if pins is None:
            raise PinError("pins.distance is not set")
        with self._open_pins(settings.pins) as factory:
            sensor = UltrasonicSensor(
                pins=pins,
                factory=factory,
                temperature_c=settings.triggers.distance.temperature_c,
            )
            try:
                measured = [sensor.measure_m() for _ in range(MEASUREMENTS)]
            finally:
                sensor.close()
        found = sorted(metres for metres in measured if metres is not None)
        if not found:
            raise PinError("no echo: check trigger, echo with its divider, and 5 V")
        middle = found[len(found) // 2]
        return "nothing in range" if math.isinf(middle) else f"{middle:.2f} m to the nearest object"

    def camera(self, settings: Settings) -> str:
        """Take a still; raises CameraError."""
        with running_camera(settings.camera, settings.pins) as camera:
            for still in camera.burst(1, SystemClock().monotonic()):
                height, width = still.image.shape[:2]
                brightness = 100 * float(still.image.mean()) / 255
                return f"a still of {width} x {height} pixels, mean brightness {brightness:.0f} %"
        return "the camera delivers no still"

    def source(self, settings: Settings) -> tuple[bool, list[str]]:
        """Read every list source without changing anything: whether all are good, and sentences."""
        from plategate.access.sync.checks import SyncOptions
        from plategate.access.sync.sync import sync_lists
        from plategate.schedule.zone import site_zone

        zone = site_zone(settings.access.zone)
        options = SyncOptions(SystemClock().wall(), zone, "configure", dry_run=True)
        report = sync_lists(settings.sync, settings.access.file, options)
        lines = [f"{each.source}: {each.outcome}: {each.message}" for each in report.results]
        return report.all_well, [*lines, *report.failures]

    @contextmanager
    def _output(self, settings: Settings, name: str) -> Iterator[Relay]:
        timer = TimerThread("pulse-bound")
        try:
            with self._open_pins(settings.pins) as factory:
                relay = Relay(
                    name.removesuffix("_relay"),
                    getattr(settings.pins, name),
                    factory=factory,
                    call_later=timer.call_later,
                    longest_s=settings.barrier.longest_pulse_ms / 1000,
                )
                try:
                    yield relay
                finally:
                    relay.close()
        finally:
            timer.close()


class WatchedContact:
    """One contact that is being watched."""

    def __init__(self, inputs: GpioInputs, name: InputName, within_s: float) -> None:
        self._name = name
        self._within_s = within_s
        self._level = Level.UNKNOWN
        self._changed = threading.Condition()
        inputs.start(self._note)
        # A contact reads unknown until it has been steady for its debounce time.
        self.wait_for(Level.ACTIVE, Level.INACTIVE)
        self.at_start = self._level

    def wait_for(self, *levels: Level) -> bool:
        """Whether the contact gets one of these levels in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._level in levels, self._within_s)

    def changes(self) -> bool:
        """Whether the contact leaves its first level in time, and returns to it."""
        other = Level.INACTIVE if self.at_start is Level.ACTIVE else Level.ACTIVE
        return self.wait_for(other) and self.wait_for(self.at_start)

    def _note(self, name: InputName, level: Level, at_s: float) -> None:
        del at_s
        if name is self._name:
            with self._changed:
                self._level = level
                self._changed.notify_all()


def only(pins: PinsSettings, name: str) -> PinsSettings:
    """The same board with one device."""
    general = ("backend", "chip", "resync_ms", "flutter_ms", name)
    return PinsSettings(**{key: getattr(pins, key) for key in general})
