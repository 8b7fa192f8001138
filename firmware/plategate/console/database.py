# SPDX-License-Identifier: Apache-2.0
"""The console's own SQLite file: accounts, sessions, tokens, visits, audit log.

Times in REAL columns are seconds since 1970, those in TEXT columns ISO 8601 in UTC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plategate.storage import open_for_writing, storage_errors, transaction

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


class ConsoleDatabase:
    """Opens a connection for each use; for any thread. Every method raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Create the file and its tables where they are missing."""
        self.file = folder / FILE_NAME
        with storage_errors(self.file):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.connection() as connection:
            for statement in filter(str.strip, TABLES.split(";")):
                connection.execute(statement)
        with storage_errors(self.file):
            self.file.chmod(0o600)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection; what it changed is committed at the end, or undone by an error."""
        with storage_errors(self.file):
            connection = open_for_writing(self.file, WAIT_S)
            connection.row_factory = sqlite3.Row
            try:
                connection.execute("PRAGMA foreign_keys = ON")
                with transaction(connection):
                    yield connection
            finally:
                connection.close()
