# SPDX-License-Identifier: Apache-2.0
"""Keep events while the database cannot be written, and store them as soon as it can.

They wait in memory and, where the disk has room, in a file: a power cut or a restart loses none.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from plategate.errors import StoreError, reason_of
from plategate.journal.events import EventRow
from plategate.journal.evidence import EvidenceFile

log = logging.getLogger(__name__)

FILE_NAME = "journal.waiting"
WAITING_MAX = 1000
BUSY_WAIT_S = 2.0
RETRY_S = 1.0
CLOSE_WAIT_S = 5.0


class WaitingEvents:
    """Stores events in their order; those that cannot be stored wait. For use by any thread.

    `store` stores a row and waits at most so many seconds for another user of the database.
    `report` is called with a sentence while events wait, and with None when none does. `folder` has
    the file of those that waited when the last process ended; None keeps none.
    """

    def __init__(
        self,
        folder: Path | None,
        store: Callable[[EventRow, float], None],
        report: Callable[[str | None], None],
    ) -> None:
        self._file = None if folder is None else folder / FILE_NAME
        self._store = store
        self._report = report
        self._lock = threading.Lock()
        self._rows: deque[EventRow] = deque(_saved(self._file))
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
            try:
                self._flush(0.0)
            except (sqlite3.Error, OSError) as error:
                self._try_again(error)
                raise

    def close(self) -> None:
        """Try once more to store what waits; what is lost is logged."""
        self._closing.set()
        with self._lock:
            try:
                self._flush(CLOSE_WAIT_S)
            except (sqlite3.Error, OSError) as error:
                log.critical(
                    "%d passages or events are stored at the next start: %s", len(self._rows), error
                )

    def _flush(self, wait_s: float) -> None:
        while self._rows:
            try:
                self._store(self._rows[0], wait_s)
            except sqlite3.IntegrityError as error:
                log.error("an event is stored already: %s", error)
            self._rows.popleft()
            if not self._rows and self._file is not None:
                self._file.unlink(missing_ok=True)

    def _wait(self, row: EventRow, error: Exception) -> None:
        if len(self._rows) >= WAITING_MAX:
            log.critical("an event is lost: %d others wait to be stored", len(self._rows))
            self._rows.popleft()
        self._rows.append(row)
        self._save(row)
        self._try_again(error)

    def _try_again(self, error: Exception) -> None:
        self._report(f"{len(self._rows)} passages or events wait to be stored: {error}")
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._retry, name="journal", daemon=True)
            self._thread.start()

    def _save(self, row: EventRow) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("ab") as stream:
                stream.write(json.dumps(asdict(row), default=datetime.isoformat).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            log.error("events wait in memory only: %s: %s", self._file, reason_of(error))

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


def _saved(file: Path | None) -> list[EventRow]:
    """The events of the file; a line that a power cut has torn is skipped."""
    try:
        lines = [] if file is None else file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    rows = []
    for line in lines:
        try:
            found = json.loads(line)
            found["at"] = datetime.fromisoformat(found["at"])
            found["evidence"] = tuple(EvidenceFile(**each) for each in found["evidence"])
            rows.append(EventRow(**found | {"waited": True}))
        except (ValueError, TypeError, KeyError) as error:
            log.error("a line of %s cannot be read: %s", file, error)
    return rows
