# SPDX-License-Identifier: Apache-2.0
"""Faults: what latches, what a fault stops, what is only reported. Needs only Python."""

from __future__ import annotations

import pytest

from plategate.lane import ArmStage, ForcedOpen, Style
from plategate.messages import (
    CameraLost,
    CameraReturned,
    DriveFailed,
    InputName,
    ListAged,
    OpenBarrier,
)
from tests.commanded import commanded

from .conftest import WIRED

LIMITS = WIRED | {InputName.ARM_UP, InputName.ARM_DOWN}


def test_fail__an_arm_that_does_not_open_is_a_latched_fault(make_bench):
    bench = make_bench(wired=LIMITS, travel_s=6.0)
    bench.rests()
    bench.grant()
    bench.wait(6.1)
    assert bench.state.fault.code == "did_not_open"
    assert bench.records() == [("allowed", "fault: did_not_open")]
    bench.clear("beam")
    bench.wait(5)
    bench.grant()
    bench.put("manual")
    assert len(bench.all(OpenBarrier)) == 1, "a fault stops pulsing"
    assert [reason for reason, _ in bench.records()] == ["allowed", "fault", "fault"]
    assert bench.signals()[-1] == "fault"
    bench.send(commanded("reset"))
    assert bench.state.fault is None


def test_fail__a_fault_keeps_its_first_reason(make_bench):
    bench = make_bench(wired=LIMITS)
    bench.rests()
    bench.wait(2)
    bench.clear("arm_down")
    bench.wait(3)
    bench.send(DriveFailed("late"))
    assert bench.state.fault.code == "forced_open"
    assert bench.reports().count("fault") == 1


def test_fail__forced_open_may_be_reported_instead(make_bench):
    bench = make_bench(wired=LIMITS, forced_open=ForcedOpen.REPORT)
    bench.rests()
    bench.wait(2)
    bench.clear("arm_down")
    bench.wait(3)
    assert bench.state.fault is None
    assert bench.reports() == ["forced_open"]


def test_ok__an_arm_found_open_at_start_is_reported_and_not_moved(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.OPEN_AND_CLOSE)
    bench.clear("arm_down")
    bench.put("arm_up")
    bench.wait(3600)
    assert bench.moves() == []
    assert bench.reports() == ["found_open"]
    bench.grant()
    bench.drive_through()
    bench.goes_down()
    assert bench.moves() == ["OpenBarrier", "CloseBarrier"]
    assert bench.state.fault is None


@pytest.mark.parametrize(
    ("style", "code"),
    [
        (Style.HOLD, "did_not_close"),
        (Style.OPEN_AND_CLOSE, "did_not_close"),
        (Style.PULSE, "left_open"),
    ],
)
def test_fail__an_arm_that_stays_up_is_a_fault(make_bench, style, code):
    bench = make_bench(wired=LIMITS, style=style)
    bench.rests()
    bench.grant()
    bench.goes_up()
    bench.drive_through()
    bench.wait(60)
    assert bench.state.fault.code == code


def test_ok__normal_cycles_with_limit_switches_latch_no_fault(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.PULSE)
    bench.rests()
    for _ in range(3):
        bench.grant()
        bench.goes_up()
        bench.drive_through()
        bench.goes_down()
        bench.wait(10)
    assert bench.state.fault is None
    assert bench.moves() == ["OpenBarrier"] * 3
    assert bench.state.arm.stage is ArmStage.RESTING


def test_ok__a_barrier_that_closes_by_itself_ends_the_opening(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.PULSE)
    bench.rests()
    bench.put("manual")
    bench.goes_up()
    bench.wait(10)
    bench.goes_down()
    assert bench.records() == [("manual", "opened, nobody drove through")]


def test_fail__contradicting_limit_switches_are_a_fault(make_bench):
    bench = make_bench(wired=LIMITS)
    bench.put("arm_down")
    bench.put("arm_up")
    bench.wait(2)
    assert bench.state.fault.code == "limits_contradict"


def test_fail__a_failed_drive_switches_every_relay_off(make_bench):
    bench = make_bench(style=Style.HOLD)
    bench.grant()
    bench.send(DriveFailed("GPIO 17 is busy"))
    assert bench.moves() == ["HoldBarrier", "RestBarrier"]
    bench.put("fire")
    bench.wait(100)
    assert bench.moves() == ["HoldBarrier", "RestBarrier"]
    assert bench.records() == [("allowed", "fault: drive_failed")]


def test_fail__during_a_fault_a_held_arm_is_lowered_only_when_safe(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.HOLD, travel_s=6.0)
    bench.rests()
    bench.grant()
    bench.put("photocell")
    bench.wait(100)
    assert bench.state.fault.code == "did_not_open"
    assert bench.moves() == ["HoldBarrier"]
    bench.clear("photocell")
    bench.wait(30)
    assert bench.moves() == ["HoldBarrier", "ReleaseBarrier"]


def test_ok__lamps_show_camera_loss_and_an_old_list(make_bench):
    bench = make_bench()
    bench.send(ListAged(too_old=True))
    bench.send(CameraLost("hangs"))
    bench.send(CameraLost("hangs still"))
    bench.send(CameraReturned())
    bench.send(CameraReturned())
    bench.send(ListAged(too_old=False))
    assert bench.signals() == ["ready", "list_too_old", "no_camera", "list_too_old", "ready"]
    assert bench.reports() == ["camera_lost", "camera_back"]


def test_fail__a_drive_failure_during_another_fault_switches_off_and_is_not_retried(make_bench):
    bench = make_bench(wired=LIMITS, style=Style.HOLD)
    bench.rests()
    bench.grant()
    bench.put("photocell")
    bench.wait(10)
    assert bench.state.fault.code == "did_not_open"
    bench.put("fire")
    bench.send(DriveFailed("GPIO 17 is busy"))
    bench.send(DriveFailed("GPIO 17 is busy"))
    bench.wait(100)
    assert bench.moves() == ["HoldBarrier", "HoldBarrier", "RestBarrier"]
    assert bench.state.fault.code == "did_not_open"
    bench.put("reset")
    bench.wait(10)
    assert bench.moves()[-1] == "HoldBarrier", "fire is tried again after the reset"


def test_fail__a_remote_request_does_not_command_a_failed_drive_during_fire(make_bench):
    bench = make_bench()
    bench.send(DriveFailed("GPIO 17 is busy"))
    bench.put("fire")
    before = bench.moves()
    bench.send(commanded("open", "console"))
    bench.wait(10)
    assert bench.moves() == before
    assert ("fault", "not moved") in bench.records()


def test_fail__after_a_drive_failure_and_a_reset_the_relay_still_rests_for_the_gap(make_bench):
    bench = make_bench(move_gap_s=2.0)
    bench.send(DriveFailed("GPIO 17 is busy"))
    bench.send(commanded("reset"))
    bench.put("manual")
    assert bench.moves() == ["RestBarrier"]
    bench.wait(2)
    assert bench.moves() == ["RestBarrier", "OpenBarrier"]
