# SPDX-License-Identifier: Apache-2.0
"""Other users of the journal, and disks that are full or read-only, while cars pass: no grant waits
for them, nothing is deleted for them, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plategate.errors import StoreError
from plategate.journal import EVIDENCE, STORE, Journal, open_journal
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
    monkeypatch.setattr("plategate.journal.journal.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.journal.RETRY_S", 0.05)
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


def test_ok__passages_that_wait_are_stored_by_the_next_start_as_interrupted(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate is stopped while another program still holds the lock."""
    monkeypatch.setattr("plategate.journal.journal.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.journal.CLOSE_WAIT_S", 0.1)
    journal = open_journal(settings)
    with closing(other_user(settings.dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        pass_through(journal, "one")
        journal.close()
    journal = open_journal(settings)
    assert [passage.id for passage in journal.passages()] == ["one"]
    journal.close()


def test_ok__passages_that_wait_are_stored_when_the_gate_stops(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.journal.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.journal.RETRY_S", PATIENCE_S)
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
    """Whatever tidies, records or repairs: the grant does not wait for it."""
    done = threading.Thread(target=journal.begin_grant, args=("one", "A1", AT))
    with journal._store.lock, journal._appending:
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    file = folder / "fill"
    with file.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1024))
        except OSError:
            return file


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__full_disk_costs_pictures_only(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.journal.RETRY_S", 0.05)
    monkeypatch.setattr("plategate.journal.evidence.has_room", lambda _: True)
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    for number in range(3):
        pass_through(journal, f"before-{number}")
    filled = fill(small_disk)
    names = [f"during-{number}" for number in range(100)]
    for name in names:
        # Whatever the removed pictures freed is taken by somebody else.
        fill(small_disk / "evidence")
        pass_through(journal, name)
    assert STORE in journal.problems
    assert EVIDENCE in journal.problems
    assert not list(small_disk.glob("evidence/*/*.jpg"))
    for file in (filled, small_disk / "evidence" / "fill"):
        file.unlink()
    assert within(lambda: STORE not in journal.problems)
    kept = [passage.id for passage in journal.passages(limit=200)][::-1]
    assert kept == [*(f"before-{number}" for number in range(3)), *names]
    assert verify_chain(journal._store.database).broken_at == ()
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__gate_that_starts_on_a_full_disk_grants_and_keeps_the_grants(small_disk: Path) -> None:
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    pass_through(journal, "before")
    journal.close()
    filled = fill(small_disk)
    for start in range(3):
        journal = open_journal(settings)
        pass_through(journal, f"start-{start}")
        journal.close()
    filled.unlink()
    journal = open_journal(settings)
    kept = {passage.id for passage in journal.passages()}
    assert kept == {"before", "start-0", "start-1", "start-2"}
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__gate_that_starts_on_a_read_only_disk_grants_nothing_and_changes_nothing(
    small_disk: Path,
) -> None:
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    pass_through(journal, "before")
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    journal = open_journal(settings)
    assert "passages are kept in memory" in journal.problems[STORE]
    with pytest.raises(StoreError, match="Read-only file system"):
        journal.begin_grant("during", "A1", AT)
    journal.record(a_passage("during"))
    assert [passage.id for passage in journal.passages()] == ["during"]
    with closing(JournalReader(small_disk)) as reader:
        assert [each.passage.id for each in reader.events_after(0)] == ["before"]
    journal.close()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    journal = open_journal(settings)
    assert [passage.id for passage in journal.passages()] == ["before"]
    journal.close()


def test_ok__disk_that_becomes_read_only_grants_nothing_and_loses_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    pass_through(journal, "before")
    journal._store.database.execute("PRAGMA query_only = ON")
    writable = journal._grants._descriptor
    journal._grants._descriptor = os.open(tmp_path / "grants.reserve", os.O_RDONLY)
    with pytest.raises(StoreError, match="a grant cannot be written"):
        journal.begin_grant("during", "A1", AT)
    with pytest.raises(StoreError, match="not stored yet"):
        journal.record(a_passage("during"))
    assert "attempt to write a readonly database" in journal.problems[STORE]
    journal._store.database.execute("PRAGMA query_only = OFF")
    os.close(journal._grants._descriptor)
    journal._grants._descriptor = writable
    assert within(lambda: STORE not in journal.problems)
    assert [passage.id for passage in journal.passages()] == ["during", "before"]


def test_ok__gate_that_starts_while_another_program_holds_the_lock(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.journal.BUSY_WAIT_S", 0.1)
    monkeypatch.setattr("plategate.journal.journal.RETRY_S", 0.05)
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
