# SPDX-License-Identifier: Apache-2.0
"""Driver and filter of an HC-SR04 ultrasonic sensor (settings: pins.distance, triggers.distance).

The trigger line is low at rest and at exit.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from statistics import median
from typing import Any

from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.messages import Level
from plategate.settings.pins import UltrasonicPins
from plategate.settings.triggers import DistanceSettings

PING_S = 12e-6
# The sensor raises echo within 1 ms and gives up after 38 ms (some clones: 200 ms).
ANSWER_WITHIN_S = 0.25
NOTHING_IN_RANGE_S = 0.030


def speed_of_sound(temperature_c: float) -> float:
    """Metres per second in dry air; one degree changes a distance by 0.18 %."""
    return 331.3 * math.sqrt(1 + temperature_c / 273.15)


class UltrasonicSensor:
    """Implements `interfaces.DistanceSensor`."""

    def __init__(self, *, pins: UltrasonicPins, factory: Any, temperature_c: float) -> None:
        from gpiozero import InputDevice, OutputDevice

        self._metres_per_s = speed_of_sound(temperature_c) / 2
        self._answered = threading.Event()
        self._rise_s: float | None = None
        self._flight_s: float | None = None
        with pin_errors(f"ultrasonic trigger on GPIO {pins.trigger}"):
            self._trigger = OutputDevice(pins.trigger, initial_value=False, pin_factory=factory)
        try:
            with pin_errors(f"ultrasonic echo on GPIO {pins.echo}"):
                self._echo = InputDevice(pins.echo, pull_up=False, pin_factory=factory)
                self._echo.pin.edges = "both"
                self._echo.pin.when_changed = self._echo_changed
        except PinError:
            self._trigger.close()
            raise

    def measure_m(self) -> float | None:
        """Metres, `inf` if nothing is in range, None without an answer.

        Raises PinError when the echo line is stuck high.
        """
        with pin_errors("ultrasonic sensor"):
            if self._echo.pin.state:
                raise PinError("ultrasonic sensor: the echo line is high before the ping")
            self._rise_s = self._flight_s = None
            self._answered.clear()
            self._trigger.on()
            time.sleep(PING_S)
            self._trigger.off()
        self._answered.wait(ANSWER_WITHIN_S)
        if self._flight_s is None:
            return None
        if self._flight_s > NOTHING_IN_RANGE_S:
            return math.inf
        return self._flight_s * self._metres_per_s

    def close(self) -> None:
        """Set the trigger line low, then release both lines."""
        with pin_errors("ultrasonic sensor"):
            if not self._trigger.closed:
                self._trigger.off()
            self._trigger.close()
            self._echo.close()

    def _echo_changed(self, at_s: float, high: int) -> None:
        if high:
            self._rise_s = at_s
        elif self._rise_s is not None:
            self._flight_s = at_s - self._rise_s
            self._answered.set()


class DistanceFilter:
    """Median filter with two thresholds: measurements in, a level and a fault out. Pure.

    The median of several echoes and the hysteresis keep out rain and a swaying bumper. A silent,
    covered or frozen sensor is UNKNOWN with a reason. It may trigger; it is never a safety input.
    """

    def __init__(self, settings: DistanceSettings) -> None:
        self._settings = settings
        self._recent: deque[float] = deque(maxlen=settings.echoes)
        self._silent = 0
        self._covered = 0
        self._repeats = 0
        self._last: float | None = None
        self.level = Level.UNKNOWN
        self.fault: str | None = None

    @property
    def metres(self) -> float | None:
        """The median of the last echoes; `inf` if nothing is in range, None at the beginning."""
        if len(self._recent) < self._settings.echoes:
            return None
        return median(self._recent)

    def feed(self, metres: float | None) -> Level:
        """Add a measurement (None: no answer, `inf`: nothing in range) and return the level."""
        self._count(metres)
        if metres is not None and metres >= self._settings.closest_m:
            self._recent.append(metres)
        self.fault = self._find_fault()
        if self.fault is not None:
            self._recent.clear()
            self.level = Level.UNKNOWN
        elif (distance_m := self.metres) is not None:
            self._update_level(distance_m)
        return self.level

    def fail(self, reason: str) -> Level:
        """Note that the measurement itself failed: the level becomes UNKNOWN with `reason`."""
        self._recent.clear()
        self.fault, self.level = reason, Level.UNKNOWN
        return self.level

    def _count(self, metres: float | None) -> None:
        self._silent = self._silent + 1 if metres is None else 0
        if metres is None:
            return
        self._covered = self._covered + 1 if metres < self._settings.closest_m else 0
        alike = metres == self._last and math.isfinite(metres)
        self._repeats = self._repeats + 1 if alike else 0
        self._last = metres

    def _find_fault(self) -> str | None:
        limits = self._settings
        if self._silent >= limits.lost_after:
            return "no answer: sensor unplugged, without power, or its echo wire is broken"
        if self._covered >= limits.lost_after:
            return f"always nearer than {limits.closest_m} m: dirt, ice or water on the sensor"
        if limits.frozen_after and self._repeats >= limits.frozen_after:
            return "exactly the same distance every time: the sensor is frozen"
        return None

    def _update_level(self, distance_m: float) -> None:
        if distance_m < self._settings.near_m:
            self.level = Level.ACTIVE
        elif distance_m > self._settings.far_m or self.level is Level.UNKNOWN:
            self.level = Level.INACTIVE
