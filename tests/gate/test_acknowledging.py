# SPDX-License-Identifier: Apache-2.0
"""Guards: an alarm is acknowledged once, by an event with who and why; nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plategate.clock import SystemClock
from plategate.errors import CommandError
from plategate.gate.acknowledging import Acknowledging
from plategate.journal import Journal, open_journal
from plategate.journal.alarms import ENDED_BY, Alarm, newest_alarms
from plategate.journal.chain import verify_chain
from plategate.journal.reader import JournalReader
from plategate.messages import FaultCode
from plategate.remote.client import new_request
from plategate.remote.protocol import ServiceName
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent

AT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    yield made
    made.close()


@pytest.fixture
def service(journal: Journal, tmp_path: Path) -> Acknowledging:
    return Acknowledging(journal, tmp_path, SystemClock(), "entrance")


def add(journal: Journal, *events: tuple[str, str]) -> None:
    for number, (what, detail) in enumerate(events):
        at = AT + timedelta(minutes=number)
        journal.add_event(GateEvent(f"e{number}", "entrance", at, what, None, detail))


def alarms(folder: Path, before: int | None = None) -> list[Alarm]:
    with closing(JournalReader(folder)) as reader:
        return newest_alarms(reader, 50, before)


def say(service: Acknowledging, who: str = "guard:ben", **data: Any) -> str:
    request = new_request(
        ServiceName.ACKNOWLEDGE, why="called the police", who=who, via="console", data=data
    )
    return service.acknowledge(request)[0]


def test_ok__an_alarm_is_acknowledged_with_who_and_why(
    journal: Journal, service: Acknowledging, tmp_path: Path
) -> None:
    add(journal, ("mode", "locked"), ("alarm", "wanted: certain"), ("camera_lost", "no frame"))
    (camera, wanted) = alarms(tmp_path)
    assert (wanted.stored.event.what, wanted.acknowledged) == ("alarm", None)
    assert say(service, sequence=wanted.stored.sequence) == "alarm is acknowledged"
    (camera, wanted) = alarms(tmp_path)
    assert wanted.acknowledged is not None
    assert (wanted.acknowledged.who, wanted.acknowledged.why) == ("guard:ben", "called the police")
    assert camera.acknowledged is None
    assert camera.lasts
    with closing(JournalReader(tmp_path)) as reader:
        assert reader.read(verify_chain).broken_at == ()


def test_fail__it_is_acknowledged_once_and_nothing_else_is(
    journal: Journal, service: Acknowledging, tmp_path: Path
) -> None:
    add(journal, ("mode", "locked"), ("fire", ""))
    (fire,) = alarms(tmp_path)
    say(service, sequence=fire.stored.sequence)
    with pytest.raises(CommandError, match="guard:ben has acknowledged it"):
        say(service, who="owner:anna", sequence=fire.stored.sequence)
    for wrong in ({"sequence": 1}, {"sequence": 99}):
        with pytest.raises(CommandError, match="is none of the alarms"):
            say(service, **wrong)
    for malformed in ({}, {"sequence": "2"}, {"sequence": True}, {"sequence": 2, "more": 1}):
        with pytest.raises(CommandError, match="data: needs sequence"):
            say(service, **malformed)


def test_ok__an_alarm_ends_with_its_own_counterpart(journal: Journal, tmp_path: Path) -> None:
    add(
        journal,
        ("sensor_stuck", "beam active"),
        ("sensor_stuck", "loop active"),
        ("fault", "left_open"),
        ("sensor_back", "loop"),
        ("reset", "manual"),
        ("fault", "forced_open"),
        ("list_set_aside", "central: unsigned"),
        ("list_source_back", "central"),
        ("tailgated", ""),
    )
    lasting = {alarm.stored.event.detail for alarm in alarms(tmp_path) if alarm.lasts}
    assert lasting == {"beam active", "forced_open"}
    ended = next(a for a in alarms(tmp_path) if a.stored.event.detail == "left_open")
    assert ended.ended_at == AT + timedelta(minutes=4)


def test_ok__an_old_alarm_keeps_its_answers_whatever_happened_since(
    journal: Journal, service: Acknowledging, tmp_path: Path
) -> None:
    add(journal, ("mode", "locked"), ("camera_lost", "no frame"), ("camera_back", ""), ("fire", ""))
    for alarm in alarms(tmp_path):
        say(service, sequence=alarm.stored.sequence)
    for number in range(1100):
        at = AT + timedelta(days=1, seconds=number)
        journal.add_event(GateEvent(f"later{number}", "entrance", at, "camera_back", None, ""))
    fire, camera = alarms(tmp_path)
    assert fire.acknowledged
    assert camera.acknowledged
    assert camera.ended_at == AT + timedelta(minutes=2)


def test_ok__pages_of_alarms_go_back_in_time(journal: Journal, tmp_path: Path) -> None:
    add(journal, *(("tailgated", str(number)) for number in range(5)))
    newest = alarms(tmp_path)
    assert [a.stored.event.detail for a in newest] == ["4", "3", "2", "1", "0"]
    older = alarms(tmp_path, before=newest[2].stored.sequence)
    assert [a.stored.event.detail for a in older] == ["1", "0"]


def test_ok__every_fault_is_an_alarm() -> None:
    assert ENDED_BY["fault"] == "reset"
    assert {FaultCode.FORCED_OPEN.value} <= set(ENDED_BY)
