# SPDX-License-Identifier: Apache-2.0
"""Inputs: polarity, bounce and dropped edges are handled before a level reaches the lane.

Needs gpiozero's lines in memory; they neither debounce nor call from another thread, so the former
is ours and the latter is tested with a real timer thread in test_timers.
"""

from __future__ import annotations

from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from plategate.errors import PinError
from plategate.hardware.gpio.inputs import GpioInputs
from plategate.messages import InputName, Level
from plategate.settings.pins import PinsSettings
from tests.hardware.conftest import ManualClock

BEAM, PHOTOCELL, LOOP = 5, 6, 13
PINS = PinsSettings.model_validate(
    {"beam": {"pin": BEAM}, "photocell": {"pin": PHOTOCELL}, "loop": {"pin": LOOP}}
)

Seen = list[tuple[str, str, float]]


@pytest.fixture
def seen() -> Seen:
    return []


def started(clock: ManualClock, factory: Any, seen: Seen, pins: PinsSettings = PINS) -> GpioInputs:
    inputs = GpioInputs(pins=pins, factory=factory, clock=clock, call_later=clock.call_later)
    # At rest the beam receiver and the photocell hold their closed contacts to ground.
    for pin in (BEAM, PHOTOCELL):
        factory.pin(pin).drive_low()
    inputs.start(lambda name, level, at_s: seen.append((name, level, round(at_s - 1000, 3))))
    return inputs


def test_ok__initial_levels_are_reported_once(clock: ManualClock, factory: Any, seen: Seen) -> None:
    started(clock, factory, seen)
    assert sorted(seen) == [
        ("beam", "inactive", 0.0), ("loop", "inactive", 0.0), ("photocell", "inactive", 0.0)
    ]  # fmt: skip
    clock.advance(10)
    assert len(seen) == 3


def test_ok__bouncing_beam_is_one_break(clock: ManualClock, factory: Any, seen: Seen) -> None:
    started(clock, factory, seen)
    seen.clear()
    line = factory.pin(BEAM)
    for _ in range(5):
        line.drive_high()
        clock.advance(0.004)
        line.drive_low()
        clock.advance(0.003)
    line.drive_high()
    clock.advance(0.5)
    assert seen == [("beam", "active", 0.035)]
    line.drive_low()
    clock.advance(0.01)
    line.drive_high()
    clock.advance(0.01)
    line.drive_low()
    clock.advance(1)
    assert seen[1:] == [("beam", "inactive", 0.555)]


def test_fail__cut_wire_of_a_normally_closed_input_is_active(
    clock: ManualClock, factory: Any, seen: Seen
) -> None:
    inputs = GpioInputs(pins=PINS, factory=factory, clock=clock, call_later=clock.call_later)
    inputs.start(lambda *change: seen.append(change))  # nothing pulls the lines down
    assert inputs.level(InputName.PHOTOCELL) is Level.ACTIVE
    assert inputs.level(InputName.BEAM) is Level.ACTIVE
    assert inputs.level(InputName.LOOP) is Level.INACTIVE


def test_ok__photocell_reacts_quickly_and_clears_late(
    clock: ManualClock, factory: Any, seen: Seen
) -> None:
    inputs = started(clock, factory, seen)
    factory.pin(PHOTOCELL).drive_high()
    clock.advance(0.006)
    assert inputs.level(InputName.PHOTOCELL) is Level.ACTIVE
    factory.pin(PHOTOCELL).drive_low()
    clock.advance(0.29)
    assert inputs.level(InputName.PHOTOCELL) is Level.ACTIVE
    clock.advance(0.02)
    assert inputs.level(InputName.PHOTOCELL) is Level.INACTIVE


def test_fail__fluttering_photocell_is_unknown(
    clock: ManualClock, factory: Any, seen: Seen
) -> None:
    inputs = started(clock, factory, seen)
    for _ in range(700):
        factory.pin(PHOTOCELL).drive_high()
        clock.advance(0.002)
        factory.pin(PHOTOCELL).drive_low()
        clock.advance(0.002)
    assert inputs.level(InputName.PHOTOCELL) is Level.UNKNOWN


