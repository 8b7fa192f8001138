# SPDX-License-Identifier: Apache-2.0
"""A damaged journal is kept as it was found; everything readable is copied into a new one."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.journal import Journal, open_journal, repair
from plategate.journal import database as tables
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.events import EventRow
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, Reason, Result, Verdict

AT = datetime(2026, 3, 1, tzinfo=UTC)


def a_passage(passage_id: str) -> Passage:
    verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate="A1")
    return Passage(passage_id, "l", AT, "beam", verdict)


def filled(folder: Path, passages: int) -> Journal:
    journal = open_journal(JournalSettings(dir=folder, min_free_mb=10))
    for number in range(passages):
        journal.record(a_passage(f"p{number}"))
    return journal


def after_a_power_cut(folder: Path, passages: int, target: Path) -> dict[str, bytes]:
    """The files as a running gate leaves them: most of the journal is in the WAL."""
    journal = filled(folder, passages)
    target.mkdir()
    for file in folder.glob(f"{FILE_NAME}*"):
        shutil.copy(file, target / file.name)
    journal.close()
    return hashes(target, FILE_NAME)


def hashes(folder: Path, prefix: str) -> dict[str, bytes]:
    return {
        file.name.removeprefix(prefix): hashlib.sha256(file.read_bytes()).digest()
        for file in folder.iterdir()
        if file.name.startswith(prefix) and not file.name.endswith("-shm")
    }


def set_aside(folder: Path) -> str:
    (file,) = folder.glob("journal.damaged-*.sqlite")
    return file.name


def test_ok__damaged_files_are_kept_to_the_byte(tmp_path: Path) -> None:
    found = after_a_power_cut(tmp_path / "a", 50, tmp_path / "b")
    assert set(found) == {"", "-wal"}
    database, sentence = repair.rebuild(tmp_path / "b", AT, "test")
    database.close()
    assert "50 passages were carried over" in sentence
    assert hashes(tmp_path / "b", set_aside(tmp_path / "b")) == found
    assert not list((tmp_path / "b").glob("journal.damaged-*-shm"))


@pytest.mark.parametrize("seed", range(8))
def test_ok__damage_that_a_start_finds_is_kept_to_the_byte(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "b"
    after_a_power_cut(tmp_path / "a", 200, folder)
    (folder / f"{FILE_NAME}-wal").unlink()
    filled(folder, 0).close()
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "a" / FILE_NAME, folder / FILE_NAME)
    chance = random.Random(seed)
    content = bytearray((folder / FILE_NAME).read_bytes())
    page = chance.randrange(1, len(content) // 4096) * 4096
    content[page : page + 4096] = chance.randbytes(4096)
    (folder / FILE_NAME).write_bytes(content)
    found = hashes(folder, FILE_NAME)
    journal = open_journal(JournalSettings(dir=folder, min_free_mb=10))
    assert len(journal.passages(limit=300)) > 100
    assert journal.notices
    assert hashes(folder, set_aside(folder)) == found
    journal.record(a_passage("after"))
    journal.close()


def test_ok__damage_that_a_running_gate_finds_is_kept_as_it_was(tmp_path: Path) -> None:
    journal = filled(tmp_path, 100)
    # What a failing card does to a file while it is open; the page cache of SQLite is emptied.
    journal._store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    with (tmp_path / FILE_NAME).open("r+b") as stream:
        stream.write(content)
    journal._store.database.execute("PRAGMA shrink_memory")
    found = hashes(tmp_path, FILE_NAME)
    journal.record(a_passage("after"))
    assert [passage.id for passage in journal.passages()] == ["after"]
    assert journal.notices
    kept = hashes(tmp_path, set_aside(tmp_path))
    assert kept[""] == found[""]
    journal.close()


def test_ok__rebuild_on_a_full_disk_keeps_the_newest_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, 300).close()
    opened = tables.open_database

    def nearly_full(file: Path) -> sqlite3.Connection:
        database = opened(file)
        database.execute("PRAGMA max_page_count = 40")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(tables, "open_database", nearly_full)
        database, sentence = repair.rebuild(tmp_path, AT, "test")
    assert "the disk is full, older passages are in the file that was set aside only" in sentence
    assert not database.in_transaction
    kept = [row[0] for row in database.execute("SELECT id FROM passages ORDER BY sequence")]
    assert len(kept) >= 50
    assert kept == [f"p{number}" for number in range(300 - len(kept), 300)]
    assert verify_chain(database).broken_at == ()
    database.close()
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    journal.record(a_passage("after"))
    assert journal.problems == {}
    journal.close()


def test_ok__rebuild_without_space_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no space even for an empty journal; later there is."""
    settings = JournalSettings(dir=tmp_path, min_free_mb=10)
    filled(tmp_path, 200).close()
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    file.write_bytes(content)

    opened = tables.open_database

    def full(file: Path | None) -> sqlite3.Connection:
        if file is None:
            return opened(None)
        raise OSError(28, "No space left on device")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(tables, "open_database", full)
            journal = open_journal(settings)
            assert "passages are kept in memory" in journal.problems["journal_store"]
            journal.begin_grant("during", "A1", AT)
            journal.close()
        assert file.read_bytes() == content
    journal = open_journal(settings)
    kept = {passage.id for passage in journal.passages(limit=300)}
    assert len(kept) > 180
    assert {"p0", "p199", "during"} <= kept
    assert set_aside(tmp_path)
    journal.close()


def test_ok__running_gate_tries_a_rebuild_without_space_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = filled(tmp_path, 10)

    def full(_: Path) -> sqlite3.Connection:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tables, "open_database", full)
        patch.setattr(journal._store, "_insert", damaged_once(journal))
        with pytest.raises(StoreError, match="not stored yet"):
            journal.record(a_passage("after"))
        assert "No space left" in journal.problems["journal_store"]
    journal.tidy(AT, clock_trusted=False)
    assert [passage.id for passage in journal.passages(limit=2)] == ["after", "p9"]
    journal.close()


def damaged_once(journal: Journal) -> Callable[[EventRow], None]:
    insert = journal._store._insert
    calls: list[EventRow] = []

    def damaged(row: EventRow) -> None:
        calls.append(row)
        if len(calls) == 1:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        insert(row)

    return damaged


def test_ok__event_with_a_damaged_text_keeps_no_other_event_from_being_copied(
    tmp_path: Path,
) -> None:
    journal = filled(tmp_path, 1)
    for name in ("one", "two"):
        journal.add_event(GateEvent(name, "l", AT, "fault", None, name))
    journal.record(a_passage("last"))
    damage = "UPDATE passages SET document = replace(document, '{', '\x07') WHERE sequence = 2"
    journal.change(lambda database: database.execute(damage))
    journal.close()
    database, sentence = repair.rebuild(tmp_path, AT, "test")
    assert "2 passages were carried over" in sentence
    assert database.execute("SELECT count(*) FROM passages").fetchone() == (4,)
    assert verify_chain(database).broken_at == (2,)
    database.close()
