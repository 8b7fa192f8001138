# SPDX-License-Identifier: Apache-2.0
"""Vehicles that leave while they are read, and vehicles that follow. Needs only Python."""

from __future__ import annotations

from plategate.messages import (
    GrantWritten,
    Judge,
    OpenBarrier,
    PlateRead,
    TakeStills,
    TriggerRequested,
    VerdictReached,
    WriteGrant,
)
from plategate.values import Reason, Result, Verdict

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
        PlateRead(first, sighting("AB12CDE")),
        VerdictReached(first, Verdict(Result.GRANTED, Reason.ALLOWED, "AB12CDE")),
        GrantWritten(first),
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
    bench.send(VerdictReached(first, Verdict(Result.GRANTED, Reason.ALLOWED, "AB12CDE")))
    assert not bench.all(WriteGrant)
    assert bench.last(TakeStills).passage_id != first


def test_ok__a_vehicle_that_rolled_out_of_the_beam_is_let_in(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.clear("beam")
    bench.wait(3)
    bench.let_in()
    assert len(bench.all(OpenBarrier)) == 1


def test_ok__a_short_gap_in_the_beam_does_not_start_another_visit(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.clear("beam")
    bench.wait(0.3)
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1


def test_ok__a_requested_reading_continues_when_a_vehicle_arrives(make_bench):
    bench = make_bench()
    bench.send(TriggerRequested("console"))
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1
