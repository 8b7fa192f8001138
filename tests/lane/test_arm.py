# SPDX-License-Identifier: Apache-2.0
"""The arm: drive styles, safety inputs, tailgaters, timing. Needs only Python."""

from __future__ import annotations

import pytest

from plategate.lane import ArmStage, Style
from plategate.messages import (
    InputName,
    Level,
    Mode,
    ModeChanged,
    RaiseAgain,
    Record,
    Report,
)

from .conftest import WIRED

LIMITS = WIRED | {InputName.ARM_UP, InputName.ARM_DOWN}


def test_ok__nothing_moves_at_start(make_bench):
    bench = make_bench(wired=LIMITS)
    bench.put("photocell")
    bench.put("arm_up")
    bench.wait(1000)
    assert bench.moves() == []


def test_ok__hold_lasts_until_the_vehicle_is_through_and_the_photocell_clear(make_bench):
    bench = make_bench(style=Style.HOLD, close_after_s=2.0)
    bench.grant()
    bench.wait(7)
    bench.clear("beam")
    bench.put("photocell")
    bench.wait(30)
    assert bench.moves() == ["HoldBarrier"]
    bench.clear("photocell")
    bench.wait(1.9)
    assert bench.moves() == ["HoldBarrier"]
    bench.wait(0.2)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]


def test_ok__open_and_close_by_two_pulses(make_bench):
    bench = make_bench(style=Style.OPEN_AND_CLOSE)
    bench.grant()
    bench.drive_through()
    bench.wait(30)
    assert bench.moves() == ["OpenBarrier", "CloseBarrier"]
    assert bench.state.arm.stage is ArmStage.RESTING


@pytest.mark.parametrize("level", [Level.ACTIVE, Level.UNKNOWN])
@pytest.mark.parametrize("style", [Style.HOLD, Style.OPEN_AND_CLOSE])
def test_fail__nothing_closes_on_a_safety_input_that_is_active_or_unknown(make_bench, level, style):
    bench = make_bench(wired=WIRED | {InputName.SAFETY}, style=style)
    bench.grant()
    bench.drive_through()
    bench.put("safety", level)
    bench.wait(3600)
    assert len(bench.moves()) == 1
    assert "arm_blocked" in bench.reports()
    bench.clear("safety")
    bench.wait(30)
    assert len(bench.moves()) == 2


@pytest.mark.parametrize("style", [Style.HOLD, Style.OPEN_AND_CLOSE])
def test_fail__an_arm_on_its_way_down_goes_up_again(make_bench, style):
    bench = make_bench(style=style)
    bench.grant()
    bench.drive_through()
    bench.wait(3)
    assert bench.state.arm.stage is ArmStage.LOWERING
    bench.put("photocell")
    assert bench.last(RaiseAgain).hold is (style is Style.HOLD)
    bench.wait(3600)
    assert len(bench.moves()) == 3
    bench.clear("photocell")
    bench.wait(30)
    assert bench.state.arm.stage is ArmStage.RESTING


def test_fail__no_closing_pulse_without_a_safety_input(make_bench):
    bench = make_bench(wired=frozenset({InputName.BEAM}), style=Style.OPEN_AND_CLOSE, travel_s=5.0)
    bench.grant()
    bench.wait(8)
    bench.clear("beam")
    bench.wait(3600)
    assert bench.moves() == ["OpenBarrier"]
    assert bench.records() == [("allowed", "opened")]


def test_ok__an_unused_opening_closes_and_is_recorded(make_bench):
    bench = make_bench(style=Style.HOLD, pass_within_s=45.0)
    bench.grant()
    bench.clear("beam")
    bench.wait(100)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]
    assert bench.records() == [("allowed", "opened, nobody drove through")]


def test_fail__a_tailgater_is_counted_and_reported(make_bench):
    bench = make_bench(style=Style.HOLD)
    bench.grant()
    bench.wait(7)
    bench.clear("beam")
    for _ in range(2):
        bench.put("photocell")
        bench.wait(2)
        bench.clear("photocell")
        bench.wait(1)
    assert bench.reports().count("tailgated") == 1
    assert bench.last(Report).passage_id == bench.all(Record)[0].passage_id


