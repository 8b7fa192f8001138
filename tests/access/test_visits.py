# SPDX-License-Identifier: Apache-2.0
"""Guards visits: each is counted once and durably, and the plates inside are known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from plategate.access.control import open_access
from plategate.access.store.lists import ListName
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.values import ListEntry, Reason, Result

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def gate(settings, tmp_path):
    opened = []

    def make(**changes):
        visits = {"visits_file": tmp_path / "visits.sqlite"}
        opened.append(open_access(settings.model_copy(update=visits | changes)))
        return opened[-1]

    yield make
    for control in opened:
        control.close()


def test_ok__a_counted_entry_opens_exactly_that_often(settings, fill, reading, gate):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=2))
    for passage in ("p1", "p2"):
        access = gate()  # a restart in between changes nothing
        verdict = access.judge(reading("A1"), NOW, False)
        assert verdict.result is Result.GRANTED
        assert access.note_grant(passage, verdict, NOW)
        assert access.note_grant(passage, verdict, NOW)  # noted twice, counted once
    verdict = gate().judge(reading("A1"), NOW, False)
    assert (verdict.result, verdict.reason) == (Result.REFUSED, Reason.ENTRIES_USED_UP)


def test_ok__a_count_survives_a_new_list_and_a_new_limit_restarts_it(settings, fill, reading, gate):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=1))
    access = gate()
    access.note_grant("p1", access.judge(reading("A1"), NOW, True), NOW)
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=1, holder="Anna"))
    assert access.judge(reading("A1"), NOW, True).reason is Reason.ENTRIES_USED_UP
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=2))
    assert access.judge(reading("A1"), NOW, True).result is Result.GRANTED


def test_fail__an_entry_that_cannot_be_counted_does_not_open(
    settings, fill, reading, gate, tmp_path
):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=1), ListEntry("B2"))
    access = gate(visits_file=tmp_path, direction="in")  # a folder where the file should be
    counted = access.judge(reading("A1"), NOW, True)
    assert (counted.result, counted.reason) == (Result.UNSURE, Reason.STORE_FAILED)
    unlimited = access.judge(reading("B2"), NOW, True)
    assert unlimited.result is Result.GRANTED
    assert access.note_grant("p1", unlimited, NOW)


def test_fail__a_failure_to_count_keeps_the_barrier_closed(settings, fill, reading, gate, tmp_path):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=1), ListEntry("B2"))
    access = gate(direction="in")
    counted, unlimited = (access.judge(reading(plate), NOW, True) for plate in ("A1", "B2"))
    assert counted.result is unlimited.result is Result.GRANTED
    (tmp_path / "visits.sqlite").mkdir()  # fails between the verdict and the grant
    assert not access.note_grant("p1", counted, NOW)
    assert access.note_grant("p2", unlimited, NOW)


def test_fail__two_lanes_share_the_last_entry(settings, fill, reading, gate):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", entries=2))
    lanes = [gate() for _ in range(4)]
    verdicts = [lane.judge(reading("A1"), NOW, True) for lane in lanes]
    assert {verdict.result for verdict in verdicts} == {Result.GRANTED}
    with ThreadPoolExecutor(len(lanes)) as pool:
        granted = list(
            pool.map(
                lambda lane, verdict: lane.note_grant(f"p{id(lane)}", verdict, NOW), lanes, verdicts
            )
        )
    assert sorted(granted) == [False, False, True, True]
    with closing(VisitStore(settings.file.parent / "visits.sqlite")) as visits:
        assert visits.used(verdicts[0].entry) == 2


def test_ok__anti_passback(settings, fill, reading, gate):
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    entrance = gate(direction="in", anti_passback="refuse")
    way_out = gate(direction="out", anti_passback="refuse")
    verdict = entrance.judge(reading("A1"), NOW, True)
    entrance.note_grant("p1", verdict, NOW)
    assert entrance.judge(reading("A1"), NOW, True).reason is Reason.ALREADY_INSIDE
    warned = gate(direction="in", anti_passback="warn").judge(reading("A1"), NOW, True)
    assert (warned.result, warned.alarm) == (Result.GRANTED, "already inside")
    leaving = way_out.judge(reading("A1"), NOW, True)
    assert leaving.result is Result.GRANTED
    way_out.note_grant("p2", leaving, NOW)
    assert entrance.judge(reading("A1"), NOW, True).result is Result.GRANTED


def test_ok__lists_the_plates_inside(tmp_path):
    store = VisitStore(tmp_path / "visits.sqlite")
    assert store.inside() == ()
    for number, plate in enumerate(("B2", "A1")):
        at = NOW + timedelta(hours=number)
        store.note(EntryUse(f"p{number}", plate, None, Direction.IN, at))
    assert [plate for plate, _ in store.inside()] == ["B2", "A1"]
    assert store.inside_since("A1") == NOW + timedelta(hours=1)
    assert store.forget_inside(NOW + timedelta(minutes=1)) == 1
    assert [plate for plate, _ in store.inside()] == ["A1"]
    store.close()


def test_ok__the_file_stays_open_until_it_is_closed_or_replaced(tmp_path):
    """Closing it after each grant would write its log into it, before the relay may move."""
    file, other = tmp_path / "visits.sqlite", tmp_path / "other.sqlite"
    log = file.with_name("visits.sqlite-wal")
    with closing(VisitStore(file)) as store, closing(VisitStore(other)) as restored:
        store.note(EntryUse("p1", "A1", None, Direction.IN, NOW))
        first = log.stat().st_ino
        store.note(EntryUse("p2", "B2", None, Direction.IN, NOW))
        assert len(store.inside()) == 2
        assert log.stat().st_ino == first
        restored.note(EntryUse("p3", "C3", None, Direction.IN, NOW))
        restored.close()
        log.unlink()
        other.replace(file)
        assert [plate for plate, _ in store.inside()] == ["C3"]
        store.note(EntryUse("p4", "A1", None, Direction.IN, NOW))
    assert not log.exists()
