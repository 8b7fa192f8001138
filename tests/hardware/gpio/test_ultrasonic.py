# SPDX-License-Identifier: Apache-2.0
"""The ultrasonic driver: distances from exact echoes, and failures of the sensor.

The echo is simulated on mock lines with a clock of their own, so nothing sleeps and nothing is
measured. The accuracy of a real sensor has to be measured on a board.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from plategate.errors import PinError
from plategate.hardware.gpio import ultrasonic
from plategate.hardware.gpio.ultrasonic import UltrasonicSensor, speed_of_sound
from plategate.settings.pins import UltrasonicPins
from tests.hardware.conftest import ClockPin, ManualClock, history

PINS = UltrasonicPins(trigger=23, echo=24)


class PingedPin(ClockPin):
    """The trigger line; when a ping ends, the echo line goes high for the time of flight."""

    flight_s: float | None = None

    def _set_state(self, value: bool) -> None:
        was = self._state
        super()._set_state(value)
        if was and not value and self.flight_s is not None:
            clock, echo = self.factory.manual_clock, self.factory.pin(PINS.echo)
            clock.now_s += 0.0005
            echo.drive_high()
            clock.now_s += self.flight_s
            echo.drive_low()


@pytest.fixture
def board(clock: ManualClock, factory: MockFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ultrasonic, "ANSWER_WITHIN_S", 0.001)
    factory.pin(PINS.trigger, pin_class=PingedPin)
    return factory


@pytest.fixture
def sensor(board: Any) -> UltrasonicSensor:
    return UltrasonicSensor(pins=PINS, factory=board, temperature_c=20)


@pytest.mark.parametrize("metres", [0.03, 0.5, 1.2, 3.99])
def test_ok__distance_from_time_of_flight(
    board: Any, sensor: UltrasonicSensor, metres: float
) -> None:
    board.pin(PINS.trigger).flight_s = 2 * metres / speed_of_sound(20)
    assert sensor.measure_m() == pytest.approx(metres, abs=1e-9)


def test_ok__temperature_is_used(board: Any) -> None:
    assert speed_of_sound(20) == pytest.approx(343.2, abs=0.1)
    assert speed_of_sound(-20) == pytest.approx(318.9, abs=0.2)


def test_ok__long_echo_means_nothing_in_range(board: Any, sensor: UltrasonicSensor) -> None:
    board.pin(PINS.trigger).flight_s = 0.038
    assert sensor.measure_m() == math.inf


def test_fail__missing_answer_is_none(board: Any, sensor: UltrasonicSensor) -> None:
    trigger = board.pin(PINS.trigger)
    trigger.flight_s = 0.004
    assert sensor.measure_m() is not None
    trigger.flight_s = None
    assert sensor.measure_m() is None


def test_fail__echo_stuck_high(board: Any, sensor: UltrasonicSensor) -> None:
    board.pin(PINS.echo).drive_high()
    with pytest.raises(PinError, match="echo line is high before the ping"):
        sensor.measure_m()


def test_fail__falling_edge_alone_is_ignored(board: Any, sensor: UltrasonicSensor) -> None:
    board.pin(PINS.echo)._call_when_changed()  # a level of low without a rise before it
    assert sensor.measure_m() is None


def test_ok__trigger_is_low_at_rest_and_at_exit(board: Any, sensor: UltrasonicSensor) -> None:
    board.pin(PINS.trigger).flight_s = 0.004
    sensor.measure_m()
    sensor.close()
    assert history(board.pin(PINS.trigger)) == [False, True, False]
