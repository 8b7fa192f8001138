# SPDX-License-Identifier: Apache-2.0
"""One connection to a database that the threads of a process share and that stays open.

Closing the last connection to a database writes its log into it and removes the log: five flushes
of the disk in place of one for each change, and two files made and removed for each reading.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plategate.storage import storage_errors


class SharedConnection:
    """Lends the connection to one thread at a time; not to be asked for while it is lent."""

    def __init__(self, file: Path, open_file: Callable[[], sqlite3.Connection]) -> None:
        """Open nothing yet; `open_file` opens `file`, and creates it where it is missing."""
        self._file = file
        self._open_file = open_file
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """The connection; after an error it is opened again at the next call. Raises StoreError."""
        with storage_errors(self._file), self._lock:
            try:
                yield self._connection()
            except (sqlite3.Error, OSError):
                self._close()
                raise

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        with self._lock:
            self._close()

    def _connection(self) -> sqlite3.Connection:
        """The open connection; another one where the file was replaced or removed."""
        if self._opened is None or self._identity != self._identity_of_file():
            self._close()
            self._opened = self._open_file()
            self._identity = self._identity_of_file()
        return self._opened

    def _identity_of_file(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
