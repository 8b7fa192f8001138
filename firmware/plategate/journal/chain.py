# SPDX-License-Identifier: Apache-2.0
"""The hash chain over all events of a journal: an event that was changed or cut out is found.

A copy of the newest hash, kept elsewhere, shows tampering; it does not prevent it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plategate.documents import EVENT, PASSAGE
from plategate.journal.database import events_of, has_reduced

START = bytes(32)


@dataclass(frozen=True)
class ChainReport:
    """What verifying the chain found; `broken_at` are sequence numbers."""

    passages: int
    events: int
    forgotten: int
    broken_at: tuple[int, ...]
    newest: str


@dataclass(frozen=True)
class ChainEnd:
    """The last event that was checked: its number and its hash in the chain."""

    sequence: int
    hash: bytes


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
    hashed = "reduced IS NOT NULL" if has_reduced(database) else "0"
    for sequence, kind, document, content, chain, is_hashed in database.execute(
        f"SELECT sequence, kind, document, content_hash, chain_hash, {hashed}"
        f" FROM {events_of(database)} ORDER BY sequence"
    ):
        if document is None:
            # Without its plate: the purge log proves its content, the chain its place.
            counts[PASSAGE] += is_hashed
            forgotten += not is_hashed
        else:
            counts[kind] = counts.get(kind, 0) + 1
        if _is_broken(previous, kind, document, content, chain):
            broken.append(sequence)
        previous = chain
    newest = (previous or START).hex()
    return ChainReport(counts[PASSAGE], counts[EVENT], forgotten, tuple(broken), newest)


def verify_after(
    database: sqlite3.Connection, end: ChainEnd | None, limit: int
) -> tuple[ChainEnd | None, tuple[int, ...]]:
    """Check at most `limit` events after `end`; the new end, and the numbers that do not fit.

    None begins at the oldest event. `end` itself is compared with what the journal has now: its
    number is among those that do not fit where it was changed, or cut off with all after it.
    """
    rows = database.execute(
        "SELECT sequence, kind, document, content_hash, chain_hash,"
        " (SELECT min(sequence) FROM passages)"
        f" FROM {events_of(database)} WHERE sequence >= ? ORDER BY sequence LIMIT ?",
        (0 if end is None else end.sequence, limit + 1),
    ).fetchall()
    broken = () if end is None or _has_end(rows, end) else (end.sequence,)
    previous: bytes | None = None
    for sequence, kind, document, content, chain, _ in rows:
        if sequence not in broken and _is_broken(previous, kind, document, content, chain):
            broken += (sequence,)
        previous = chain
        end = ChainEnd(sequence, chain)
    return end, broken


def _has_end(rows: Sequence[tuple[Any, ...]], end: ChainEnd) -> bool:
    """Whether rows from `end` on begin with it, or it was forgotten with all before it."""
    if not rows:
        return False
    sequence, *_, chain, oldest = rows[0]
    return bool(chain == end.hash) if sequence == end.sequence else bool(oldest > end.sequence)


def _is_broken(
    previous: bytes | None, kind: str, document: str | None, content: bytes, chain: bytes
) -> bool:
    """Whether an event does not fit its hash, or its hash the one before.

    The events before the oldest may be forgotten altogether; the chain begins with it.
    """
    if document is not None and _is_changed(kind, document, content):
        return True
    return previous is not None and link(previous, content) != chain


def _is_changed(kind: str, document: str, content: bytes) -> bool:
    if content_hash(document) != content:
        return True
    return bool(json.loads(document).get("kind", PASSAGE) != kind)
