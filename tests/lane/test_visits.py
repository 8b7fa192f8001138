# SPDX-License-Identifier: Apache-2.0
"""Visits: vehicles that arrive, are read, and are granted or refused. Needs only Python."""

from __future__ import annotations

from plategate.messages import (
    CameraLost,
    GrantNotWritten,
    GrantWritten,
    Judge,
    Mode,
    ModeChanged,
    OpenBarrier,
    PlateRead,
    ReadingFailed,
    Record,
    Signal,
    TakeStills,
    VerdictReached,
    WriteGrant,
)
from plategate.values import PlateSighting, Reason, Result, Verdict

from .conftest import sighting


def test_ok__a_listed_vehicle_is_read_judged_written_and_let_in_in_this_order(make_bench):
    bench = make_bench()
    asked = bench.put("beam")
    assert isinstance(asked[0], TakeStills)
    assert asked[0].since_s == bench.now
    assert isinstance(bench.read("AB12CDE")[0], Judge)
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    assert bench.last(WriteGrant).verdict.plate == "AB12CDE"
    assert not bench.all(OpenBarrier)
    bench.written()
    opened = bench.last(OpenBarrier)
    assert opened.because is Reason.ALLOWED
    assert opened.passage_id == bench.last(WriteGrant).passage_id
    bench.drive_through()
    assert bench.records() == [("allowed", "opened")]
    assert bench.last(Record).vehicles == 1
    names = [name for name, _ in bench.last(Record).milestones]
    assert names == ["read", "judged", "written", "opened"]


def test_ok__the_lamp_follows_the_visit(make_bench):
    bench = make_bench()
    bench.grant()
    bench.drive_through()
    bench.wait(30)
    assert bench.signals() == ["ready", "reading", "granted", "ready"]


def test_fail__an_unlisted_waiting_vehicle_is_read_again_and_is_one_passage(make_bench):
    bench = make_bench(attempts=3)
    bench.put("beam")
    for _ in range(3):
        bench.read("XX99XXX")
        bench.judge(Result.REFUSED, Reason.NOT_LISTED)
        bench.wait(2)
    bench.wait(300)
    assert len(bench.all(TakeStills)) == 3
    assert bench.records() == [("not_listed", "not moved")]
    assert not bench.all(OpenBarrier)
    assert "refused" in bench.signals()


