# SPDX-License-Identifier: Apache-2.0
"""A journal of version 0.1.0 can be continued, and 0.1.0 can continue a journal of this version."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.journal import STORE, open_journal
from plategate.journal.chain import content_hash, link, verify_chain
from plategate.journal.database import FILE_NAME, open_database
from plategate.journal.reader import EventFilter, JournalReader
from plategate.settings.journal import JournalSettings
from tests.journal.test_events import AT, a_passage, an_event, shown

# The tables of version 0.1.0.
OLD_LAYOUT = """
CREATE TABLE grants (passage_id TEXT PRIMARY KEY, lane TEXT NOT NULL, plate TEXT NOT NULL,
    granted_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE passages (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE,
    triggered_at TEXT, class TEXT, document TEXT, content_hash BLOB NOT NULL,
    chain_hash BLOB NOT NULL);
CREATE INDEX passages_by_age ON passages (class, triggered_at);
CREATE TABLE evidence (sequence INTEGER NOT NULL, kind TEXT NOT NULL, file TEXT NOT NULL,
    sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (sequence, kind)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, passage_id TEXT NOT NULL,
    kind TEXT NOT NULL, body TEXT NOT NULL, queued_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT NOT NULL);
PRAGMA user_version = 1;
"""


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, min_free_mb=10)


def old_journal(folder: Path, undelivered: str) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME)) as database, database:
        database.executescript(OLD_LAYOUT)
        previous = bytes(32)
        for name in ("one", "two"):
            document = json.dumps(
                {
                    "id": name, "lane": "l", "triggered_at": AT.isoformat(), "trigger": "beam",
                    "barrier": "b", "reading": None, "milliseconds": {}, "evidence": {},
                    "verdict": {"result": "granted", "reason": "allowed", "plate": "A1",
                                "entry": None, "registered_in": None, "alarm": None},
                }
            )  # fmt: skip
            content = content_hash(document)
            previous = link(previous, content)
            database.execute(
                "INSERT INTO passages (id, triggered_at, class, document, content_hash, chain_hash)"
                " VALUES (?, ?, 'granted', ?, ?, ?)",
                (name, AT.isoformat(), document, content, previous),
            )
        database.execute("INSERT INTO grants VALUES ('three', 'l', 'B2', ?)", (AT.isoformat(),))
        database.execute(
            "INSERT INTO outbox (passage_id, kind, body, queued_at, next_at)"
            " VALUES ('one', 'passage', ?, '', '')",
            (undelivered,),
        )


def test_ok__journal_of_the_first_version_goes_on(settings: JournalSettings) -> None:
    old_journal(settings.dir, "UNDELIVERED")
    journal = open_journal(settings)
    assert [grant.passage_id for grant in journal.unfinished_grants()] == ["three"]
    journal.add_event(an_event("fire"))
    tables = journal._store.database.execute("SELECT name FROM sqlite_schema").fetchall()
    assert ("outbox",) not in tables
    report = verify_chain(journal._store.database)
    assert (report.passages, report.events, report.broken_at) == (3, 1, ())
    journal.close()
    files = [file for file in settings.dir.iterdir() if file.is_file()]
    assert not any(b"UNDELIVERED" in file.read_bytes() for file in files)


def test_ok__journal_of_the_first_version_is_shown_before_a_gate_migrates_it(
    tmp_path: Path,
) -> None:
    old_journal(tmp_path, "")
    assert "2 passages, 0 forgotten, 0 pictures, 0 wrong" in shown(tmp_path, "check")
    assert "under way: B2" in shown(tmp_path, "show")
    with closing(JournalReader(tmp_path)) as reader:
        assert [each.passage.id for each in reader.events_after(0)] == ["one", "two"]


def test_ok__first_version_can_go_on_with_a_new_journal(settings: JournalSettings) -> None:
    """After a downgrade its statements work, ignore events, and continue the chain."""
    journal = open_journal(settings)
    journal.record(a_passage("one"))
    journal.add_event(an_event("fire"))
    journal.close()
    with closing(sqlite3.connect(settings.dir / FILE_NAME, isolation_level=None)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        shown_by_it = database.execute("SELECT id FROM passages WHERE id IS NOT NULL").fetchall()
        assert shown_by_it == [("one",)]
        (newest,) = database.execute(
            "SELECT chain_hash FROM passages ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        content = content_hash("{}")
        database.execute(
            "INSERT INTO passages (id, triggered_at, class, document, content_hash, chain_hash)"
            " VALUES ('two', '', 'granted', '{}', ?, ?)",
            (content, link(newest, content)),
        )
    with closing(open_database(settings.dir / FILE_NAME)) as database:
        assert verify_chain(database).broken_at == ()


def test_fail__a_journal_of_a_newer_format_is_left_alone_and_the_gate_goes_on(
    settings: JournalSettings,
) -> None:
    """An upgrade that changed the format was rolled back."""
    open_journal(settings).close()
    file = settings.dir / FILE_NAME
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 2")
        database.execute("ALTER TABLE passages RENAME TO events")
    before = file.read_bytes()
    journal = open_journal(settings)
    journal.begin_grant("p1", "A1", AT)
    journal.record(a_passage("p1"), None)
    assert "format 2, written by a newer version" in journal.problems[STORE]
    assert journal.problems[STORE].endswith("passages are kept in memory")
    journal.close()
    assert file.read_bytes() == before
    with closing(JournalReader(settings.dir)) as reader, pytest.raises(StoreError, match="upgrade"):
        reader.newest(1, EventFilter())
