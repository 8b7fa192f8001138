# SPDX-License-Identifier: Apache-2.0
"""Triggers: when a vehicle has arrived, and when it has left. Needs only Python."""

from __future__ import annotations

from plategate.lane import Combine
from plategate.messages import (
    InputName,
    Level,
    Record,
    TakeStills,
)
from tests.commanded import commanded


def test_ok__a_software_trigger_starts_a_reading(make_bench):
    bench = make_bench()
    bench.send(commanded("trigger"))
    bench.send(commanded("trigger"))
    assert len(bench.all(TakeStills)) == 1


def test_ok__beam_flutter_is_one_vehicle(make_bench):
    bench = make_bench(attempts=1)
    for _ in range(20):
        bench.put("beam")
        bench.wait(0.1)
        bench.clear("beam")
        bench.wait(0.1)
    assert len(bench.all(TakeStills)) == 1


def test_fail__a_stuck_beam_is_reported_once_and_ignored(make_bench):
    bench = make_bench(attempts=1, stuck_after_s=60.0)
    bench.put("beam")
    bench.read(None)
    bench.wait(500)
    assert bench.reports().count("sensor_stuck") == 1
    assert len(bench.all(Record)) == 1
    bench.clear("beam")
    assert bench.reports()[-1] == "sensor_back"
    bench.wait(5)
    bench.put("beam")
    assert len(bench.all(TakeStills)) == 2


def test_ok__combine_all_needs_every_trigger(make_bench):
    wired = frozenset({InputName.BEAM, InputName.DISTANCE})
    both = (InputName.BEAM, InputName.DISTANCE)
    bench = make_bench(wired=wired, triggers=both, combine=Combine.ALL)
    bench.put("beam")
    assert not bench.all(TakeStills)
    bench.put("distance")
    assert len(bench.all(TakeStills)) == 1


def test_ok__combine_in_order_tells_the_direction(make_bench):
    wired = frozenset({InputName.BEAM, InputName.DISTANCE})
    both = (InputName.BEAM, InputName.DISTANCE)
    bench = make_bench(wired=wired, triggers=both, combine=Combine.IN_ORDER)
    bench.put("distance")
    bench.wait(1)
    bench.put("beam")
    bench.wait(1)
    assert not bench.all(TakeStills), "a vehicle that leaves is not read"
    bench.clear("distance")
    bench.clear("beam")
    bench.wait(3)
    bench.put("beam")
    bench.wait(1)
    bench.put("distance")
    assert len(bench.all(TakeStills)) == 1


def test_ok__a_vehicle_from_the_inner_side_is_not_read(make_bench):
    wired = frozenset({InputName.BEAM, InputName.INNER_BEAM})
    bench = make_bench(wired=wired)
    bench.put("inner_beam")
    bench.wait(1)
    bench.put("beam")
    bench.wait(1)
    bench.clear("inner_beam")
    bench.wait(1)
    assert not bench.all(TakeStills)


def test_ok__an_unknown_trigger_neither_triggers_nor_arms(make_bench):
    bench = make_bench(attempts=1)
    bench.put("beam", Level.UNKNOWN)
    bench.wait(5)
    assert not bench.all(TakeStills)
    bench.put("beam")
    bench.read(None)
    bench.put("beam", Level.UNKNOWN)
    bench.wait(5)
    assert not bench.state.armed


def test_ok__an_input_that_is_not_wired_does_nothing(make_bench):
    bench = make_bench()
    before = bench.state
    bench.put("loop")
    assert bench.state == before
