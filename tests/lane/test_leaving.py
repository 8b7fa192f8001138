# SPDX-License-Identifier: Apache-2.0
"""Vehicles that leave while they are read, and vehicles that follow. Needs only Python."""

from __future__ import annotations

import pytest

from plategate.lane import Style
from plategate.messages import (
    GrantWritten,
    Judge,
    Mode,
    ModeChanged,
    OpenBarrier,
    PlateRead,
    Record,
    Report,
    TakeStills,
    VerdictReached,
    WriteGrant,
)
from plategate.values import Reason, Result, Verdict
from tests.commanded import commanded

from .conftest import sighting


def test_fail__a_vehicle_is_not_let_in_on_the_plate_of_one_that_left(make_bench):
    bench = make_bench()
    bench.put("beam")
    first = bench.last(TakeStills).passage_id
    bench.clear("beam")
    bench.wait(3)
    bench.put("beam")
    second = bench.last(TakeStills).passage_id
    assert second != first
    assert bench.records() == [("vehicle_left", "not moved")]
    for event in (
        PlateRead(first, 1, sighting("AB12CDE")),
        VerdictReached(first, 1, Verdict(Result.GRANTED, Reason.ALLOWED, "AB12CDE")),
        GrantWritten(first, 1),
    ):
        bench.send(event)
    assert not bench.all(WriteGrant)
    assert not bench.all(OpenBarrier)
    bench.read("XX99XXX")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    assert bench.records() == [("vehicle_left", "not moved"), ("blocked", "not moved")]


