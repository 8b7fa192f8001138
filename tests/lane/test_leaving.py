# SPDX-License-Identifier: Apache-2.0
"""Vehicles that leave while they are read, and others that come. Needs nothing but Python."""

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


def test_fail__a_vehicle_is_not_let_in_on_the_plate_of_one_that_left_while_it_was_read(make_bench):
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


def test_fail__nor_on_a_verdict_that_comes_after_it_left(make_bench):
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


def test_ok__a_vehicle_that_rolled_out_of_the_beam_is_let_in_where_no_other_came(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.clear("beam")
    bench.wait(3)
    bench.let_in()
    assert len(bench.all(OpenBarrier)) == 1


def test_ok__a_gap_in_the_beam_does_not_start_over(make_bench):
    bench = make_bench()
    bench.put("beam")
    bench.clear("beam")
    bench.wait(0.3)
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1


def test_ok__a_reading_asked_for_by_a_person_is_not_given_up_for_the_vehicle_that_comes(make_bench):
    bench = make_bench()
    bench.send(TriggerRequested("console"))
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 1
