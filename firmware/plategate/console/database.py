# SPDX-License-Identifier: Apache-2.0
"""The console's own SQLite file: accounts, sessions, tokens, visits, audit log.

Times in REAL columns are seconds since 1970, those in TEXT columns ISO 8601 in UTC.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plategate.shared_connection import SharedConnection
from plategate.storage import empty_log, open_for_writing, storage_errors, transaction

FILE_NAME = "console.sqlite"
WAIT_S = 5.0
TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS second_steps (
    account TEXT PRIMARY KEY REFERENCES accounts(name) ON DELETE CASCADE,
    secret TEXT NOT NULL, used_step INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    token_hash TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts(name) ON DELETE CASCADE,
    csrf TEXT NOT NULL, created_at REAL NOT NULL, seen_at REAL NOT NULL,
    address TEXT NOT NULL, agent TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failures (
    who TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL,
    address TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    name TEXT PRIMARY KEY, token_hash TEXT UNIQUE NOT NULL, scopes TEXT NOT NULL,
    account TEXT REFERENCES accounts(name) ON DELETE CASCADE,
    created_at REAL NOT NULL, expires_at REAL NOT NULL, seen_at REAL
);
CREATE TABLE IF NOT EXISTS visits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT UNIQUE NOT NULL,
    token_hash TEXT UNIQUE NOT NULL, nonce TEXT NOT NULL, host TEXT NOT NULL, holder TEXT NOT NULL,
    made_at REAL NOT NULL, starts_at REAL NOT NULL, ends_at REAL NOT NULL,
    entries INTEGER NOT NULL, accepts INTEGER NOT NULL, state TEXT NOT NULL, plate TEXT NOT NULL,
    tries INTEGER NOT NULL, presses INTEGER NOT NULL, pressed_at REAL NOT NULL,
    opened INTEGER NOT NULL, listed INTEGER NOT NULL
);
"""


def token_hash(token: str) -> str:
    """What is stored in place of a token, in the columns `token_hash`."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class ConsoleDatabase:
    """The open file; for any thread. Every method raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Create the file and its tables where they are missing."""
        self.file = folder / FILE_NAME
        with storage_errors(self.file):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._shared = SharedConnection(self.file, self._opened)
        with self.connection():
            pass

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The connection; what it changed is committed at the end, or undone by an error."""
        with self._shared.lent() as shared, transaction(shared) as connection:
            yield connection

    def empty_log(self) -> None:
        """Remove from the log what was deleted; the file itself has it overwritten."""
        with self._shared.lent() as connection:
            empty_log(connection)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._shared.close()

    def _opened(self) -> sqlite3.Connection:
        self.file.touch(mode=0o600)  # SQLite gives its log the same mode
        connection = open_for_writing(self.file, WAIT_S)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # visits are personal data
            connection.executescript(TABLES)
        except BaseException:
            connection.close()
            raise
        return connection
