# SPDX-License-Identifier: Apache-2.0
"""Relays: none moves without a command, none stays on, OPEN and CLOSE are never on together.

Compares the whole history of every line. Uses gpiozero's mock lines; the kernel's lines are
recorded by scripts/emulation/gpio_machine.
"""

from __future__ import annotations

from typing import Any

import pytest

from plategate.errors import PinError
from plategate.hardware.gpio.relay import GpioDrive
from plategate.settings.pins import PinsSettings
from tests.hardware.conftest import ManualClock, history

OPEN, CLOSE = 17, 27


def drive(clock: ManualClock, factory: Any, **relays: Any) -> GpioDrive:
    wiring = relays or {"open_relay": {"pin": OPEN}, "close_relay": {"pin": CLOSE}}
    return GpioDrive(
        pins=PinsSettings.model_validate(wiring),
        factory=factory,
        longest_pulse_s=2.0,
        call_later=clock.call_later,
    )


def test_ok__creating_and_shutting_down_causes_no_edge(clock: ManualClock, factory: Any) -> None:
    barrier = drive(clock, factory)
    clock.advance(60)
    barrier.shut_down()
    assert history(factory.pin(OPEN)) == [False]
    assert history(factory.pin(CLOSE)) == [False]


def test_ok__active_low_relay_is_high_at_rest_and_low_in_a_pulse(
    clock: ManualClock, factory: Any
) -> None:
    line = factory.pin(4)
    line.drive_high()  # the board's pull-up
    line.clear_states()
    barrier = drive(clock, factory, open_relay={"pin": 4, "active_high": False})
    barrier.open(0.5)
    clock.advance(1)
    barrier.off()
    assert history(line) == [True, False, True]


def test_ok__pulse_has_the_requested_length(clock: ManualClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(0.5)
    clock.advance(0.49)
    assert line.state
    clock.advance(0.02)
    barrier.shut_down()
    assert history(line) == [False, True, False]


def test_ok__pulse_length_is_limited(clock: ManualClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(3600)
    clock.advance(2.01)
    assert history(line) == [False, True, False]


def test_ok__second_pulse_does_not_prolong_the_first(clock: ManualClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    clock.advance(0.9)
    barrier.open(1.0)
    clock.advance(0.2)
    assert history(line) == [False, True, False]


def test_ok__hold_outlasts_a_pulse_and_ends_on_release(clock: ManualClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(0.5)
    barrier.hold()
    clock.advance(3600)
    assert line.state
    barrier.release()
    assert history(line) == [False, True, False]


def test_ok__release_does_not_cut_a_pulse_short(clock: ManualClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.hold()
    barrier.open(0.5)
    barrier.release()
    assert line.state
    clock.advance(0.51)
    assert history(line) == [False, True, False]


def test_ok__off_ends_everything_and_the_next_pulse_has_full_length(
    clock: ManualClock, factory: Any
) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    clock.advance(0.5)
    barrier.off()
    barrier.open(1.0)
    clock.advance(0.9)
    assert line.state
    clock.advance(0.2)
    assert history(line) == [False, True, False, True, False]


@pytest.mark.parametrize("how", ["open", "hold"])
def test_ok__open_ends_a_close_pulse_first(clock: ManualClock, factory: Any, how: str) -> None:
    barrier = drive(clock, factory)
    order: list[tuple[int, bool]] = []
    for number in (OPEN, CLOSE):
        line = factory.pin(number)
        line._change_state = _noting(line._change_state, number, order)
    barrier.close(1.0)
    barrier.open(1.0) if how == "open" else barrier.hold()
    assert order == [(CLOSE, True), (CLOSE, False), (OPEN, True)]


def test_fail__close_is_rejected_while_open_is_on(clock: ManualClock, factory: Any) -> None:
    barrier = drive(clock, factory)
    barrier.open(1.0)
    with pytest.raises(PinError, match="OPEN relay is on"):
        barrier.close(1.0)
    assert history(factory.pin(CLOSE)) == [False]


def test_fail__close_without_a_close_relay(clock: ManualClock, factory: Any) -> None:
    barrier = drive(clock, factory, open_relay={"pin": OPEN})
    with pytest.raises(PinError, match=r"pins\.close_relay is not set"):
        barrier.close(1.0)


def test_fail__no_open_relay(clock: ManualClock, factory: Any) -> None:
    with pytest.raises(PinError, match=r"pins\.open_relay is not set"):
        drive(clock, factory, close_relay={"pin": CLOSE})


def test_fail__line_that_fails_raises_and_leaves_no_timer(
    clock: ManualClock, factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)

    def fail(value: bool) -> None:
        raise OSError("No such device")

    with monkeypatch.context() as patch:
        patch.setattr(line, "_set_state", fail)
        with pytest.raises(PinError, match="open relay: No such device"):
            barrier.open(1.0)
        barrier.off()
    barrier.open(0.5)
    clock.advance(0.6)
    assert history(line) == [False, True, False]


def test_ok__shut_down_in_mid_pulse_switches_off_before_releasing(
    clock: ManualClock, factory: Any
) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    barrier.shut_down()
    barrier.shut_down()
    assert history(line) == [False, True, False]
    assert line.function == "input"


@pytest.mark.parametrize("error", [OSError("No such device"), KeyError("a bug of the library")])
def test_fail__switching_off_never_raises_and_is_tried_for_every_relay(
    clock: ManualClock, factory: Any, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, error: Exception,
) -> None:  # fmt: skip
    barrier = drive(clock, factory, open_relay={"pin": OPEN}, close_relay={"pin": CLOSE})
    barrier.close(1.0)

    def fail(value: bool) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(factory.pin(OPEN), "_set_state", fail)
        barrier.off()
        clock.advance(5)
    assert not factory.pin(CLOSE).state
    assert "the open relay cannot be switched off" in caplog.text


def _noting(change: Any, number: int, order: list[tuple[int, bool]]) -> Any:
    def noted(value: bool) -> bool:
        if changed := change(value):
            order.append((number, value))
        return bool(changed)

    return noted
