# SPDX-License-Identifier: Apache-2.0
"""Personal data are kept no longer and take no more space than the settings allow."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from plategate.journal import Journal, open_journal, retention
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import EventFilter, JournalReader
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, PlateSighting, Reason, Result, Still, Verdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOISE = np.random.default_rng(2).integers(0, 255, (400, 640, 3), np.uint8)


def record(journal: Journal, name: str, days_ago: float, verdict: Verdict) -> None:
    at = NOW - timedelta(days=days_ago)
    passage = Passage(name, "lane", at, "beam", verdict)
    journal.record(passage, PlateSighting(None, None, Still(NOISE, "test")))


def kept(journal: Journal) -> set[str]:
    return {passage.id for passage in journal.passages(limit=-1)}


GRANTED = Verdict(Result.GRANTED, Reason.ALLOWED, plate="SECRET1")
REFUSED = Verdict(Result.REFUSED, Reason.NOT_LISTED, plate="SECRET2")
UNSURE = Verdict(Result.UNSURE, Reason.NOT_READABLE)
WANTED = replace(REFUSED, reason=Reason.WANTED, alarm="stolen")


def test_ok__each_class_is_kept_for_its_days(tmp_path: Path) -> None:
    settings = JournalSettings(
        dir=tmp_path, granted_days=10, refused_days=20, unsure_days=3, alarm_days=90
    )
    journal = open_journal(settings)
    for days in (2, 5, 15, 30, 100):
        record(journal, f"granted-{days}", days, GRANTED)
        record(journal, f"refused-{days}", days, REFUSED)
        record(journal, f"unsure-{days}", days, UNSURE)
        record(journal, f"wanted-{days}", days, WANTED)
    journal.tidy(NOW, clock_trusted=True)
    expected = {"granted-2", "granted-5", "refused-2", "refused-5", "refused-15", "unsure-2"}
    assert kept(journal) == expected | {f"wanted-{days}" for days in (2, 5, 15, 30)}
    assert verify_chain(journal._store.database).broken_at == ()
    journal.close()


def test_ok__forgotten_text_and_pictures_are_gone_from_the_disk(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, granted_days=1, refused_days=50))
    record(journal, "old", 5, GRANTED)
    record(journal, "young", 5, REFUSED)
    journal.tidy(NOW, clock_trusted=True)
    journal.close()
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert {FILE_NAME, FILE_NAME + "-wal"} <= {file.name for file in files}
    assert not any(b"SECRET1" in file.read_bytes() for file in files)
    assert b"SECRET2" in (tmp_path / FILE_NAME).read_bytes()
    assert len(list(tmp_path.glob("evidence/*/*.jpg"))) == 1


def test_ok__untrusted_clock_forgets_nothing_by_age(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, granted_days=1))
    record(journal, "old", 5, GRANTED)
    journal.tidy(NOW, clock_trusted=False)
    assert kept(journal) == {"old"}
    journal.close()


def test_ok__pictures_are_deleted_before_their_passage(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, evidence_days=3))
    record(journal, "old", 5, GRANTED)
    record(journal, "alarm", 5, WANTED)
    journal.tidy(NOW, clock_trusted=True)
    pictures = {passage.id: len(passage.evidence) for passage in journal.passages()}
    assert pictures == {"old": 0, "alarm": 1}
    journal.close()


def test_ok__pictures_stay_within_their_limit_of_space(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, evidence_max_mb=1, jpeg_quality=100))
    for number in range(8):
        record(journal, f"passage-{number}", 1, GRANTED)
    before = sum(file.stat().st_size for file in tmp_path.glob("evidence/*/*.jpg"))
    journal.tidy(NOW, clock_trusted=False)
    after = sum(file.stat().st_size for file in tmp_path.glob("evidence/*/*.jpg"))
    assert before > 1_000_000 >= after
    assert len(kept(journal)) == 8
    journal.close()


def test_ok__oldest_passages_are_deleted_beyond_their_number(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, passages_max=100, evidence="none"))
    for number in range(130):
        record(journal, f"passage-{number}", 1, GRANTED)
    journal.tidy(NOW, clock_trusted=False)
    assert kept(journal) == {f"passage-{number}" for number in range(30, 130)}
    (rows,) = journal._store.database.execute(
        "SELECT count(*) FROM passages WHERE class != 'purge'"
    ).fetchone()
    assert rows == 100
    journal.close()


def test_ok__orphaned_pictures_are_removed(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path))
    record(journal, "one", 1, GRANTED)
    folder = next(tmp_path.glob("evidence/*"))
    for name, age in (("left.jpg", 7200), ("left.jpg.part", 7200), ("new.jpg.part", 0)):
        file = folder / name
        file.touch()
        at = NOW.timestamp() - age
        os.utime(file, (at, at))
    journal.tidy(NOW, clock_trusted=True)
    names = {file.name for file in folder.iterdir()}
    assert "new.jpg.part" in names
    assert not names & {"left.jpg", "left.jpg.part"}
    journal.close()


def test_ok__tidying_reads_no_table_row_by_row(tmp_path: Path) -> None:
    """Passages wait for it: what does not fit is counted, and what is old is found, by an index."""
    journal = open_journal(JournalSettings(dir=tmp_path, granted_days=10, min_free_mb=10))
    for number in range(3):
        record(journal, f"old{number}", 20, GRANTED)
        record(journal, f"young{number}", 8, GRANTED)  # its pictures are old
    database, asked = journal._store.database, list[str]()
    database.set_trace_callback(asked.append)
    assert journal.tidy(NOW, clock_trusted=True) > 3
    database.set_trace_callback(None)
    asked = [each for each in asked if each.startswith(("SELECT", "DELETE FROM evidence"))]
    assert len(asked) > 10
    read_whole = {
        each
        for each in asked
        for line in database.execute(f"EXPLAIN QUERY PLAN {each}")
        if re.match(r"SCAN passages(?! USING COVERING)", line[3])
    }
    newest = "ORDER BY sequence DESC LIMIT 1"  # ends after a row
    assert not {each for each in read_whole if newest not in each}
    journal.close()


def test_ok__passages_and_events_are_counted_apart(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, passages_max=100, min_free_mb=10))
    for number in range(98):
        record(journal, f"p{number}", 1, GRANTED)
    for number in range(3):
        record(journal, f"w{number}", 1, WANTED)
    for number in range(100):
        what = "alarm" if number % 2 else "command"
        journal.add_event(GateEvent(f"e{number}", "lane", NOW, what, None, ""))
    journal.tidy(NOW, clock_trusted=False)
    assert len(kept(journal)) == 100
    assert "p0" not in kept(journal)
    journal.close()
    with closing(JournalReader(tmp_path)) as reader:
        events = reader.newest(None, EventFilter(kind="event"))
    assert sum(item.event.what in ("alarm", "command") for item in events) == 100


def test_ok__no_passage_waits_while_the_folder_of_pictures_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    record(journal, "one", 1, GRANTED)
    remove, free = retention.remove_orphans, list[bool]()

    def take_the_lock() -> None:
        free.append(journal._store.lock.acquire(timeout=1))
        if free[-1]:
            journal._store.lock.release()

    def remove_while_another_thread_writes(settings: JournalSettings, now: datetime) -> int:
        other = threading.Thread(target=take_the_lock)
        other.start()
        other.join()
        return remove(settings, now)

    monkeypatch.setattr(retention, "remove_orphans", remove_while_another_thread_writes)
    journal.tidy(NOW, clock_trusted=True)
    assert free == [True]
    journal.close()


def test_fail__a_journal_in_memory_removes_no_pictures_of_the_one_on_the_disk(
    tmp_path: Path,
) -> None:
    """Such as that of a newer version, which this one leaves alone."""
    settings = JournalSettings(dir=tmp_path, min_free_mb=10)
    journal = open_journal(settings)
    record(journal, "one", 1, GRANTED)
    journal.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as newer:
        newer.execute("PRAGMA user_version = 99")
    pictures = sorted(tmp_path.glob("evidence/*/*"))
    assert pictures
    for file in pictures:
        os.utime(file, (NOW.timestamp() - 7200,) * 2)
    journal = open_journal(settings)
    journal.tidy(NOW, clock_trusted=True)
    journal.close()
    assert sorted(tmp_path.glob("evidence/*/*")) == pictures
