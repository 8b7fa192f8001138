# SPDX-License-Identifier: Apache-2.0
"""Grants on the disk before the relay moves, in a file of fixed size next to the database.

Slots are overwritten in place: a grant needs no free space and no lock of the database, so neither
a full disk nor another user of the journal delays an opening.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plategate.errors import reason_of

log = logging.getLogger(__name__)

FILE_NAME = "grants.reserve"
FILE_BYTES = 65_536
# One sector: a power cut while a slot is written cannot damage another one.
SLOT_BYTES = 512
SLOTS = FILE_BYTES // SLOT_BYTES
# Version 0.1.0 wrote two slots to a sector.
STEP_BYTES = 256
PAGE_BYTES = 4096
ID_LENGTH = 128


@dataclass(frozen=True)
class Grant:
    """An opening that was decided; unfinished until its passage is in the journal."""

    passage_id: str
    lane: str
    plate: str
    granted_at: datetime


class GrantFile:
    """The unfinished grants of one journal; may be used by any thread."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._lock = threading.Lock()
        # Offset of each occupied slot, in the order in which they were written.
        self._slots: dict[int, Grant] = {}
        self._descriptor = -1
        self.open()

    def open(self) -> None:
        """Create or open the file, where it is not open yet. Failures are logged."""
        with self._lock:
            try:
                self._ensure_open()
            except OSError as error:
                # Grants then go to the database, which needs free space.
                log.error("no space reserved for grants in %s: %s", self._file, reason_of(error))

    def write(self, grant: Grant) -> None:
        """Put a grant on the disk, into a free slot; without one, over the oldest grant.

        Raises OSError.
        """
        with self._lock:
            self._ensure_open()
            used = {offset // SLOT_BYTES for offset in self._slots}
            free = next((slot for slot in range(SLOTS) if slot not in used), None)
            if free is None:
                free = next(iter(self._slots)) // SLOT_BYTES
                log.error("%d grants are unfinished; the oldest is overwritten", len(self._slots))
            offset = free * SLOT_BYTES
            os.pwrite(self._descriptor, _packed(grant), offset)
            os.fdatasync(self._descriptor)
            for taken in (offset, offset + STEP_BYTES):
                self._slots.pop(taken, None)
            self._slots[offset] = grant

    def remove(self, passage_id: str) -> None:
        """Free the slot of a grant whose passage is in the database.

        Not flushed: a grant that comes back after a power cut is known by its passage.
        """
        with self._lock:
            for offset, grant in list(self._slots.items()):
                if grant.passage_id[:ID_LENGTH] == passage_id[:ID_LENGTH]:
                    whole = offset % SLOT_BYTES == 0 and offset + STEP_BYTES not in self._slots
                    size = SLOT_BYTES if whole else STEP_BYTES
                    os.pwrite(self._descriptor, bytes(size), offset)
                    del self._slots[offset]

    def grants(self) -> tuple[Grant, ...]:
        """The unfinished grants, oldest first."""
        with self._lock:
            return tuple(self._slots.values())

    def _ensure_open(self) -> None:
        if self._descriptor < 0:
            self._descriptor = _open(self._file)
            self._slots = _unfinished(_content(self._descriptor))

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def grants_in(folder: Path) -> tuple[Grant, ...]:
    """The unfinished grants of a journal that another process may own. Raises OSError."""
    try:
        content = (folder / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(_unfinished(content).values())


def unfinished(database: sqlite3.Connection, waiting: tuple[Grant, ...]) -> list[Grant]:
    """Those of the grants that are `waiting`, or in the database, that have no passage."""
    stored = database.execute("SELECT passage_id, lane, plate, granted_at FROM grants")
    grants = {grant.passage_id: grant for grant in waiting}
    for passage_id, lane, plate, granted_at in stored:
        grants.setdefault(
            passage_id, Grant(passage_id, lane, plate, datetime.fromisoformat(granted_at))
        )
    found = [grant for grant in grants.values() if not _is_recorded(database, grant.passage_id)]
    return sorted(found, key=lambda grant: grant.granted_at)


def _is_recorded(database: sqlite3.Connection, passage_id: str) -> bool:
    """Whether a passage is in the journal."""
    found = database.execute("SELECT 1 FROM passages WHERE id = ?", (passage_id,))
    return found.fetchone() is not None


def _open(file: Path) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        size = os.fstat(descriptor).st_size
        if size < FILE_BYTES:
            # Written, not merely allocated: some file systems need space to fill a hole.
            while size < FILE_BYTES:
                size += os.pwrite(descriptor, bytes(PAGE_BYTES - size % PAGE_BYTES), size)
            os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _content(descriptor: int) -> bytes:
    """The whole file, read page by page: the kernel caches what is read or written at once as one
    piece, and would write all of it for each grant."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    pages = (os.pread(descriptor, PAGE_BYTES, at) for at in range(0, FILE_BYTES, PAGE_BYTES))
    return b"".join(pages)


def _unfinished(content: bytes) -> dict[int, Grant]:
    """Grants by offset, oldest first; a slot that a power cut has torn is skipped."""
    found: dict[int, Grant] = {}
    for offset in range(0, len(content), SLOT_BYTES):
        slot = content[offset : offset + SLOT_BYTES]
        if (grant := _unpacked(slot)) is not None:
            found[offset] = grant
            continue
        for half in (0, STEP_BYTES):
            if (grant := _unpacked(slot[half : half + STEP_BYTES])) is not None:
                found[offset + half] = grant
    return dict(sorted(found.items(), key=lambda item: item[1].granted_at))


def _packed(grant: Grant) -> bytes:
    """The grant as JSON after its checksum, padded to a slot."""
    fields = [grant.passage_id[:ID_LENGTH], grant.lane[:24], grant.plate[:16]]
    text = json.dumps([*fields, grant.granted_at.isoformat()], ensure_ascii=False).encode()
    return (zlib.crc32(text).to_bytes(4, "big") + text).ljust(SLOT_BYTES, b"\0")[:SLOT_BYTES]


def _unpacked(slot: bytes) -> Grant | None:
    checksum, text = slot[:4], slot[4:].rstrip(b"\0")
    if not text or zlib.crc32(text).to_bytes(4, "big") != checksum:
        return None
    passage_id, lane, plate, granted_at = json.loads(text)
    return Grant(passage_id, lane, plate, datetime.fromisoformat(granted_at))
