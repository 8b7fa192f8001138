# SPDX-License-Identifier: Apache-2.0
"""Keep events in memory while the database cannot be written, and store them as soon as it can."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable

from plategate.errors import StoreError
from plategate.journal.store import EventRow

log = logging.getLogger(__name__)

WAITING_MAX = 1000
BUSY_WAIT_S = 2.0
RETRY_S = 1.0
CLOSE_WAIT_S = 5.0


class WaitingEvents:
    """Stores events in their order; those that cannot be stored wait. For use by any thread.

    `store` stores a row and waits at most so many seconds for another user of the database;
    `report` is called with a sentence while events wait, and with None when none does.
    """

    def __init__(
        self, store: Callable[[EventRow, float], None], report: Callable[[str | None], None]
    ) -> None:
        self._store = store
        self._report = report
        self._lock = threading.Lock()
        self._rows: deque[EventRow] = deque()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def append(self, row: EventRow, name: str) -> None:
        """Store an event after those that wait.

        Raises StoreError where it is stored already, or waits from now on.
        """
        with self._lock:
            try:
                self._flush(0.0)
                self._store(row, BUSY_WAIT_S)
            except sqlite3.IntegrityError as error:
                raise StoreError(f"{name} is stored already: {error}") from error
            except (sqlite3.Error, OSError) as error:
                self._wait(row, error)
                raise StoreError(f"{name} is not stored yet: {error}") from error
            self._report(None)

    def flush(self) -> None:
        """Store what waits. Raises sqlite3.Error, OSError."""
        with self._lock:
            self._flush(0.0)

    def close(self) -> None:
        """Try once more to store what waits; what is lost is logged."""
        self._closing.set()
        with self._lock:
            try:
                self._flush(CLOSE_WAIT_S)
            except (sqlite3.Error, OSError) as error:
                log.critical("%d passages or events are lost: %s", len(self._rows), error)

    def _flush(self, wait_s: float) -> None:
        while self._rows:
            try:
                self._store(self._rows[0], wait_s)
            except sqlite3.IntegrityError as error:
                log.error("an event is stored already: %s", error)
            self._rows.popleft()

    def _wait(self, row: EventRow, error: Exception) -> None:
        if len(self._rows) >= WAITING_MAX:
            log.critical("an event is lost: %d others wait to be stored", len(self._rows))
            self._rows.popleft()
        self._rows.append(row)
        self._report(f"{len(self._rows)} passages or events wait to be stored: {error}")
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._retry, name="journal", daemon=True)
            self._thread.start()

    def _retry(self) -> None:
        """Thread: store what waits, as soon as that is possible."""
        while not self._closing.wait(RETRY_S):
            with self._lock:
                try:
                    self._flush(0.0)
                except (sqlite3.Error, OSError) as error:
                    log.debug("passages still wait to be stored: %s", error)
                    continue
                self._thread = None
                self._report(None)
                return
