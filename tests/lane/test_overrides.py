# SPDX-License-Identifier: Apache-2.0
"""Openings without a plate: buttons, free exit, fire and modes. Needs only Python."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plategate.lane import ArmStage, Style
from plategate.messages import (
    AnswerCommand,
    CameraLost,
    HoldBarrier,
    InputName,
    Level,
    ListAged,
    Mode,
    ModeChanged,
    OpenBarrier,
    Record,
    Refusal,
    TakeStills,
    WriteGrant,
)
from plategate.values import Reason, Result
from tests.commanded import commanded

from .conftest import WIRED

LIMITS = WIRED | {InputName.ARM_UP, InputName.ARM_DOWN}


@pytest.mark.parametrize("name", ["manual", "free_exit"])
def test_ok__buttons_need_no_camera_no_model_and_no_list(make_bench, name):
    bench = make_bench()
    bench.send(CameraLost("gone"))
    bench.send(ListAged(too_old=True))
    bench.put(name)
    assert bench.last(OpenBarrier).because.value == name
    assert isinstance(bench.log[-3], WriteGrant)
    bench.clear(name)
    bench.wait(5)
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.wait(60)
    assert bench.records() == [(name, "opened")]


def test_ok__an_opening_for_a_vehicle_needs_one_at_the_gate(make_bench):
    bench = make_bench()
    asked = replace(commanded("open", "console"), only_for_vehicle=True)
    bench.send(asked)
    assert bench.last(AnswerCommand).refusal is Refusal.NO_VEHICLE
    assert bench.moves() == []
    bench.put("beam")
    bench.send(asked)
    assert bench.last(AnswerCommand).refusal is None
    assert bench.last(OpenBarrier).because is Reason.MANUAL


def test_fail__a_button_that_is_pressed_at_start_opens_nothing(make_bench):
    bench = make_bench()
    bench.put("manual", Level.UNKNOWN)
    bench.put("manual")
    bench.wait(10)
    assert bench.moves() == []


def test_fail__a_button_pressed_twice_is_two_passages_and_no_quick_pulses(make_bench):
    bench = make_bench(move_gap_s=1.0)
    for _ in range(2):
        bench.put("manual")
        bench.wait(0.2)
        bench.clear("manual")
        bench.wait(0.2)
    assert len(bench.all(OpenBarrier)) == 1
    bench.wait(2)
    assert len(bench.all(OpenBarrier)) == 2
    bench.wait(100)
    assert len(bench.all(Record)) == 2


def test_ok__an_opening_by_software_names_its_source(make_bench):
    bench = make_bench()
    bench.send(commanded("open", "console"))
    bench.wait(100)
    assert bench.last(Record).trigger == "console"
    assert bench.last(Record).verdict.reason is Reason.MANUAL


@pytest.mark.parametrize(
    ("name", "rules"),
    [("manual", {"manual_when_locked": False}), ("free_exit", {"free_exit_when_locked": False})],
)
def test_fail__mode_locked_can_include_the_buttons(make_bench, name, rules):
    bench = make_bench(**rules)
    bench.send(ModeChanged(Mode.LOCKED))
    bench.put(name)
    assert bench.records() == [("locked", "not moved")]
    other = make_bench()
    other.send(ModeChanged(Mode.LOCKED))
    other.put(name)
    assert len(other.all(OpenBarrier)) == 1


def test_ok__a_vehicle_on_free_exit_is_not_read_at_the_outer_beam(make_bench):
    bench = make_bench(style=Style.HOLD)
    bench.put("free_exit")
    bench.wait(7)
    bench.clear("free_exit")
    bench.put("photocell")
    bench.wait(1)
    bench.put("beam")
    bench.wait(1)
    bench.clear("photocell")
    bench.wait(1)
    bench.clear("beam")
    bench.wait(20)
    assert not bench.all(TakeStills)
    assert bench.state.armed


def test_ok__fire_opens_and_holds_until_it_is_over_and_reset(make_bench):
    bench = make_bench(style=Style.OPEN_AND_CLOSE)
    bench.put("fire")
    assert bench.last(HoldBarrier).because is Reason.FIRE
    bench.clear("fire")
    bench.wait(10000)
    assert bench.moves() == ["HoldBarrier"]
    bench.put("reset")
    bench.wait(30)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier", "CloseBarrier"]


def test_ok__a_reset_does_not_clear_fire_while_its_input_is_active(make_bench):
    bench = make_bench()
    bench.put("fire")
    bench.put("reset")
    bench.wait(100)
    assert bench.state.fire
    assert bench.moves() == ["HoldBarrier"]


def test_ok__fire_opens_despite_fault_and_mode_locked(make_bench):
    bench = make_bench(wired=LIMITS)
    bench.rests()
    bench.send(ModeChanged(Mode.LOCKED))
    bench.wait(5)
    bench.clear("arm_down")
    bench.wait(5)
    assert bench.state.fault is not None
    bench.put("fire")
    assert bench.moves() == ["HoldBarrier"]


def test_fail__a_fire_input_that_is_unknown_opens_nothing(make_bench):
    bench = make_bench()
    bench.put("fire", Level.UNKNOWN)
    bench.wait(10)
    assert bench.moves() == []


def test_ok__vehicles_that_pass_during_a_fire_are_still_recorded(make_bench):
    bench = make_bench()
    bench.put("fire")
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.REFUSED, Reason.NOT_LISTED)
    bench.put("manual")
    assert bench.records() == [("fire", "held open"), ("manual", "held open")]
    assert bench.moves() == ["HoldBarrier"]


def test_ok__mode_open_holds_the_arm_and_admits_everybody(make_bench):
    bench = make_bench(style=Style.PULSE)
    bench.send(ModeChanged(Mode.OPEN))
    bench.wait(10)
    bench.put("beam")
    bench.read("XX99XXX")
    bench.judge(Result.REFUSED, Reason.NOT_LISTED)
    assert bench.records() == [("held_open", "held open")]
    bench.clear("beam")
    for _ in range(3):
        bench.put("photocell")
        bench.wait(2)
        bench.clear("photocell")
        bench.wait(1)
    assert "tailgated" not in bench.reports()
    bench.send(ModeChanged(Mode.AUTOMATIC))
    bench.wait(100)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]
    assert bench.state.arm.stage is ArmStage.RESTING


def test_fail__a_wanted_vehicle_raises_its_alarm_in_mode_open(make_bench):
    bench = make_bench()
    bench.send(ModeChanged(Mode.OPEN))
    bench.put("beam")
    bench.read("ST0LEN")
    bench.judge(Result.REFUSED, Reason.WANTED, alarm="wanted: certain")
    assert "alarm" in bench.reports()
