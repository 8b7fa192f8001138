# SPDX-License-Identifier: Apache-2.0
"""Other users of the journal while cars pass: no grant waits for them, nothing is deleted because
of them, and nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plategate.errors import StoreError
from plategate.journal import STORE, Journal, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import JournalReader
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, PlateSighting, Reason, Result, Still, Verdict

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
NOISE = np.random.default_rng(3).integers(0, 255, (200, 320, 3), np.uint8)
PATIENCE_S = 30.0


def a_passage(passage_id: str) -> Passage:
    verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate="A1")
    return Passage(passage_id, "entrance", AT, "beam", verdict)


def pass_through(journal: Journal, name: str) -> None:
    """One car, as the gate's workers handle it: a passage that has to wait is logged by them."""
    journal.begin_grant(name, "A1", AT)
    try:
        journal.record(a_passage(name), PlateSighting(None, None, Still(NOISE, "test")))
    except StoreError as error:
        assert "is not stored yet" in str(error)


def pictures(folder: Path) -> int:
    return len(list(folder.glob("evidence/*/*.jpg")))


def within(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, min_free_mb=10)


@pytest.fixture
def journal(settings: JournalSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("plategate.journal.waiting.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.waiting.RETRY_S", 0.05)
    journal = open_journal(settings)
    yield journal
    journal.close()


def other_user(folder: Path) -> sqlite3.Connection:
    """As the sqlite3 shell or a backup program opens the file."""
    return sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=PATIENCE_S)


def test_ok__write_lock_of_another_program_costs_nothing(journal: Journal, tmp_path: Path) -> None:
    for number in range(5):
        pass_through(journal, f"before-{number}")
    with closing(other_user(tmp_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            pass_through(journal, f"during-{number}")
        assert "5 passages or events wait to be stored" in journal.problems[STORE]
        with pytest.raises(StoreError, match="not stored yet"):
            journal.add_event(GateEvent("e", "entrance", AT, "fire"))
        journal.tidy(AT, clock_trusted=True)
        assert pictures(tmp_path) == 10
        other.execute("ROLLBACK")
    assert within(lambda: STORE not in journal.problems)
    with closing(JournalReader(tmp_path)) as reader:
        found = reader.events_after(0)
        assert [each.document.get("what") or each.document["id"] for each in found] == [
            *(f"before-{number}" for number in range(5)),
            *(f"during-{number}" for number in range(5)),
            "fire",
        ]
        assert all(len(each.evidence) == 1 for each in found[:10])
        assert reader.read(verify_chain).broken_at == ()
        assert reader.unfinished_grants() == []


@pytest.mark.parametrize("end", ["stopped", "killed", "killed after storing"])
def test_ok__passages_and_events_that_wait_survive_the_end_of_the_gate(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The gate ends while another program still holds the lock, or when it had just stored them."""
    monkeypatch.setattr("plategate.journal.waiting.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.waiting.CLOSE_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.waiting.RETRY_S", PATIENCE_S)
    journal = open_journal(settings)
    waiting = settings.dir / "journal.waiting"
    with closing(other_user(settings.dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        pass_through(journal, "one")
        refused = Passage("two", "entrance", AT, "beam", Verdict(Result.REFUSED, Reason.NOT_LISTED))
        for store in (
            lambda: journal.record(refused),
            lambda: journal.add_event(GateEvent("e", "entrance", AT, "fire")),
        ):
            with pytest.raises(StoreError, match="not stored yet"):
                store()
        saved = waiting.read_bytes()
        if end == "stopped":
            journal.close()
    if end != "stopped":
        if end == "killed after storing":
            journal.tidy(AT, clock_trusted=False)
            assert not waiting.exists()
        # As a kill leaves the folder; the last line was torn by the end.
        journal.close()
        waiting.write_bytes(saved + saved[:40])
        if end == "killed":
            with closing(sqlite3.connect(settings.dir / FILE_NAME)) as database, database:
                database.execute("DELETE FROM passages")
                database.execute("DELETE FROM evidence")
    journal = open_journal(settings)
    with closing(JournalReader(settings.dir)) as reader:
        found = reader.events_after(0)
        assert [each.document.get("what") or each.passage.id for each in found] == [
            "one",
            "two",
            "fire",
        ]
        assert [len(each.evidence) for each in found] == [1, 0, 0]
        assert found[0].passage.barrier == "not moved"
        assert reader.read(verify_chain).broken_at == ()
    assert not waiting.exists()
    journal.close()


def test_ok__passages_that_wait_are_stored_when_the_gate_stops(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.waiting.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.waiting.RETRY_S", PATIENCE_S)
    journal = open_journal(settings)
    with closing(other_user(settings.dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        pass_through(journal, "one")
    journal.close()
    with closing(JournalReader(settings.dir)) as reader:
        assert [each.passage.barrier for each in reader.events_after(0)] == ["not moved"]


def test_ok__reader_in_the_middle_holds_up_neither_grants_nor_tidying(
    journal: Journal, tmp_path: Path
) -> None:
    for number in range(50):
        pass_through(journal, f"before-{number}")
    with closing(other_user(tmp_path)) as reader:
        cursor = reader.execute("SELECT document FROM passages")
        cursor.fetchone()
        pass_through(journal, "during")
        tidied = threading.Thread(target=journal.tidy, args=(AT, True))
        tidied.start()
        tidied.join(PATIENCE_S)
        assert not tidied.is_alive()
        pass_through(journal, "after")
        assert len(cursor.fetchall()) == 49
    assert STORE not in journal.problems
    assert len(journal.passages(limit=100)) == 52


def test_ok__grant_needs_no_lock_of_the_database(journal: Journal) -> None:
    """A grant does not wait for tidying, recording or repairing."""
    done = threading.Thread(target=journal.begin_grant, args=("one", "A1", AT))
    with journal._store.lock, journal._events._lock:
        done.start()
        done.join(PATIENCE_S)
        assert not done.is_alive()
    journal.record(a_passage("one"))


def test_ok__backup_while_cars_pass_is_whole(journal: Journal, tmp_path: Path) -> None:
    for number in range(20):
        pass_through(journal, f"before-{number}")
    with (
        closing(other_user(tmp_path)) as source,
        closing(sqlite3.connect(tmp_path / "backup.sqlite")) as backup,
    ):
        passed: list[str] = []

        def one_more(*_: int) -> None:
            if len(passed) < 10:
                passed.append(f"during-{len(passed)}")
                pass_through(journal, passed[-1])

        source.backup(backup, pages=4, progress=one_more)
        report = verify_chain(backup)
    assert len(passed) == 10
    assert report.broken_at == ()
    assert report.passages >= 20
    assert len(journal.passages(limit=100)) == 30
    assert STORE not in journal.problems


def test_ok__gate_that_starts_while_another_program_holds_the_lock(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.waiting.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.waiting.RETRY_S", 0.05)
    journal = open_journal(settings)
    journal.begin_grant("interrupted", "A1", AT)
    journal.close()
    with closing(other_user(settings.dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        journal = open_journal(settings)
        pass_through(journal, "one")
    assert within(lambda: STORE not in journal.problems)
    assert {passage.id for passage in journal.passages()} == {"interrupted", "one"}
    journal.close()
