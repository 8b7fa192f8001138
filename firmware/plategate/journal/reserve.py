# SPDX-License-Identifier: Apache-2.0
"""Write grants into space that was taken beforehand, for when the database cannot be written.

Slots are overwritten in place, so that it needs no free space: a full disk never stops an opening.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

FILE_NAME = "grants.reserve"
SLOT_BYTES = 256
SLOTS = 256


@dataclass(frozen=True)
class Grant:
    """An opening that was decided; unfinished until its passage is in the journal."""

    passage_id: str
    lane: str
    plate: str
    granted_at: datetime


class GrantReserve:
    """The file of slots; grants are taken out of it once the database can be written again."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._used = 0
        try:
            self._take_space()
        except OSError as error:
            # Without it the gate is less safe against a full disk, and better than none.
            log.error("no reserve for grants in %s: %s", folder, error.strerror)

    def write(self, grant: Grant) -> None:
        """Put a grant on the disk. Beyond the last slot the oldest is overwritten."""
        self._write_slot(self._used % SLOTS, _packed(grant))
        self._used += 1

    def grants(self) -> list[Grant]:
        """The grants in the slots; a slot that was torn by a power cut is passed over."""
        if not self._used:
            return []
        content = self._file.read_bytes()
        slots = (content[at : at + SLOT_BYTES] for at in range(0, len(content), SLOT_BYTES))
        return [grant for slot in slots if (grant := _unpacked(slot)) is not None]

    def clear(self) -> None:
        """Forget all grants; they are in the database now."""
        for slot in range(min(self._used, SLOTS)):
            self._write_slot(slot, bytes(SLOT_BYTES))
        self._used = 0

    def _take_space(self) -> None:
        size = self._file.stat().st_size if self._file.exists() else 0
        if size == SLOT_BYTES * SLOTS:
            self._used = SLOTS if any(self._file.read_bytes()) else 0
            return
        # Written, not merely allocated: some file systems need space to fill a hole.
        with self._file.open("wb") as stream:
            stream.write(bytes(SLOT_BYTES * SLOTS))
            stream.flush()
            os.fsync(stream.fileno())

    def _write_slot(self, slot: int, content: bytes) -> None:
        with self._file.open("r+b", buffering=0) as stream:
            stream.seek(slot * SLOT_BYTES)
            stream.write(content)
            os.fsync(stream.fileno())


def _packed(grant: Grant) -> bytes:
    """The grant as JSON before its checksum, padded to a slot."""
    fields = [grant.passage_id[:64], grant.lane[:24], grant.plate[:16]]
    text = json.dumps([*fields, grant.granted_at.isoformat()], ensure_ascii=False).encode()
    return (zlib.crc32(text).to_bytes(4, "big") + text).ljust(SLOT_BYTES, b"\0")[:SLOT_BYTES]


def _unpacked(slot: bytes) -> Grant | None:
    checksum, text = slot[:4], slot[4:].rstrip(b"\0")
    if not text or zlib.crc32(text).to_bytes(4, "big") != checksum:
        return None
    passage_id, lane, plate, granted_at = json.loads(text)
    return Grant(passage_id, lane, plate, datetime.fromisoformat(granted_at))
