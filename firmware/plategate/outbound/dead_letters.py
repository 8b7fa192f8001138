# SPDX-License-Identifier: Apache-2.0
"""Messages that a web server did not take, kept in failed.sqlite until they are sent again.

Only the number of the event is kept: what is sent again is read from the journal, where personal
data are deleted in time.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plategate.outbound.message import Message
from plategate.replay import GAP
from plategate.storage import close_keeping_log, open_for_writing, storage_errors

log = logging.getLogger(__name__)

FILE_NAME = "failed.sqlite"
WAIT_S = 5.0
LETTERS_MAX = 1000

LAYOUT = """
CREATE TABLE IF NOT EXISTS letters (
    target   TEXT NOT NULL,
    id       TEXT NOT NULL,
    journal  INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    type     TEXT NOT NULL,
    at       TEXT NOT NULL,
    reason   TEXT NOT NULL,
    retry    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (target, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (target TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up: its id, event, type and time, and the last refusal."""

    target: str
    id: str
    journal: int
    sequence: int
    type: str
    at: str
    reason: str


class DeadLetters:
    """The dead letters of all targets; may be used by several threads. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in `folder`, which must exist."""
        self._file = folder / FILE_NAME
        self._lock = threading.Lock()
        with storage_errors(self._file):
            self._database = open_for_writing(self._file, WAIT_S)
            self._database.executescript(LAYOUT)

    def add(self, target: str, message: Message, reason: str) -> None:
        """Keep a message; the oldest of the target goes where there are too many."""
        if message.type == GAP:
            log.error("%s: the report of a gap was refused: %s", target, reason)
            return
        row = (target, message.id, message.journal, message.sequence, message.type, message.at)
        self._do("INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?, ?, ?, ?, 0)", (*row, reason))
        removed = self._do(
            "DELETE FROM letters WHERE target = ?1 AND id NOT IN (SELECT id FROM letters"
            " WHERE target = ?1 ORDER BY at DESC, sequence DESC LIMIT ?2)",
            (target, LETTERS_MAX),
        )
        if removed.rowcount > 0:
            log.error("%s: more than %d dead letters; the oldest is lost", target, LETTERS_MAX)

    def all(self, target: str | None = None) -> list[DeadLetter]:
        """The dead letters of one target or of all, oldest first."""
        return self._letters("?1 IS NULL OR target = ?1", target)

    def to_retry(self, target: str) -> list[DeadLetter]:
        """Those that are to be sent again."""
        return self._letters("target = ?1 AND retry = 1", target)

    def retry(self, target: str, ids: Sequence[str] = ()) -> int:
        """Ask for letters to be sent again, all without ids; a target that ended begins again."""
        self._do("DELETE FROM ended WHERE target = ?", (target,))
        if not ids:
            return self._do("UPDATE letters SET retry = 1 WHERE target = ?", (target,)).rowcount
        update = "UPDATE letters SET retry = 1 WHERE target = ? AND id = ?"
        return sum(self._do(update, (target, each)).rowcount for each in ids)

    def remove(self, letter: DeadLetter) -> None:
        """Forget a letter that was delivered."""
        self._do("DELETE FROM letters WHERE target = ? AND id = ?", (letter.target, letter.id))

    def refused_again(self, letter: DeadLetter, reason: str) -> None:
        """Keep a letter with its new refusal."""
        self._do(
            "UPDATE letters SET retry = 0, reason = ? WHERE target = ? AND id = ?",
            (reason, letter.target, letter.id),
        )

    def end(self, target: str, reason: str) -> None:
        """Send nothing to a target any more, until `retry`."""
        self._do("INSERT OR REPLACE INTO ended VALUES (?, ?)", (target, reason))

    def why_ended(self, target: str) -> str | None:
        """Why a target gets nothing any more."""
        row = self._do("SELECT reason FROM ended WHERE target = ?", (target,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            close_keeping_log(self._database, self._file)

    def _letters(self, where: str, target: str | None) -> list[DeadLetter]:
        columns = "target, id, journal, sequence, type, at, reason"
        order = "ORDER BY at, sequence"
        rows = self._do(f"SELECT {columns} FROM letters WHERE {where} {order}", (target,))
        return [DeadLetter(*row) for row in rows.fetchall()]

    def _do(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        with self._lock, storage_errors(self._file):
            return self._database.execute(statement, values)
