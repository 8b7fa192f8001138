# SPDX-License-Identifier: Apache-2.0
"""Stray echoes, rain, ice and a dead sensor are never taken for a vehicle."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.errors import PinError
from plategate.hardware.gpio.ultrasonic import DistanceFilter
from plategate.hardware.polling import DistanceInput, PolledInput
from plategate.messages import InputName, Level
from plategate.settings.triggers import DistanceSettings
from tests.hardware.conftest import ManualClock

SETTINGS = DistanceSettings(near_m=1.0, far_m=1.3, echoes=5, lost_after=10)


def fed(*metres: float | None, settings: DistanceSettings = SETTINGS) -> DistanceFilter:
    echoes = DistanceFilter(settings)
    for each in metres:
        echoes.feed(each)
    return echoes


def test_ok__unknown_until_enough_echoes() -> None:
    assert fed(*[0.5] * 4).level is Level.UNKNOWN
    assert fed(*[0.5] * 5).level is Level.ACTIVE
    assert fed(*[3.0] * 5).level is Level.INACTIVE


def test_ok__nothing_in_range_is_inactive() -> None:
    assert fed(*[math.inf] * 5).level is Level.INACTIVE


def test_ok__stray_echoes_do_not_trigger() -> None:
    echoes = fed(*[3.0] * 5)
    assert {echoes.feed(m) for m in [0.3, 3.0, 0.3, 3.0, 3.0, 0.4, 3.0]} == {Level.INACTIVE}


def test_ok__hysteresis_holds_a_swaying_bumper() -> None:
    echoes = fed(*[0.9] * 5)
    assert {echoes.feed(m) for m in [1.05, 1.2, 1.1, 1.29, 1.15] * 4} == {Level.ACTIVE}
    assert [echoes.feed(1.4) for _ in range(5)][-1] is Level.INACTIVE
    assert {echoes.feed(m) for m in [1.2, 1.1, 1.05] * 4} == {Level.INACTIVE}


def test_fail__missing_echoes_are_unknown_only_after_the_limit() -> None:
    echoes = fed(*[0.5] * 5)
    assert [echoes.feed(None) for _ in range(9)][-1] is Level.ACTIVE
    assert echoes.feed(None) is Level.UNKNOWN
    assert echoes.fault is not None
    assert "no answer" in echoes.fault
    assert [echoes.feed(3.0) for _ in range(5)][-1] is Level.INACTIVE
    assert echoes.fault is None


def test_fail__covered_sensor_is_unknown_and_never_a_vehicle() -> None:
    echoes = fed(*[3.0] * 5)
    levels = [echoes.feed(0.02) for _ in range(30)]
    assert Level.ACTIVE not in levels
    assert levels[-1] is Level.UNKNOWN
    assert "dirt" in (echoes.fault or "")


def test_fail__frozen_sensor_if_enabled() -> None:
    settings = SETTINGS.model_copy(update={"frozen_after": 20})
    assert fed(*[0.5] * 100).level is Level.ACTIVE
    assert fed(*[0.5] * 21, settings=settings).level is Level.UNKNOWN
    assert fed(*[0.5, 0.501] * 50, settings=settings).level is Level.ACTIVE
    assert fed(*[math.inf] * 100, settings=settings).level is Level.INACTIVE


METRES = st.floats(0.0, 5.0, allow_subnormal=False)


@given(st.lists(st.one_of(st.none(), st.just(math.inf), METRES), max_size=100))
def test_ok__active_implies_a_near_median(metres: list[float | None]) -> None:
    echoes = DistanceFilter(SETTINGS)
    for each in metres:
        level = echoes.feed(each)
        if level is Level.ACTIVE:
            assert echoes.metres is not None
            assert echoes.metres <= SETTINGS.far_m


class BrokenSensor:
    def __init__(self) -> None:
        self.broken = True
        self.closed = False

    def measure_m(self) -> float | None:
        if self.broken:
            raise PinError("ultrasonic sensor: echo stays high before any ping")
        return 0.5

    def close(self) -> None:
        self.closed = True


def test_fail__sensor_that_raises_is_unknown_and_logged_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sensor, seen = BrokenSensor(), []
    watch = DistanceInput(sensor, DistanceFilter(SETTINGS), every_s=0.1, clock=clock)
    for _ in range(20):
        watch.poll(lambda *change: seen.append(change))
    assert seen == []
    assert watch.fault is not None
    assert len(caplog.records) == 1
    sensor.broken = False
    for _ in range(5):
        watch.poll(lambda *change: seen.append(change))
    assert seen == [(InputName.DISTANCE, Level.ACTIVE, clock.now_s)]
    assert caplog.records[-1].message == "distance: works again"
    assert watch.metres == 0.5
    watch.close()
    assert sensor.closed


def test_fail__sensor_that_fails_unexpectedly_is_unknown_and_logged_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    levels, seen = iter([Level.ACTIVE]), []
    watch = PolledInput(InputName.MOTION, lambda: (next(levels), None), every_s=0.1, clock=clock)
    for _ in range(20):
        watch.poll(lambda *change: seen.append(change[1]))
    assert seen == [Level.ACTIVE, Level.UNKNOWN]
    assert caplog.text.count("Traceback") == 1
    assert "StopIteration" in (watch.fault or "")
