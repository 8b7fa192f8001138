# SPDX-License-Identifier: Apache-2.0
"""Recorded passages are read back unchanged; grants survive a crash, a full and a damaged disk."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from plategate import storage
from plategate.errors import StoreError
from plategate.journal import EVIDENCE, INTERRUPTED, STORE, Journal, open_journal
from plategate.journal import evidence as evidence_module
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME, open_read_only
from plategate.settings.journal import JournalSettings
from plategate.values import (
    CharacterReading,
    ListEntry,
    Passage,
    PlateImage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    Still,
    TextAlternative,
    Verdict,
)

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
READING = PlateReading(
    (CharacterReading("A", 0.97, (("4", 0.02),)), CharacterReading("1", 0.91)),
    "agreed",
    (TextAlternative("41", 0.02),),
)
ENTRY = ListEntry("A1", holder="Ada", valid_until=AT + timedelta(days=9), entries=3)


def a_passage(passage_id: str, at: datetime = AT, result: Result = Result.GRANTED) -> Passage:
    reason = Reason.ALLOWED if result is Result.GRANTED else Reason.NOT_LISTED
    verdict = Verdict(result, reason, plate="A1", entry=ENTRY, registered_in="Here")
    return Passage(passage_id, "entrance", at, "beam", verdict, READING, "pulse 400 ms")


def a_sighting() -> PlateSighting:
    image = np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8)
    region = PlateRegion(((9, 9), (90, 9), (90, 40), (9, 40)), 0.9, "contour")
    plate = PlateImage(image[:, :, 0], tuple, image[9:40, 9:90], region)
    return PlateSighting(READING, plate, Still(image, "test"), 2, (("read", 4.04),))


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, min_free_mb=10)


@pytest.fixture
def journal(settings: JournalSettings) -> Iterator[Journal]:
    journal = open_journal(settings)
    yield journal
    journal.close()


def stop_writing(journal: Journal) -> None:
    """Make the database full."""
    (pages,) = journal._store.database.execute("PRAGMA page_count").fetchone()
    journal._store.database.execute(f"PRAGMA max_page_count = {pages}")


def test_ok__passage_is_read_back_unchanged(journal: Journal, tmp_path: Path) -> None:
    journal.record(a_passage("one"), a_sighting())
    (kept,) = journal.passages()
    assert (kept.id, kept.lane, kept.triggered_at) == ("one", "entrance", AT)
    assert kept.reading == READING
    assert kept.verdict == a_passage("one").verdict
    assert kept.barrier == "pulse 400 ms"
    assert [kind for kind, _ in kept.evidence] == ["plate", "still"]
    assert all((tmp_path / file).stat().st_size > 0 for _, file in kept.evidence)


def test_ok__newest_passage_comes_first(journal: Journal) -> None:
    for name in ("one", "two", "three"):
        journal.record(a_passage(name))
    assert [passage.id for passage in journal.passages(limit=2)] == ["three", "two"]


def test_ok__grant_without_passage_is_settled_once(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    journal.begin_grant("one", "A1", AT, lane="entrance")
    journal.close()
    journal = open_journal(settings)
    assert [grant.passage_id for grant in journal.unfinished_grants()] == ["one"]
    (kept,) = journal.passages()
    assert (kept.id, kept.barrier, kept.verdict.plate) == ("one", INTERRUPTED, "A1")
    journal.close()
    journal = open_journal(settings)
    assert journal.unfinished_grants() == ()
    assert len(journal.passages()) == 1
    journal.close()


def test_ok__recorded_grant_is_finished(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    journal.begin_grant("one", "A1", AT)
    journal.record(a_passage("one"))
    journal.close()
    journal = open_journal(settings)
    assert journal.unfinished_grants() == ()
    journal.close()


def test_fail__second_owner_is_refused(journal: Journal, settings: JournalSettings) -> None:
    with pytest.raises(StoreError, match="another process"):
        open_journal(settings)


def test_fail__passage_is_recorded_once(journal: Journal) -> None:
    journal.record(a_passage("one"))
    with pytest.raises(StoreError, match="one"):
        journal.record(a_passage("one"))
    assert len(journal.passages()) == 1


def test_ok__full_database_loses_no_grant(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    stop_writing(journal)
    names = [f"grant-{number:058}" for number in range(80)]
    for name in names:
        journal.begin_grant(name, "A1", AT)
    with pytest.raises(StoreError):
        for name in names:
            journal.record(a_passage(name))
    assert STORE in journal.problems
    journal.close()
    journal = open_journal(settings)
    kept = {passage.id for passage in journal.passages(limit=300)}
    assert kept == set(names)
    journal.close()


def test_ok__disk_that_cannot_be_written_at_start(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_journal(settings).close()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("plategate.journal.repair.open_or_rebuild", full)
        journal = open_journal(settings)
        journal.begin_grant("one", "A1", AT)
        journal.record(a_passage("one"))
        assert STORE in journal.problems
        journal.close()
    journal = open_journal(settings)
    assert [passage.id for passage in journal.passages()] == ["one"]
    journal.close()


def test_ok__gate_starts_without_a_reserve_and_on_a_disk_that_is_read_only(
    settings: JournalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    def unwritable(*_: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("plategate.journal.grants._open", read_only)
    monkeypatch.setattr("plategate.journal.repair.open_or_rebuild", unwritable)
    journal = open_journal(settings)
    with pytest.raises(StoreError, match="a grant cannot be written"):
        journal.begin_grant("one", "A1", AT)
    journal.record(a_passage("two"))
    assert [passage.id for passage in journal.passages()] == ["two"]
    assert STORE in journal.problems
    journal.close()


def test_ok__no_picture_where_space_is_short(tmp_path: Path) -> None:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=100_000))
    journal.record(a_passage("one"), a_sighting())
    assert journal.passages()[0].evidence == ()
    assert "journal.min_free_mb = 100000 MB" in journal.problems[EVIDENCE]
    journal.use(JournalSettings(dir=tmp_path, min_free_mb=10))
    journal.tidy(AT, clock_trusted=False)
    assert journal.problems == {}
    journal.close()


def test_ok__picture_that_fails_does_not_stop_the_passage(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / evidence_module.FOLDER).write_text("in the way")
    journal.record(a_passage("one"), a_sighting())
    assert journal.passages()[0].evidence == ()
    assert EVIDENCE in journal.problems


def test_ok__picture_is_on_the_disk_before_its_row(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = storage.os.fsync, Path.replace
    insert = journal._store.append
    monkeypatch.setattr(storage.os, "fsync", lambda d: (steps.append("sync"), sync(d))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (steps.append("name"), replace(self, to))[1]
    )
    monkeypatch.setattr(
        journal._store, "append", lambda *all_: (steps.append("row"), insert(*all_))[1]
    )
    journal.record(a_passage("one"), a_sighting())
    assert steps == ["sync", "name", "sync", "name", "sync", "sync", "row"]


def test_ok__damaged_file_is_set_aside_and_rebuilt(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    for number in range(200):
        journal.record(a_passage(f"passage-{number}"))
    journal.close()
    file = settings.dir / FILE_NAME
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    journal = open_journal(settings)
    kept = {passage.id for passage in journal.passages(limit=300)}
    assert len(kept) > 190
    assert {"passage-0", "passage-199"} <= kept
    assert "set aside" in journal.notices[0]
    journal.record(a_passage("after"))
    journal.close()
    assert len(list(settings.dir.glob("journal.damaged-*.sqlite"))) == 1


def test_ok__file_of_garbage_is_set_aside(settings: JournalSettings) -> None:
    settings.dir.joinpath(FILE_NAME).write_bytes(b"not a database, " * 1000)
    journal = open_journal(settings)
    assert "0 passages were carried over" in journal.notices[0]
    journal.record(a_passage("one"))
    journal.close()


def test_fail__changed_passage_breaks_the_chain(settings: JournalSettings) -> None:
    journal = open_journal(settings)
    for number in range(5):
        journal.record(a_passage(f"passage-{number}"))
    journal._store.database.execute(
        "UPDATE passages SET document = replace(document, 'Ada', 'Eve') WHERE sequence = 3"
    )
    journal._store.database.execute("DELETE FROM passages WHERE sequence = 4")
    assert verify_chain(journal._store.database).broken_at == (3, 5)
    journal.close()


def test_ok__reader_sees_a_running_journal(journal: Journal, tmp_path: Path) -> None:
    journal.record(a_passage("one"))
    database = open_read_only(tmp_path / FILE_NAME)
    assert database.execute("SELECT count(*) FROM passages").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError):
        database.execute("DELETE FROM passages")
    database.close()


def test_ok__a_disk_without_room_is_a_problem(settings: JournalSettings, journal: Journal) -> None:
    assert journal.disk_problem() is None
    journal.use(settings.model_copy(update={"min_free_mb": 10**9}))
    assert str(settings.dir) in str(journal.disk_problem())