@pytest.mark.parametrize("cut_short", [True, False])
def test_ok__dropped_edge_is_recovered(
    clock: ManualClock, factory: Any, seen: Seen, cut_short: bool
) -> None:
    inputs = started(clock, factory, seen)
    line = factory.pin(BEAM)
    if cut_short:  # the edge that ended a break was lost
        line.drive_high()
        line._change_state(False)
    else:  # the edge that began a break was lost
        line._change_state(True)
    clock.advance(2)
    assert inputs.level(InputName.BEAM) is (Level.INACTIVE if cut_short else Level.ACTIVE)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("No such device"), "input beam: No such device"),
        (KeyError("a bug of the library"), "input beam: KeyError('a bug of the library')"),
    ],
)
def test_fail__line_that_cannot_be_read_is_unknown_and_logged_once(
    clock: ManualClock, factory: Any, seen: Seen, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str,
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    inputs = started(clock, factory, seen)
    line = factory.pin(BEAM)

    def fail() -> bool:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(line, "_get_state", fail)
        clock.advance(5)
        assert inputs.level(InputName.BEAM) is Level.UNKNOWN
        assert inputs.level(InputName.LOOP) is Level.INACTIVE
        assert [r.message for r in caplog.records] == [message]
    clock.advance(5)
    assert inputs.level(InputName.BEAM) is Level.INACTIVE
    assert caplog.records[-1].message == "input beam can be read again"
    assert [s[1] for s in seen if s[0] == "beam"] == ["inactive", "unknown", "inactive"]


def test_ok__nothing_after_close(clock: ManualClock, factory: Any, seen: Seen) -> None:
    inputs = started(clock, factory, seen)
    factory.pin(LOOP).drive_low()
    inputs.close()
    seen.clear()
    clock.advance(10)
    assert seen == []


def test_fail__line_that_cannot_be_released_does_not_keep_the_others(
    clock: ManualClock, factory: Any, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = started(clock, factory, seen)

    def fail() -> None:
        raise OSError("No such device")

    monkeypatch.setattr(factory.pin(BEAM), "close", fail)
    inputs.close()
    assert inputs._contacts[InputName.LOOP]._device.closed


@pytest.mark.parametrize(
    ("pull", "normally_closed", "line_high", "level"),
    [
        ("up", False, True, Level.INACTIVE),
        ("up", False, False, Level.ACTIVE),
        ("up", True, True, Level.ACTIVE),
        ("down", False, True, Level.ACTIVE),
        ("down", True, False, Level.ACTIVE),
        ("down", True, True, Level.INACTIVE),
    ],
)
def test_ok__every_wiring_variant(
    clock: ManualClock,
    factory: Any,
    pull: str,
    normally_closed: bool,
    line_high: bool,
    level: Level,
) -> None:
    pins = PinsSettings.model_validate(
        {"loop": {"pin": LOOP, "pull": pull, "normally_closed": normally_closed}}
    )
    inputs = GpioInputs(pins=pins, factory=factory, clock=clock, call_later=clock.call_later)
    line = factory.pin(LOOP)
    line.drive_high() if line_high else line.drive_low()
    inputs.start(lambda *_: None)
    assert inputs.level(InputName.LOOP) is level
    assert inputs.level(InputName.FIRE) is Level.UNKNOWN
    assert inputs.wired() == {InputName.LOOP}


def test_fail__line_in_use_is_reported(clock: ManualClock) -> None:
    factory = MockFactory()
    first = GpioInputs(pins=PINS, factory=factory, clock=clock, call_later=clock.call_later)
    with pytest.raises(PinError, match="input beam on GPIO 5: "):
        GpioInputs(pins=PINS, factory=factory, clock=clock, call_later=clock.call_later)
    first.close()
    factory.close()
