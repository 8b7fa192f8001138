# SPDX-License-Identifier: Apache-2.0
"""The hash chain over passages: a passage that was changed or taken out later is found.

It shows tampering to whoever keeps a copy of the newest hash; it does not hinder it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

START = bytes(32)


@dataclass(frozen=True)
class ChainReport:
    """What a walk along the chain found."""

    passages: int
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
    """The end of the chain, to which the next passage is joined."""
    row = database.execute(
        "SELECT chain_hash FROM passages ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return bytes(row[0]) if row else START


def verify_chain(database: sqlite3.Connection) -> ChainReport:
    """Walk the whole chain and name each passage that does not fit to the one before it."""
    passages = forgotten = 0
    broken: list[int] = []
    previous: bytes | None = None
    for sequence, document, content, chain in database.execute(
        "SELECT sequence, document, content_hash, chain_hash FROM passages ORDER BY sequence"
    ):
        passages += document is not None
        forgotten += document is None
        changed = document is not None and content_hash(document) != content
        # The passages before the oldest may be gone altogether; it is where the walk starts.
        unlinked = previous is not None and link(previous, content) != chain
        if changed or unlinked:
            broken.append(sequence)
        previous = chain
    return ChainReport(passages, forgotten, tuple(broken), (previous or START).hex())
