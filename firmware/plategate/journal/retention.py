# SPDX-License-Identifier: Apache-2.0
"""Forget passages and pictures whose time is over; keep what they take within its limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from plategate.journal.evidence import FOLDER, has_room
from plategate.journal.repair import SET_ASIDE
from plategate.settings.journal import JournalSettings
from plategate.values import Passage, Reason, Result

ALARMS = frozenset({Reason.BLOCKED, Reason.WANTED, Reason.WANTED_POSSIBLE})
CLASS_BY_RESULT = {
    Result.GRANTED: "granted",
    Result.REFUSED: "refused",
    Result.UNSURE: "unsure",
}
# One transaction forgets at most this many, so that a grant never waits long for the database.
BATCH = 100
# Longer than the time between writing a picture and the row that refers to it.
ORPHAN_AGE = timedelta(hours=1)


def class_of(passage: Passage) -> str:
    """The class of a passage, which decides how long it is kept."""
    if passage.verdict.alarm or passage.verdict.reason in ALARMS:
        return "alarm"
    return CLASS_BY_RESULT[passage.verdict.result]


def forget_old(database: sqlite3.Connection, settings: JournalSettings, now: datetime) -> int:
    """Forget one batch of passages and pictures that are past their time; how many it was."""
    days = {
        "granted": settings.granted_days,
        "refused": settings.refused_days,
        "unsure": settings.unsure_days,
        "alarm": settings.alarm_days,
    }
    forgotten = 0
    for name, kept_days in days.items():
        cutoff = (now - timedelta(days=kept_days)).isoformat()
        forgotten += _forget_passages(
            database,
            settings.dir,
            "class = ? AND triggered_at < ? LIMIT ?",
            (name, cutoff, BATCH),
        )
    cutoff = (now - timedelta(days=settings.evidence_days)).isoformat()
    forgotten += _forget_evidence(
        database,
        settings.dir,
        "sequence IN (SELECT sequence FROM passages WHERE class != 'alarm' AND triggered_at < ?)"
        " ORDER BY sequence LIMIT ?",
        (cutoff, BATCH),
    )
    return forgotten


def forget_excess(database: sqlite3.Connection, settings: JournalSettings) -> int:
    """Forget one batch of the oldest, where there are too many passages or pictures."""
    (count,) = database.execute("SELECT count(*) FROM passages WHERE id IS NOT NULL").fetchone()
    forgotten = 0
    if count > settings.passages_max:
        excess = min(count - settings.passages_max, BATCH)
        forgotten += _forget_passages(
            database, settings.dir, "id IS NOT NULL ORDER BY sequence LIMIT ?", (excess,)
        )
    if evidence_bytes(database) > settings.evidence_max_mb * 1_000_000 or not has_room(settings):
        forgotten += forget_oldest_evidence(database, settings)
    _drop_oldest_hashes(database)
    return forgotten


def forget_oldest_evidence(database: sqlite3.Connection, settings: JournalSettings) -> int:
    """Remove one batch of the oldest pictures, whatever their passage."""
    return _forget_evidence(database, settings.dir, "1 ORDER BY sequence LIMIT ?", (BATCH,))


def evidence_bytes(database: sqlite3.Connection) -> int:
    """What all pictures together take."""
    (total,) = database.execute("SELECT coalesce(sum(bytes), 0) FROM evidence").fetchone()
    return int(total)


def remove_strays(database: sqlite3.Connection, settings: JournalSettings, now: datetime) -> int:
    """Remove pictures that no row refers to, empty folders, and old damaged journals."""
    known = {file for (file,) in database.execute("SELECT file FROM evidence")}
    youngest = (now - ORPHAN_AGE).timestamp()
    removed = 0
    for folder in sorted((settings.dir / FOLDER).glob("*/")):
        for file in folder.iterdir():
            stray = str(file.relative_to(settings.dir)) not in known
            if stray and file.stat().st_mtime < youngest:
                file.unlink()
                removed += 1
        if not any(folder.iterdir()):
            folder.rmdir()
    oldest = (now - timedelta(days=settings.unsure_days)).timestamp()
    for file in settings.dir.glob(f"{SET_ASIDE}*"):
        if file.stat().st_mtime < oldest:
            file.unlink()
            removed += 1
    return removed


def _forget_passages(
    database: sqlite3.Connection, folder: Path, where: str, values: Iterable[object]
) -> int:
    """Empty the rows; their hashes stay, so that the chain over the others holds."""
    rows = database.execute(f"SELECT sequence FROM passages WHERE {where}", tuple(values))
    sequences = [sequence for (sequence,) in rows]
    for sequence in sequences:
        _forget_evidence(database, folder, "sequence = ?", (sequence,))
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "UPDATE passages SET id = NULL, triggered_at = NULL, class = NULL, document = NULL"
            " WHERE sequence = ?",
            [(sequence,) for sequence in sequences],
        )
    return len(sequences)


def _forget_evidence(
    database: sqlite3.Connection, folder: Path, where: str, values: Iterable[object]
) -> int:
    """Remove the files first: a row without a file is harmless, a file without a row would stay."""
    rows = database.execute(
        f"SELECT sequence, kind, file FROM evidence WHERE {where}", tuple(values)
    ).fetchall()
    for _, _, file in rows:
        (folder / file).unlink(missing_ok=True)
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "DELETE FROM evidence WHERE sequence = ? AND kind = ?", [row[:2] for row in rows]
        )
    return len(rows)


def _drop_oldest_hashes(database: sqlite3.Connection) -> None:
    """The chain may begin with the oldest passage that is still there."""
    database.execute(
        "DELETE FROM passages WHERE id IS NULL AND sequence <"
        " (SELECT min(sequence) FROM passages WHERE id IS NOT NULL)"
    )