def test_fail__a_verdict_that_arrives_after_the_vehicle_left_opens_nothing(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("AB12CDE")
    first = bench.last(Judge).passage_id
    bench.clear("beam")
    bench.wait(1.2)
    bench.put("beam")
    bench.send(VerdictReached(first, 1, Verdict(Result.GRANTED, Reason.ALLOWED, "AB12CDE")))
    assert not bench.all(WriteGrant)
    assert bench.last(TakeStills).passage_id != first


def test_fail__a_vehicle_that_left_is_not_opened_for_even_if_no_other_came(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("AB12CDE")
    bench.clear("beam")
    bench.wait(1.5)
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.wait(60)
    assert not bench.all(WriteGrant)
    assert not bench.all(OpenBarrier)
    assert bench.records() == [("vehicle_left", "not moved")]
    assert bench.last(Record).verdict.plate == "AB12CDE"


def test_ok__a_longer_rearm_time_keeps_a_vehicle_that_rolls_out_of_the_beam(make_bench):
    bench = make_bench(rearm_s=10.0)
    bench.put("beam")
    bench.clear("beam")
    bench.wait(3)
    bench.let_in()
    assert len(bench.all(OpenBarrier)) == 1


def test_fail__a_refusal_stays_a_refusal_after_the_vehicle_left(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("XX99XXX")
    bench.clear("beam")
    bench.wait(1.5)
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    assert bench.records() == [("blocked", "not moved")]


@pytest.mark.parametrize("followed", [False, True])
def test_fail__a_grant_stored_after_the_vehicle_left_opens_nothing(make_bench, followed):
    bench = make_bench()
    bench.put("beam")
    bench.read("AB12CDE")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.clear("beam")
    bench.wait(1.2)
    if followed:
        bench.put("beam")
    assert bench.records() == [], "the visit lasts until its grant is stored"
    bench.written()
    assert bench.records() == [("vehicle_left", "not moved")]
    assert not bench.all(OpenBarrier)
    assert len(bench.all(TakeStills)) == (2 if followed else 1)


def test_fail__a_vehicle_that_left_while_the_relay_rested_is_not_opened_for(make_bench):
    bench = make_bench(move_gap_s=5.0)
    bench.put("manual")
    bench.grant()
    assert bench.moves() == ["OpenBarrier"], "the second pulse waits for move_gap_s"
    bench.clear("beam")
    bench.wait(60)
    assert bench.moves() == ["OpenBarrier"]
    assert ("vehicle_left", "not moved") in bench.records()


def follow(bench, plate: str = "BAD99") -> str:
    """A granted vehicle reverses out; another one arrives at the open arm and is read."""
    bench.grant("GOOD1")
    bench.wait(2)
    bench.clear("beam")
    bench.wait(3)
    bench.put("beam")
    bench.read(plate)
    return bench.last(TakeStills).passage_id


def pass_under(bench) -> None:
    """The vehicle in the beam drives through."""
    bench.put("photocell")
    bench.wait(2)
    bench.clear("beam")
    bench.wait(1)
    bench.clear("photocell")
    bench.wait(60)


@pytest.mark.parametrize("reason", [Reason.NOT_LISTED, Reason.BLOCKED])
def test_fail__a_refused_vehicle_that_passes_through_another_opening_is_reported(
    make_bench, reason
):
    bench = make_bench(style=Style.HOLD)
    second = follow(bench)
    bench.judge(Result.REFUSED, reason)
    pass_under(bench)
    report = bench.last(Report)
    assert (report.what, report.passage_id) == ("refused_passed", second)
    assert bench.reports().count("refused_passed") == 1
    assert ("allowed", "opened, another vehicle drove through") in bench.records()
    assert (reason.value, "not moved") in bench.records()


def test_fail__one_that_passes_before_its_refusal_is_reported_too(make_bench):
    bench = make_bench(style=Style.HOLD)
    second = follow(bench)
    bench.put("photocell")
    bench.clear("beam")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    assert [(r.what, r.passage_id) for r in bench.all(Report)] == [("refused_passed", second)]


def test_ok__one_that_is_granted_as_well_is_not_reported(make_bench):
    bench = make_bench(style=Style.HOLD)
    follow(bench, "GOOD2")
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.written()
    pass_under(bench)
    assert bench.reports() == []


def test_ok__a_refused_vehicle_that_waits_behind_is_not_reported(make_bench):
    bench = make_bench(style=Style.HOLD)
    follow(bench)
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    bench.put("photocell")
    bench.wait(2)
    bench.clear("photocell")
    bench.wait(5)
    assert bench.reports() == []
    assert ("allowed", "opened") in bench.records()


def test_ok__a_vehicle_behind_one_that_a_person_lets_in_is_not_reported(make_bench):
    bench = make_bench(style=Style.HOLD)
    bench.put("manual")
    bench.wait(2)
    bench.put("beam")
    bench.read("BAD99")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    pass_under(bench)
    assert "refused_passed" not in bench.reports()


def test_ok__a_short_gap_in_the_beam_does_not_start_another_visit(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.clear("beam")
    bench.wait(0.3)
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1


def test_ok__a_requested_reading_continues_when_a_vehicle_arrives(make_bench):
    bench = make_bench()
    bench.send(commanded("trigger", "console"))
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1


def test_ok__a_reading_requested_for_an_unseen_vehicle_does_not_count_as_left(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.read("XX99XXX")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    bench.clear("beam")
    bench.send(commanded("trigger", "console"))
    bench.wait(3)
    bench.let_in()
    assert len(bench.all(OpenBarrier)) == 1


def test_ok__a_granted_vehicle_that_returns_and_passes_before_its_second_verdict_is_not_reported(
    make_bench,
):
    bench = make_bench(style=Style.HOLD)
    follow(bench, "GOOD1")
    bench.put("photocell")
    bench.clear("beam")
    bench.wait(1.2)
    bench.judge(Result.GRANTED, Reason.ALLOWED)
    bench.clear("photocell")
    bench.wait(60)
    assert bench.reports() == []


@pytest.mark.parametrize("free", ["fire", "mode open"])
def test_ok__while_everybody_may_pass_nobody_is_reported(make_bench, free):
    bench = make_bench(style=Style.HOLD)
    follow(bench)
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    bench.put("fire") if free == "fire" else bench.send(ModeChanged(Mode.OPEN))
    pass_under(bench)
    assert "refused_passed" not in bench.reports()


def test_ok__a_button_opens_although_a_vehicle_leaves_while_the_relay_rests(make_bench):
    bench = make_bench(move_gap_s=5.0)
    bench.put("beam")
    bench.read("BAD99")
    bench.judge(Result.REFUSED, Reason.BLOCKED)
    bench.put("manual")
    bench.clear("manual")
    bench.put("manual")
    bench.clear("beam")
    assert bench.moves() == ["OpenBarrier"]
    bench.wait(6)
    assert bench.moves() == ["OpenBarrier", "OpenBarrier"]
