# SPDX-License-Identifier: Apache-2.0
"""Every signal is recognisable on a single lamp, and a failing lamp affects nothing else."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from plategate.clock import SystemClock
from plategate.hardware.gpio.lamps import GpioLamps
from plategate.hardware.gpio.rhythms import (
    Colour,
    LampState,
    Rhythm,
    code_rhythm,
    output_at,
    rhythm_of,
)
from plategate.messages import FaultCode, Signal
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import PinsSettings
from tests.hardware.conftest import history

LAMPS_PAGE = Path(__file__).parents[3] / "docs" / "owner" / "lamps.md"
SHOWN = [(s, 0) for s in Signal if s is not Signal.FAULT] + [
    (Signal.FAULT, code.blinks) for code in FaultCode
]
PINS = {"red": {"pin": 20}, "green": {"pin": 21}, "blue": {"pin": 16}, "buzzer": {"pin": 12}}


def lit_pattern(rhythm: Rhythm) -> tuple[bool, ...]:
    """Twelve seconds of a single lamp, sampled every 25 ms."""
    return tuple(output_at(rhythm, step * 0.025 + 0.001).lit for step in range(480))


def test_ok__every_signal_has_a_rhythm() -> None:
    for signal, blinks in SHOWN:
        assert rhythm_of(signal, blinks).colour in Colour


def test_ok__every_signal_has_a_distinct_rhythm() -> None:
    patterns: dict[object, tuple[bool, ...]]
    patterns = {shown: lit_pattern(rhythm_of(*shown)) for shown in SHOWN}
    patterns |= {code: lit_pattern(code_rhythm(code)) for code in ("00000000", "11111111")}
    for one, other in itertools.combinations(patterns, 2):
        differing = sum(a != b for a, b in zip(patterns[one], patterns[other], strict=True))
        assert differing >= 12, f"{one} looks like {other}"


@pytest.mark.parametrize("code", list(FaultCode))
def test_ok__fault_blinks_as_often_as_its_code(code: FaultCode) -> None:
    rhythm = rhythm_of(Signal.FAULT, code.blinks)
    period = [
        output_at(rhythm, step * 0.01 + 0.001).lit for step in range(round(rhythm.period_s * 100))
    ]
    assert sum(lit for lit, _ in itertools.groupby(period)) == code.blinks


def test_ok__beeps_are_counted_and_stop() -> None:
    rhythm = rhythm_of(Signal.REFUSED)
    heard = [output_at(rhythm, step * 0.01 + 0.001).beep for step in range(300)]
    assert sum(beep for beep, _ in itertools.groupby(heard)) == 2
    assert not output_at(rhythm, 0.0, beeps=False).beep
    assert output_at(rhythm_of(Signal.GRANTED), 5.0) == LampState(lit=True, beep=False, for_s=None)


@pytest.mark.parametrize(("signal", "blinks"), SHOWN)
def test_ok__next_change_is_never_missed(signal: Signal, blinks: int) -> None:
    rhythm, since_s = rhythm_of(signal, blinks), 0.0
    for _ in range(40):
        shown = output_at(rhythm, since_s)
        if shown.for_s is None:
            return
        assert shown.for_s > 0
        half_way = output_at(rhythm, since_s + shown.for_s / 2)
        assert (half_way.lit, half_way.beep) == (shown.lit, shown.beep)
        since_s += shown.for_s + 1e-9


def test_ok__docs_page_names_every_signal_and_fault() -> None:
    page = LAMPS_PAGE.read_text(encoding="utf-8")
    for signal, _ in SHOWN:
        assert f"`{signal}`" in page, signal
    for code in FaultCode:
        assert f"| {code.blinks} | `{code}` |" in page, code


class WatchedPins:
    """Lets a test wait until a line is high."""

    def __init__(self, factory: Any) -> None:
        self.changed = threading.Condition()
        self.factory = factory

    def watch(self, number: int) -> None:
        pin = self.factory.pin(number)
        change = pin._change_state

        def noted(value: bool) -> bool:
            with self.changed:
                self.changed.notify_all()
                return bool(change(value))

        pin._change_state = noted

    def wait_high(self, number: int) -> None:
        pin = self.factory.pin(number)
        with self.changed:
            assert self.changed.wait_for(lambda: pin.state, timeout=60)


def lamps(factory: Any, pins: dict[str, Any], **settings: Any) -> GpioLamps:
    return GpioLamps(
        pins=PinsSettings.model_validate(pins),
        settings=LampsSettings.model_validate(settings),
        factory=factory,
        clock=SystemClock(),
    )


def test_ok__granted_is_green_and_dark_after_close(factory: Any) -> None:
    watched = WatchedPins(factory)
    shown = lamps(factory, PINS)
    for number in (20, 21, 16, 12):
        watched.watch(number)
    shown.show(Signal.GRANTED)
    watched.wait_high(21)
    shown.close()
    assert history(factory.pin(21)) == [False, True, False]
    assert history(factory.pin(20)) == [False]
    assert history(factory.pin(16)) == [False]
    assert not factory.pin(12).state


def test_ok__blue_is_green_where_there_is_no_blue_lamp(factory: Any) -> None:
    watched = WatchedPins(factory)
    shown = lamps(factory, {"red": {"pin": 20}, "green": {"pin": 21}})
    watched.watch(21)
    shown.show(Signal.STARTING)
    watched.wait_high(21)
    shown.close()
    assert history(factory.pin(20)) == [False]


def test_ok__single_lamp_active_low(factory: Any) -> None:
    factory.pin(4).drive_high()
    factory.pin(4).clear_states()
    shown = lamps(factory, {"lamp": {"pin": 4, "active_high": False}})
    shown.close()
    assert history(factory.pin(4)) == [True]


def test_ok__dark_when_ready_is_dark_only_then(factory: Any) -> None:
    watched = WatchedPins(factory)
    shown = lamps(factory, PINS, dark_when_ready=True)
    watched.watch(21)
    watched.watch(20)
    shown.show(Signal.READY)
    shown.show(Signal.REFUSED)
    watched.wait_high(20)
    shown.close()
    assert history(factory.pin(21)) == [False]


def test_ok__nothing_wired_shows_nothing(factory: Any) -> None:
    shown = lamps(factory, {})
    shown.show(Signal.FIRE)
    shown.close()


def test_fail__broken_lamp_is_logged_once_and_affects_nothing_else(
    factory: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)
    shown = lamps(factory, PINS)

    def fail(value: bool) -> None:
        tried.release()
        raise OSError("No such device")

    with monkeypatch.context() as patch:
        patch.setattr(factory.pin(20), "_set_state", fail)
        shown.show(Signal.READING)
        assert all(tried.acquire(timeout=60) for _ in range(3))
        shown.close()
    assert [r.message for r in caplog.records] == ["lamps cannot be driven: lamp: No such device"]
