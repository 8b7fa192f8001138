# SPDX-License-Identifier: Apache-2.0
"""The hash chain over all events of a journal: an event that was changed or cut out is found.

A copy of the newest hash, kept elsewhere, shows tampering; it does not prevent it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

from plategate.documents import EVENT, PASSAGE
from plategate.journal.database import events_of

START = bytes(32)


@dataclass(frozen=True)
class ChainReport:
    """What verifying the chain found; `broken_at` are sequence numbers."""

    passages: int
    events: int
    forgotten: int
    broken_at: tuple[int, ...]
    newest: str


def content_hash(document: str) -> bytes:
    """Hash of one stored document."""
    return hashlib.sha256(document.encode()).digest()


def link(previous: bytes, content: bytes) -> bytes:
    """Hash that joins one document to all before it."""
    return hashlib.sha256(previous + content).digest()


def newest_hash(database: sqlite3.Connection) -> bytes:
    """The end of the chain, to which the next event is joined."""
    row = database.execute(
        "SELECT chain_hash FROM passages ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return bytes(row[0]) if row else START


def verify_chain(database: sqlite3.Connection) -> ChainReport:
    """Check each event against its hash, and its hash against the chain."""
    counts = {PASSAGE: 0, EVENT: 0}
    forgotten = 0
    broken: list[int] = []
    previous: bytes | None = None
    for sequence, kind, document, content, chain in database.execute(
        "SELECT sequence, kind, document, content_hash, chain_hash"
        f" FROM {events_of(database)} ORDER BY sequence"
    ):
        if document is None:
            forgotten += 1
        else:
            counts[kind] = counts.get(kind, 0) + 1
        changed = document is not None and _is_changed(kind, document, content)
        # The events before the oldest may be forgotten altogether; the chain begins with it.
        unlinked = previous is not None and link(previous, content) != chain
        if changed or unlinked:
            broken.append(sequence)
        previous = chain
    newest = (previous or START).hex()
    return ChainReport(counts[PASSAGE], counts[EVENT], forgotten, tuple(broken), newest)


def _is_changed(kind: str, document: str, content: bytes) -> bool:
    if content_hash(document) != content:
        return True
    return bool(json.loads(document).get("kind", PASSAGE) != kind)
