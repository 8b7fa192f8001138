# SPDX-License-Identifier: Apache-2.0
"""Components of the gate: workers, camera feed, rules, modes, passages. Needs no board."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from plategate.clock import SystemClock
from plategate.errors import SettingsError
from plategate.gate.executor import CommandExecutor
from plategate.gate.passages import make_passage
from plategate.gate.startup import lane_rules, mode_chooser
from plategate.gate.workers import ThreadWorker
from plategate.messages import (
    HoldBarrier,
    InputName,
    Judge,
    Mode,
    Record,
    TakeStills,
    WriteGrant,
)
from plategate.rehearsal.clock import ManualClock
from plategate.settings.access import AccessSettings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.lane import LaneSettings, ModeWindow
from plategate.values import PlateSighting, Reason, Result, Still, Verdict

BEAM = frozenset({InputName.BEAM})


def test_fail__a_worker_survives_a_failing_job_and_refuses_beyond_its_queue(caplog):
    gate, done = threading.Event(), threading.Event()
    worker = ThreadWorker("test", 1, lambda: None)

    def raises() -> None:
        gate.wait(5)
        raise ZeroDivisionError

    assert worker.submit(raises)
    while not worker.submit(done.set):
        pass
    refused = [worker.submit(lambda: None) for _ in range(3)]
    gate.set()
    assert worker.stop(5)
    assert done.is_set()
    assert False in refused
    assert "a job failed" in caplog.text


def test_ok__an_idle_worker_keeps_no_pictures_of_its_last_job() -> None:
    picture, freed = np.zeros((2, 2, 3), np.uint8), threading.Event()
    weakref.finalize(picture, freed.set)
    worker = ThreadWorker("test", 1, lambda: None)
    assert worker.submit(picture.sum)
    del picture
    assert freed.wait(5)
    assert worker.stop(5)


class HeldWorker:
    """Keeps its jobs until the test runs them."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], None]) -> bool:
        self.jobs.append(job)
        return True

    def waiting(self) -> int:
        return 0


def test_fail__timings_of_a_passage_recorded_before_its_worker_is_done_are_dropped():
    vision, grants, records = HeldWorker(), HeldWorker(), HeldWorker()
    reader = SimpleNamespace(read_burst=lambda _: PlateSighting(None, None, None))
    components = SimpleNamespace(
        clock=SystemClock(),
        reader=reader,
        journal=SimpleNamespace(begin_grant=lambda *_: None, record=lambda *_: None),
        access=SimpleNamespace(
            note_grant=lambda *_: True, judge=lambda *_: Verdict(Result.UNSURE, Reason.NO_LIST)
        ),
        clock_trusted=lambda: True,
        drive=SimpleNamespace(hold=lambda: None),
    )
    executor = CommandExecutor(
        components=components,
        lane="main",
        prefix="p",
        feed=SimpleNamespace(burst=lambda *_: iter_stills()),
        vision=vision,
        grants=grants,
        records=records,
        post=lambda _: None,
        answers=queue.SimpleQueue(),
        observers=(),
    )
    granted = Verdict(Result.GRANTED, Reason.MANUAL)
    for number in range(100):
        passage_id = f"p-{number}"
        executor.execute(TakeStills(passage_id, 1, 0.0, 1))
        executor.execute(Judge(passage_id, None, 1))
        executor.execute(WriteGrant(passage_id, granted, 1))
        executor.execute(Record(passage_id, "manual", 0.0, granted, None, "opened", 0, ()))
        executor.execute(HoldBarrier(Reason.MANUAL, passage_id))
    for worker in (vision, grants, records):
        for job in worker.jobs:
            job()
    assert executor._timings == {}


def iter_stills() -> Iterator[Still]:
    yield Still(np.zeros((2, 2, 3), np.uint8), "still")


def test_fail__a_trigger_that_is_not_wired_is_named():
    with pytest.raises(SettingsError, match=r"lane.triggers: loop is not wired"):
        lane_rules(LaneSettings(triggers=("loop",)), BarrierSettings(), BEAM)


def test_fail__closing_without_a_safety_input_is_refused():
    with pytest.raises(SettingsError, match=r"barrier.style"):
        lane_rules(LaneSettings(), BarrierSettings(style="open_and_close"), BEAM)


def test_ok__a_pulse_is_over_before_the_next_command():
    barrier = BarrierSettings(pulse_ms=2000, move_gap_ms=100)
    assert lane_rules(LaneSettings(), barrier, BEAM).move_gap_s > 2.0


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"triggers": ("beam", "beam")}, "twice"),
        ({"combine": "in_order"}, "at least two"),
        ({"triggers": ()}, "at least 1"),
    ],
)
def test_fail__contradicting_lane_settings_are_refused(table, sentence):
    with pytest.raises(ValueError, match=sentence):
        LaneSettings(**table)


def test_fail__a_pulse_longer_than_its_limit_is_refused():
    with pytest.raises(ValueError, match="longest_pulse_ms"):
        BarrierSettings(pulse_ms=1000, longest_pulse_ms=500)


def test_ok__scheduled_modes_need_a_trusted_clock():
    lane = LaneSettings(
        mode="locked",
        schedule=(
            ModeWindow(hours="mon-fri 07:00-09:00", mode="open"),
            ModeWindow(hours="mon-fri 06:00-20:00", mode="automatic"),
        ),
    )
    clock = ManualClock(beginning=datetime(2026, 6, 1, 5, 0, tzinfo=UTC))
    trusted = [True]
    choose = mode_chooser(lane, AccessSettings(zone="Europe/Berlin"), clock, lambda: trusted[0])
    assert choose() is Mode.OPEN
    clock.advance_to(clock.monotonic() + 3 * 3600)
    assert choose() is Mode.AUTOMATIC
    clock.advance_to(clock.monotonic() + 12 * 3600)
    assert choose() is Mode.LOCKED
    trusted[0] = False
    clock.advance_to(clock.monotonic() + 10 * 3600)
    assert choose() is Mode.LOCKED


def test_ok__without_a_schedule_the_mode_is_constant():
    choose = mode_chooser(LaneSettings(), AccessSettings(), SystemClock(), lambda: False)
    assert choose() is Mode.AUTOMATIC


def test_fail__invalid_hours_are_named():
    lane = LaneSettings(schedule=(ModeWindow(hours="someday", mode="open"),))
    with pytest.raises(SettingsError, match=r"lane.schedule"):
        mode_chooser(lane, AccessSettings(), SystemClock(), lambda: True)


def test_ok__a_passage_counts_wall_time_back_from_now():
    sighting = PlateSighting(None, None, None, 2, (("localize", 5.0), ("total", 9.0)))
    record = Record(
        passage_id="p-1",
        trigger="beam",
        triggered_s=100.0,
        verdict=Verdict(Result.GRANTED, Reason.ALLOWED),
        sighting=sighting,
        barrier="opened",
        vehicles=2,
        milestones=(("opened", 100.02),),
        repeat_of="p-0",
    )
    passage = make_passage(
        record,
        lane="main",
        wall_now=datetime(2026, 6, 1, 12, 0, 10, tzinfo=UTC),
        now_s=110.0,
        measured_ms={"capture": 3.0, "decide": 1.0},
        relay_s=100.025,
    )
    spent = dict(passage.milliseconds)
    assert passage.triggered_at == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert passage.barrier == "opened, 2 vehicles, same visit as p-0"
    assert spent["pipeline"] == 9.0
    assert spent["total"] == pytest.approx(25.0)
    assert spent["relay"] == pytest.approx(5.0)
    assert spent["ours"] == pytest.approx(13.0)
