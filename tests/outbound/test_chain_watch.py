# SPDX-License-Identifier: Apache-2.0
"""A journal that was changed, cut short or rewritten is found from outside the gate, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plategate.journal import Journal
from plategate.journal.chain import content_hash, link
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import JournalReader
from plategate.outbound import chain_watch
from plategate.outbound.chain_watch import ChainWatch

from .conftest import a_passage, running, settings_for, wait_for
from .receivers import PushServer

EVENTS = 25


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_watch, "STEP", 7)
    monkeypatch.setattr(chain_watch, "PAUSE_S", 0.01)


def checked(folder: Path) -> ChainWatch:
    """Check the whole journal, as after a restart."""
    with closing(JournalReader(folder / "journal")) as reader:
        watch = ChainWatch(reader, folder)
        while watch.check():
            pass
        watch.close()
    return watch


def broken(watch: ChainWatch) -> list[tuple[int, ...]]:
    return [finding.events for finding in watch.findings]


def record(journal: Journal, count: int = EVENTS, first: int = 1) -> None:
    for number in range(first, first + count):
        journal.record(a_passage(number))


def attack(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "journal" / FILE_NAME)) as database, database:
        database.execute(statement, values)


def test_ok__journal_that_is_whole_has_no_finding(tmp_path: Path, journal: Journal) -> None:
    assert not checked(tmp_path).findings
    record(journal)
    assert not checked(tmp_path).findings
    record(journal, first=100)
    assert not checked(tmp_path).findings
    # As retention does: documents first, then the rows before the oldest that is kept.
    attack(tmp_path, "UPDATE passages SET document = NULL WHERE sequence IN (1, 2, 3, 20)")
    attack(tmp_path, "DELETE FROM passages WHERE sequence <= 3")
    assert not checked(tmp_path).findings


def change_text(folder: Path) -> None:
    attack(
        folder,
        "UPDATE passages SET document = replace(document, 'SECRET77', 'X') WHERE sequence = 9",
    )


def cut_out(folder: Path) -> None:
    attack(folder, "DELETE FROM passages WHERE sequence = 8")


def cut_short(folder: Path) -> None:
    attack(folder, "DELETE FROM passages WHERE sequence > 20")


def rewrite_the_end(folder: Path) -> None:
    """Change the last event and compute its hashes again: the chain itself is right."""
    with closing(sqlite3.connect(folder / "journal" / FILE_NAME)) as database, database:
        (before,) = database.execute(
            "SELECT chain_hash FROM passages WHERE sequence = ?", (EVENTS - 1,)
        ).fetchone()
        (document,) = database.execute(
            "SELECT document FROM passages WHERE sequence = ?", (EVENTS,)
        ).fetchone()
        document = document.replace("SECRET77", "HARMLESS")
        content = content_hash(document)
        database.execute(
            "UPDATE passages SET document = ?, content_hash = ?, chain_hash = ? WHERE sequence = ?",
            (document, content, link(before, content), EVENTS),
        )


@pytest.mark.parametrize(
    ("harm", "number"),
    [(change_text, 9), (cut_out, 9), (cut_short, EVENTS), (rewrite_the_end, EVENTS)],
)
def test_ok__harm_is_found_once(
    tmp_path: Path, journal: Journal, harm: Callable[[Path], None], number: int
) -> None:
    record(journal)
    checked(tmp_path)
    harm(tmp_path)
    assert broken(checked(tmp_path)) == [(number,)]
    assert broken(checked(tmp_path)) == [(number,)]  # no new finding
    record(journal, 3, first=100)
    assert len(checked(tmp_path).findings) == 1


def test_ok__new_events_are_checked_as_they_come(tmp_path: Path, journal: Journal) -> None:
    record(journal)
    with closing(JournalReader(tmp_path / "journal")) as reader:
        watch = ChainWatch(reader, tmp_path)
        while watch.check():
            pass
        journal.record(a_passage(100))
        change = "UPDATE passages SET content_hash = x'00' WHERE sequence = ?"
        attack(tmp_path, change, EVENTS + 1)
        while watch.check():
            pass
        assert broken(watch) == [(EVENTS + 1,)]


def test_fail__damaged_file_is_reported(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    record(journal, 3)
    (tmp_path / chain_watch.FILE_NAME).write_text("{")
    assert not checked(tmp_path).findings
    assert chain_watch.FILE_NAME in caplog.text


def test_ok__people_are_notified(tmp_path: Path, journal: Journal, push: PushServer) -> None:
    (tmp_path / "address").write_text(push.address)
    own = {"name": "anna", "url_file": tmp_path / "address", "causes": ["tamper"]}
    settings = settings_for(tmp_path, notifications=[own])
    record(journal, 9)
    with running(settings):
        for name in ("chain.json", "notified-anna.json"):
            wait_for((tmp_path / "outbound" / name).exists, "the first look")
    attack(tmp_path, "UPDATE passages SET content_hash = x'00' WHERE sequence = 4")
    with running(settings):
        wait_for(lambda: push.received, "the message")
    (message,) = push.json()
    assert message["title"] == "gate: Journal changed"
    assert "Events that do not fit: 4." in message["message"]