def test_ok__a_trailer_is_no_tailgater(make_bench):
    bench = make_bench(style=Style.HOLD, vehicle_gap_s=0.8)
    bench.grant()
    bench.wait(7)
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.wait(0.3)
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.wait(30)
    assert bench.reports() == []
    assert bench.last(Record).vehicles == 1


def test_ok__the_next_vehicle_is_let_in_while_the_arm_is_still_up(make_bench):
    bench = make_bench(style=Style.HOLD)
    bench.grant("AA11AAA")
    bench.wait(2)
    bench.clear("beam")
    bench.wait(2)
    bench.grant("BB22BBB")
    bench.wait(3)
    for _ in range(2):
        bench.put("photocell")
        bench.wait(2)
        bench.clear("photocell")
        bench.wait(0.9)
    bench.clear("beam")
    bench.wait(30)
    assert bench.reports() == []
    assert [r.vehicles for r in bench.all(Record)] == [1, 1]
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]


def test_ok__a_vehicle_that_stays_under_the_arm_is_recorded_as_such(make_bench):
    bench = make_bench(style=Style.HOLD, pass_within_s=45.0)
    bench.grant()
    bench.wait(3)
    bench.put("photocell")
    bench.wait(100)
    assert bench.records() == [("allowed", "opened, still under the arm")]
    assert bench.moves() == ["HoldBarrier"]


def test_fail__a_tailgater_is_counted_at_the_instant_the_opening_ends(make_bench):
    bench = make_bench(style=Style.HOLD, vehicle_gap_s=0.4)
    bench.grant()
    bench.wait(3)
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.now += 0.4
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.wait(1)
    assert bench.reports() == ["tailgated"]
    assert bench.last(Record).vehicles == 2


def test_ok__a_button_just_before_the_arm_is_down_still_opens(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.HOLD, move_gap_s=10.0)
    bench.rests()
    bench.grant()
    bench.goes_up()
    bench.drive_through()
    bench.wait(2)
    assert bench.moves()[-1] == "ReleaseBarrier"
    bench.put("manual")
    bench.goes_down()
    assert bench.moves()[-1] == "ReleaseBarrier"
    bench.wait(10)
    assert bench.moves()[-1] == "HoldBarrier"


def test_fail__open_is_released_a_gap_before_close_is_pulsed(make_bench):
    bench = make_bench(style=Style.OPEN_AND_CLOSE, move_gap_s=1.0)
    bench.send(ModeChanged(Mode.OPEN))
    bench.wait(30)
    bench.send(ModeChanged(Mode.AUTOMATIC))
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]
    bench.wait(0.9)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]
    bench.wait(0.2)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier", "CloseBarrier"]
    bench.wait(30)
    assert bench.state.arm.stage is ArmStage.RESTING


@pytest.mark.parametrize("safety", ["photocell", "mode"])
def test_fail__what_happens_in_the_gap_before_close_keeps_the_arm_up(make_bench, safety):
    bench = make_bench(style=Style.OPEN_AND_CLOSE, move_gap_s=1.0)
    bench.send(ModeChanged(Mode.OPEN))
    bench.wait(30)
    bench.send(ModeChanged(Mode.AUTOMATIC))
    bench.wait(0.5)
    bench.put("photocell") if safety == "photocell" else bench.send(ModeChanged(Mode.OPEN))
    bench.wait(60)
    assert "CloseBarrier" not in bench.moves()


def test_fail__a_latched_fault_pulses_no_close(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.OPEN_AND_CLOSE)
    bench.rests()
    bench.grant()
    bench.wait(100)
    assert bench.state.fault.code == "did_not_open"
    bench.clear("beam")
    bench.wait(3600)
    assert bench.moves() == ["OpenBarrier"]
