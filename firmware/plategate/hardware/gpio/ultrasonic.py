# SPDX-License-Identifier: Apache-2.0
"""One measurement of an HC-SR04 (setting: [pins.distance]): a ping out, metres or nothing back.

The trigger line rests low, at exit as well. Judging measurements is the job of `distance`.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.settings.pins import UltrasonicPins

PING_S = 12e-6
# The sensor raises echo within 1 ms and gives up after 38 ms (some copies: 200 ms).
ANSWER_WITHIN_S = 0.25
NOTHING_IN_RANGE_S = 0.030


def speed_of_sound(temperature_c: float) -> float:
    """Metres per second in dry air; a degree is worth 0.18 % of the distance."""
    return 331.3 * math.sqrt(1 + temperature_c / 273.15)


class UltrasonicSensor:
    """Fills the DistanceSensor socket: `inf` where the sensor itself found nothing in range."""

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
                self._echo.pin.when_changed = self._heard
        except PinError:
            self._trigger.close()
            raise

    def measure_m(self) -> float | None:
        """Metres, `inf` for nothing in range, None for no answer; PinError when echo hangs high."""
        with pin_errors("ultrasonic sensor"):
            if self._echo.pin.state:
                raise PinError("ultrasonic sensor: echo stays high before any ping")
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
        """Trigger low, then let go of both lines."""
        with pin_errors("ultrasonic sensor"):
            if not self._trigger.closed:
                self._trigger.off()
            self._trigger.close()
            self._echo.close()

    def _heard(self, at_s: float, high: int) -> None:
        if high:
            self._rise_s = at_s
        elif self._rise_s is not None:
            self._flight_s = at_s - self._rise_s
            self._answered.set()