def test_ok__a_second_reading_can_grant_after_an_unreadable_first(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read(None)
    bench.wait(2)
    bench.let_in()
    assert len(bench.all(OpenBarrier)) == 1


def test_fail__a_vehicle_that_leaves_is_not_read_again(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read(None)
    bench.clear("beam")
    bench.wait(10)
    assert len(bench.all(TakeStills)) == 1
    assert bench.records() == [("nothing_seen", "not moved")]


def test_fail__blocked_is_final_at_once(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("BL0CKED")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    assert bench.records() == [("blocked", "not moved")]


def test_fail__unsure_never_opens(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.UNSURE, Reason.WEAK_READING)
    bench.wait(60)
    assert not bench.all(OpenBarrier)
    assert Signal.UNSURE.value in bench.signals()


def test_fail__wanted_raises_one_alarm_and_looks_like_refused(make_bench):
    bench = make_bench()
    for _ in range(2):
        bench.put("beam")
        bench.read("ST0LEN")
        bench.judge(Result.REFUSED, Reason.WANTED, alarm="wanted: certain")
        bench.clear("beam")
        bench.wait(3)
    assert bench.reports().count("alarm") == 1
    assert [record.repeat_of for record in bench.all(Record)] == [None, "t-00001"]
    assert set(bench.signals()) == {"ready", "reading", "refused"}


def test_fail__a_second_wanted_vehicle_raises_its_own_alarm(make_bench):
    bench = make_bench()
    for plate in ("ST0LEN1", "ST0LEN2"):
        bench.put("beam")
        bench.read(plate)
        bench.judge(Result.REFUSED, Reason.WANTED, alarm="wanted: certain")
        bench.clear("beam")
        bench.wait(3)
    assert bench.reports().count("alarm") == 2


def test_ok__a_return_after_the_window_is_a_new_visit(make_bench):
    bench = make_bench(repeat_window_s=20.0)
    for _ in range(2):
        bench.put("beam")
        bench.read("ST0LEN")
        bench.judge(Result.REFUSED, Reason.WANTED, alarm="wanted: certain")
        bench.clear("beam")
        bench.wait(25)
    assert bench.reports().count("alarm") == 2
    assert bench.last(Record).repeat_of is None


def test_fail__a_grant_that_is_not_stored_does_not_open(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.send(GrantNotWritten(bench.last(WriteGrant).passage_id, 1))
    bench.wait(60)
    assert bench.records() == [("store_failed", "not moved")]
    assert not bench.all(OpenBarrier)


def test_fail__a_grant_that_is_stored_too_late_does_not_open(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.wait(10)
    bench.written()
    bench.wait(60)
    assert bench.records() == [("store_failed", "not moved")]
    assert not bench.all(OpenBarrier)


def test_fail__a_failing_camera_ends_in_one_passage_with_that_reason(make_bench):
    bench = make_bench(attempts=2)
    bench.send(CameraLost("no frame for 3 s"))
    bench.put("beam")
    for attempt in (1, 2):
        passage_id = bench.last(TakeStills).passage_id
        bench.send(ReadingFailed(passage_id, attempt, Reason.CAMERA_FAILED))
        bench.wait(2)
    assert bench.records() == [("camera_failed", "not moved")]
    assert "camera_lost" in bench.reports()


def test_fail__a_missing_reading_times_out(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    bench.wait(60)
    assert bench.records() == [("pipeline_failed", "not moved")]


def test_fail__a_missing_verdict_times_out(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    bench.read("AB12CDE")
    bench.wait(60)
    assert bench.records() == [("store_failed", "not moved")]


def test_fail__an_unreadable_plate_differs_from_nothing_seen(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    seen = PlateSighting(reading=None, plate=object(), still=None)
    bench.send(PlateRead(bench.last(TakeStills).passage_id, 1, seen))
    assert bench.records() == [("not_readable", "not moved")]


def test_fail__a_failed_sighting_is_pipeline_failed(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    broken = PlateSighting(reading=None, plate=None, still=None, failed="model: bad tensor")
    bench.send(PlateRead(bench.last(TakeStills).passage_id, 1, broken))
    assert bench.records() == [("pipeline_failed", "not moved")]


def test_fail__answers_for_a_finished_passage_change_nothing(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam")
    old = bench.last(TakeStills).passage_id
    bench.read(None)
    before = bench.state
    bench.send(PlateRead(old, 1, PlateSighting(None, None, None)))
    bench.send(VerdictReached(old, 1, Verdict(Result.GRANTED, Reason.ALLOWED, plate="AB12CDE")))
    bench.send(GrantWritten(old, 1))
    bench.send(GrantNotWritten(old, 1))
    bench.send(ReadingFailed(old, 1, Reason.CAMERA_FAILED))
    assert bench.state == before


def test_ok__answers_at_the_wrong_stage_change_nothing(make_bench):
    bench = make_bench()
    bench.put("beam")
    passage = bench.last(TakeStills).passage_id
    before = bench.state
    bench.send(VerdictReached(passage, 1, Verdict(Result.GRANTED, Reason.ALLOWED)))
    bench.send(GrantWritten(passage, 1))
    bench.send(GrantNotWritten(passage, 1))
    assert bench.state == before
    bench.read("AB12CDE")
    before = bench.state
    bench.read("AB12CDE")
    assert bench.state == before
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    before = bench.state
    bench.send(ReadingFailed(passage, 1, Reason.CAMERA_FAILED))
    assert bench.state == before


def test_fail__mode_locked_refuses_but_reads(make_bench):
    bench = make_bench()
    bench.send(ModeChanged(Mode.LOCKED))
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    assert bench.records() == [("locked", "not moved")]


def test_fail__mode_locked_between_verdict_and_relay_refuses(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.send(ModeChanged(Mode.LOCKED))
    bench.written()
    assert bench.records() == [("locked", "not moved")]
    assert not bench.all(OpenBarrier)


def test_fail__a_late_reading_of_an_earlier_attempt_is_not_taken_for_the_present_one(make_bench):
    bench = make_bench(attempts=3, read_within_s=2.0)
    bench.put("beam")
    passage = bench.last(TakeStills).passage_id
    bench.wait(4)
    assert bench.last(TakeStills).attempt == 2
    bench.send(PlateRead(passage, 1, sighting("AB12CDE")))
    bench.send(ReadingFailed(passage, 1, Reason.CAMERA_FAILED))
    assert not bench.all(Judge)
    assert bench.state.visit.stage == "reading"
    bench.read("XX99XXX")
    assert bench.last(Judge).reading.text == "XX99XXX"


def test_fail__a_late_verdict_of_an_earlier_attempt_does_not_open(make_bench):
    bench = make_bench(attempts=3, judge_within_s=1.0)
    bench.put("beam")
    bench.read("AB12CDE")
    passage = bench.last(Judge).passage_id
    bench.wait(3)
    bench.read("XX99XXX")
    late = Verdict(Result.GRANTED, Reason.ALLOWED, plate="AB12CDE")
    bench.send(VerdictReached(passage, 1, late))
    assert not bench.all(WriteGrant)
    assert bench.state.visit.stage == "judging"


def test_fail__a_late_grant_of_an_earlier_attempt_does_not_open(make_bench):
    bench = make_bench(attempts=3, write_within_s=1.0)
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    passage = bench.last(WriteGrant).passage_id
    bench.wait(3)
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.send(GrantWritten(passage, 1))
    assert not bench.all(OpenBarrier)
    bench.written()
    assert len(bench.all(OpenBarrier)) == 1
