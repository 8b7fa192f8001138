# SPDX-License-Identifier: Apache-2.0
"""Guards: no relay moves unless it was asked to, none stays on, and OPEN never meets CLOSE.

Compares the whole history of every line. Needs gpiozero's lines in memory; the real ones are
recorded by scripts/emulation/gpio_machine.
"""

from __future__ import annotations

from typing import Any

import pytest

from plategate.errors import PinError
from plategate.hardware.gpio.relay import GpioDrive
from plategate.settings.pins import PinsSettings
from tests.hardware.conftest import HandClock, history

OPEN, CLOSE = 17, 27


def drive(clock: HandClock, factory: Any, **relays: Any) -> GpioDrive:
    wiring = relays or {"open_relay": {"pin": OPEN}, "close_relay": {"pin": CLOSE}}
    return GpioDrive(
        pins=PinsSettings.model_validate(wiring),
        factory=factory,
        longest_pulse_s=2.0,
        call_later=clock.call_later,
    )


def test_ok__creating_and_shutting_down_makes_no_edge(clock: HandClock, factory: Any) -> None:
    barrier = drive(clock, factory)
    clock.turn(60)
    barrier.shut_down()
    assert history(factory.pin(OPEN)) == [False]
    assert history(factory.pin(CLOSE)) == [False]


def test_ok__active_low_rests_high_and_pulses_low(clock: HandClock, factory: Any) -> None:
    line = factory.pin(4)
    line.drive_high()  # the board's pull-up
    line.clear_states()
    barrier = drive(clock, factory, open_relay={"pin": 4, "active_high": False})
    barrier.open(0.5)
    clock.turn(1)
    barrier.off()
    assert history(line) == [True, False, True]


def test_ok__pulse_has_its_length(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(0.5)
    clock.turn(0.49)
    assert line.state
    clock.turn(0.02)
    barrier.shut_down()
    assert history(line) == [False, True, False]


def test_ok__pulse_is_bounded_whatever_is_asked(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(3600)
    clock.turn(2.01)
    assert history(line) == [False, True, False]


def test_ok__second_pulse_does_not_prolong_the_first(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    clock.turn(0.9)
    barrier.open(1.0)
    clock.turn(0.2)
    assert history(line) == [False, True, False]


def test_ok__hold_outlasts_a_pulse_and_ends_at_release(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(0.5)
    barrier.hold()
    clock.turn(3600)
    assert line.state
    barrier.release()
    assert history(line) == [False, True, False]


def test_ok__release_lets_a_pulse_end_by_itself(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.hold()
    barrier.open(0.5)
    barrier.release()
    assert line.state
    clock.turn(0.51)
    assert history(line) == [False, True, False]


def test_ok__off_ends_everything_and_the_next_pulse_is_whole(
    clock: HandClock, factory: Any
) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    clock.turn(0.5)
    barrier.off()
    barrier.open(1.0)
    clock.turn(0.9)
    assert line.state
    clock.turn(0.2)
    assert history(line) == [False, True, False, True, False]


@pytest.mark.parametrize("how", ["open", "hold"])
def test_ok__open_ends_close_first(clock: HandClock, factory: Any, how: str) -> None:
    barrier = drive(clock, factory)
    order: list[tuple[int, bool]] = []
    for number in (OPEN, CLOSE):
        line = factory.pin(number)
        line._change_state = _noting(line._change_state, number, order)
    barrier.close(1.0)
    barrier.open(1.0) if how == "open" else barrier.hold()
    assert order == [(CLOSE, True), (CLOSE, False), (OPEN, True)]


def test_fail__close_is_refused_while_open_is_on(clock: HandClock, factory: Any) -> None:
    barrier = drive(clock, factory)
    barrier.open(1.0)
    with pytest.raises(PinError, match="OPEN relay is on"):
        barrier.close(1.0)
    assert history(factory.pin(CLOSE)) == [False]


def test_fail__close_without_a_close_relay(clock: HandClock, factory: Any) -> None:
    barrier = drive(clock, factory, open_relay={"pin": OPEN})
    with pytest.raises(PinError, match=r"pins\.close_relay is not set"):
        barrier.close(1.0)


def test_fail__no_open_relay(clock: HandClock, factory: Any) -> None:
    with pytest.raises(PinError, match=r"pins\.open_relay is not set"):
        drive(clock, factory, close_relay={"pin": CLOSE})


def test_fail__line_that_fails_raises_and_leaves_no_alarm(
    clock: HandClock, factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)

    def torn_off(value: bool) -> None:
        raise OSError("No such device")

    with monkeypatch.context() as patch:
        patch.setattr(line, "_set_state", torn_off)
        with pytest.raises(PinError, match="open relay: No such device"):
            barrier.open(1.0)
        barrier.off()
    barrier.open(0.5)
    clock.turn(0.6)
    assert history(line) == [False, True, False]


def test_ok__shut_down_in_mid_pulse_rests_before_it_lets_go(clock: HandClock, factory: Any) -> None:
    barrier, line = drive(clock, factory), factory.pin(OPEN)
    barrier.open(1.0)
    barrier.shut_down()
    barrier.shut_down()
    assert history(line) == [False, True, False]
    assert line.function == "input"


def _noting(change: Any, number: int, order: list[tuple[int, bool]]) -> Any:
    def noted(value: bool) -> bool:
        if changed := change(value):
            order.append((number, value))
        return bool(changed)

    return noted
