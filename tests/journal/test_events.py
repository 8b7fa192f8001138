# SPDX-License-Identifier: Apache-2.0
"""Passages and events are one numbered, hash-chained sequence, which consumers read at their own
pace, while a gate runs and while none does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.documents import EVENT, PASSAGE
from plategate.errors import StoreError
from plategate.journal import Journal, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import EventFilter, JournalReader
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, Reason, Result, Verdict

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ALARMS = ("alarm", "fire", "forced_open", "tailgated", "refused_passed")


def a_passage(passage_id: str, plate: str = "A1", at: datetime = AT) -> Passage:
    verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate=plate)
    return Passage(passage_id, "entrance", at, "beam", verdict)


def an_event(what: str, at: datetime = AT, passage_id: str | None = None) -> GateEvent:
    return GateEvent(f"id-{what}", "entrance", at, what, passage_id, "some detail")


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, min_free_mb=10)


@pytest.fixture
def journal(settings: JournalSettings) -> Iterator[Journal]:
    journal = open_journal(settings)
    yield journal
    journal.close()


def shown(folder: Path, *arguments: str) -> str:
    config = folder / "settings.toml"
    config.write_text(f'[journal]\ndir = "{folder}"\n')
    done = CliRunner().invoke(app, ["journal", *arguments, "--config", str(config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def test_ok__passages_and_events_share_one_sequence_and_one_chain(
    journal: Journal, tmp_path: Path
) -> None:
    journal.record(a_passage("one"))
    journal.add_event(an_event("tailgated", passage_id="one"))
    journal.record(a_passage("two"))
    with closing(JournalReader(tmp_path)) as reader:
        found = reader.events_after(0)
        assert [(each.sequence, each.kind) for each in found] == [
            (1, PASSAGE),
            (2, EVENT),
            (3, PASSAGE),
        ]
        assert found[1].event == an_event("tailgated", passage_id="one")
        assert [each.sequence for each in reader.events_after(1, limit=1)] == [2]
        assert reader.events_after(3) == []
        assert reader.newest_sequence() == 3
        report = reader.read(verify_chain)
    assert (report.passages, report.events, report.broken_at) == (2, 1, ())
    assert [passage.id for passage in journal.passages()] == ["two", "one"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE passages SET document = replace(document, 'tailgated', 'fire') WHERE sequence = 2",
        "UPDATE passages SET kind = 'passage' WHERE sequence = 2",
    ],
)
def test_fail__changed_event_breaks_the_chain(
    journal: Journal, tmp_path: Path, change: str
) -> None:
    journal.record(a_passage("one"))
    journal.add_event(an_event("tailgated"))
    journal._store.database.execute(change)
    assert verify_chain(journal._store.database).broken_at == (2,)
    assert "event number 2: changed or cut out" in shown(tmp_path, "check")


def test_fail__event_that_was_cut_out_breaks_the_chain(journal: Journal) -> None:
    for number in range(3):
        journal.add_event(an_event(f"event-{number}"))
    journal._store.database.execute("DELETE FROM passages WHERE sequence = 2")
    assert verify_chain(journal._store.database).broken_at == (3,)


def test_ok__each_class_of_events_is_kept_for_its_days(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, event_days=10, alarm_days=90))
    for days in (5, 50, 100):
        for what in ("camera_lost", "mode", *ALARMS):
            journal.add_event(an_event(f"{what}", AT - timedelta(days=days)))
    journal.tidy(AT, clock_trusted=True)
    with closing(JournalReader(tmp_path)) as reader:
        events = [each.event for each in reader.events_after(0)]
    purged = [event for event in events if event.what == "purged"]
    assert sum(json.loads(event.detail)["events"] for event in purged) == 2 * 2 + len(ALARMS)
    kept = [(event.what, (AT - event.at).days) for event in events if event.what != "purged"]
    assert set(kept) == {
        *((what, 5) for what in ("camera_lost", "mode")),
        *((what, days) for what in ALARMS for days in (5, 50)),
    }
    assert verify_chain(journal._store.database).broken_at == ()
    journal.close()


def test_ok__flood_of_events_is_bounded_and_costs_no_passage(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, passages_max=100))
    journal.record(a_passage("one"))
    for _ in range(150):
        journal.add_event(an_event("camera_lost"))
    journal.tidy(AT, clock_trusted=False)
    report = verify_chain(journal._store.database)
    # One event more says in the purge log what was deleted.
    assert (report.passages, report.events, report.broken_at) == (1, 101, ())
    journal.close()
    with closing(JournalReader(tmp_path)) as reader:
        left = reader.newest(None, EventFilter(kind="event", whats=("camera_lost",)))
    assert len(left) == 100


def test_ok__consumer_sees_a_rebuilt_journal_as_the_same_one(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    for number in range(300):
        journal.record(a_passage(f"passage-{number}"))
    journal.close()
    file = settings.dir / FILE_NAME
    reader = JournalReader(settings.dir)
    identity, newest = reader.identity(), reader.newest_sequence()
    assert newest == 300
    # The end of the file, where the newest passages are.
    content = bytearray(file.read_bytes())
    end = len(content) * 3 // 4 // 4096 * 4096
    content[end:] = b"\xa5" * (len(content) - end)
    file.write_bytes(content)
    journal = open_journal(settings)
    assert journal.notices
    journal.add_event(an_event("fire"))
    assert reader.identity() == identity
    (event,) = reader.events_after(newest)
    assert event.event.what == "fire"
    reader.close()
    journal.close()


def test_ok__another_journal_has_another_identity(tmp_path: Path) -> None:
    found = set()
    for name in ("a", "b"):
        open_journal(JournalSettings(dir=tmp_path / name)).close()
        with closing(JournalReader(tmp_path / name)) as reader:
            found.add(reader.identity())
    assert len(found) == 2
    assert 0 not in found


def test_fail__journal_that_is_not_there_is_named(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path)
    with pytest.raises(StoreError, match=f"there is no journal yet: {tmp_path / FILE_NAME}"):
        reader.events_after(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
@pytest.mark.parametrize("gate", ["runs", "stopped", "killed"])
def test_ok__user_who_may_only_read_reads_all_events(open_folder: Path, gate: str) -> None:
    settings = JournalSettings(dir=open_folder, min_free_mb=10)
    journal = open_journal(settings)
    journal.record(a_passage("one"))
    journal.add_event(an_event("fire"))
    if gate == "stopped":
        journal.close()
    if gate == "killed":
        (settings.dir / f"{FILE_NAME}-shm").unlink()
    (settings.dir / "grants.reserve").chmod(0o644)
    code = (
        "import os, sys; from pathlib import Path;"
        "from plategate.journal.reader import JournalReader;"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        "reader = JournalReader(Path(sys.argv[1]));"
        "print(len(reader.events_after(0)), len(reader.unfinished_grants()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(settings.dir)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "2 0\n", done.stderr
    journal.close()


def test_ok__show_and_export_know_events_plates_and_single_passages(
    journal: Journal, tmp_path: Path
) -> None:
    journal.record(a_passage("one", "A1"))
    journal.add_event(an_event("tailgated", passage_id="one"))
    journal.record(a_passage("two", "B2"))
    journal.add_event(an_event("camera_lost"))
    table = shown(tmp_path, "show", "--events")
    assert "tailgated" in table and "camera lost" in table and "A1" not in table
    lines = [
        json.loads(line) for line in shown(tmp_path, "show", "--events", "--json").splitlines()
    ]
    assert [(line["sequence"], line["what"]) for line in lines] == [
        (4, "camera_lost"),
        (2, "tailgated"),
    ]
    assert all("salt" not in line for line in lines)
    (line,) = shown(tmp_path, "show", "--plate", "b-2", "--json").splitlines()
    assert json.loads(line)["id"] == "two"
    (line,) = shown(tmp_path, "show", "--events", "--plate", "A 1", "--json").splitlines()
    assert json.loads(line)["what"] == "tailgated"
    sheet = shown(tmp_path, "show", "one")
    assert "event 2" in sheet and "tailgated" in sheet and "B2" not in sheet
    assert "no passage three" in str(
        CliRunner()
        .invoke(app, ["journal", "show", "three", "--config", str(tmp_path / "settings.toml")])
        .exception
    )
    header, *rows = shown(tmp_path, "export", "--events", "--format", "csv").splitlines()
    assert header == "sequence,id,lane,at,what,passage_id,detail"
    assert [row.split(",")[4] for row in rows] == ["tailgated", "camera_lost"]


@pytest.mark.parametrize("hours", [-8, 0, 5])
def test_ok__times_of_a_filter_count_in_any_zone(
    journal: Journal, settings: JournalSettings, hours: int
) -> None:
    """The console searches in the zone of the gate, the journal stores UTC."""
    zone = timezone(timedelta(hours=hours))
    for name, minutes in (("one", 0), ("two", 30), ("three", 60)):
        journal.record(a_passage(name, at=AT + timedelta(minutes=minutes)))
    second, third = ((AT + timedelta(minutes=n)).astimezone(zone) for n in (30, 60))
    with closing(JournalReader(settings.dir)) as reader:
        found = reader.newest(None, EventFilter(since=second))
        assert [item.document["id"] for item in found] == ["three", "two"]
        found = reader.newest(None, EventFilter(since=second, until=third))
        assert [item.document["id"] for item in found] == ["two"]


def test_ok__events_are_read_by_their_numbers(journal: Journal, settings: JournalSettings) -> None:
    for name in ("a", "b", "c"):
        journal.record(a_passage(name))
    with closing(JournalReader(settings.dir)) as reader:
        assert [each.sequence for each in reader.numbered([3, 1, 99])] == [1, 3]
