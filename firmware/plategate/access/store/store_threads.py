# SPDX-License-Identifier: Apache-2.0
"""One reading connection a thread, opened anew where another file took the place of the old."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from plategate.access.store.database import open_for_reading
from plategate.storage import is_current, storage_errors


class ReadingStores:
    """Hands each thread its own connection to the lists."""

    def __init__(self, file: Path) -> None:
        """Open nothing yet; the file may come later."""
        self._file = file
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def here(self) -> sqlite3.Connection:
        """The connection of the calling thread; raises StoreError where there is no file."""
        with storage_errors(self._file):
            found = self._file.stat()
        identity = (found.st_dev, found.st_ino)
        mine: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        replaced = getattr(self._mine, "identity", None) != identity
        if mine is None or replaced or not is_current(mine):
            self._mine.connection = open_for_reading(self._file)
            self._mine.identity = identity
            with self._lock:
                self._all.append(self._mine.connection)
        connection: sqlite3.Connection = self._mine.connection
        return connection

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._mine = threading.local()
