# SPDX-License-Identifier: Apache-2.0
"""Delete passages, events and pictures at the end of their retention or when space is used up.

What is on hold stays. Each deletion adds an event to the purge log (`purge`).
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

from plategate.documents import EVENT, PASSAGE
from plategate.journal.database import FILE_NAME, PRESENT, open_read_only
from plategate.journal.evidence import FOLDER, has_room
from plategate.journal.holds import NOT_HELD
from plategate.journal.purge import ERASURE, PURGE, PURGED, note_purge
from plategate.journal.repair import SET_ASIDE
from plategate.settings.journal import JournalSettings
from plategate.storage import StorageFault, fault_of, transaction
from plategate.values import GateEvent, Passage, Reason, Result

ALARMS = frozenset({Reason.BLOCKED, Reason.WANTED, Reason.WANTED_POSSIBLE})
CLASS_BY_RESULT = {
    Result.GRANTED: "granted",
    Result.REFUSED: "refused",
    Result.UNSURE: "unsure",
}
# What an owner may have to prove later; kept as long as passages with an alarm.
ALARM_EVENTS = frozenset(
    {"alarm", "wanted", "fire", "forced_open", "tailgated", "refused_passed", "acknowledged"}
)
# The classes that only events have. Those of the purge log count for nothing here: forgetting an
# event adds one.
EVENT_CLASSES = ("event", ERASURE)
# Rows forgotten in one transaction, so that a passage does not wait long for its turn.
BATCH = 100
# Longer than the time between writing a picture and the row that refers to it.
ORPHAN_AGE = timedelta(hours=1)


def class_of_passage(passage: Passage) -> str:
    """The class of a passage, which decides how long it is kept."""
    if passage.verdict.alarm or passage.verdict.reason in ALARMS:
        return "alarm"
    return CLASS_BY_RESULT[passage.verdict.result]


def class_of_event(event: GateEvent) -> str:
    """The class of an event that is not a passage."""
    return "alarm" if event.what in ALARM_EVENTS else "event"


def days_kept(settings: JournalSettings) -> dict[str, int]:
    """How many days each class of passages and events is kept."""
    return {
        "granted": settings.granted_days,
        "refused": settings.refused_days,
        "unsure": settings.unsure_days,
        "alarm": settings.alarm_days,
        "event": settings.event_days,
        PURGE: settings.event_days,
        ERASURE: settings.proof_days,
    }


def forget_old(database: sqlite3.Connection, settings: JournalSettings, now: datetime) -> int:
    """Forget one batch of each class that is past its time; returns how much that was."""
    forgotten = 0
    for name, kept_days in days_kept(settings).items():
        cutoff = (now - timedelta(days=kept_days)).isoformat()
        forgotten += _forget_rows(
            database,
            settings.dir,
            f"{PRESENT} AND class = ? AND triggered_at < ? AND {NOT_HELD} LIMIT ?",
            (name, cutoff, BATCH),
            now,
        )
    cutoff = (now - timedelta(days=settings.evidence_days)).isoformat()
    forgotten += _forget_evidence(
        database,
        settings.dir,
        "sequence IN (SELECT sequence FROM passages WHERE class IN (SELECT value FROM json_each(?))"
        f" AND triggered_at < ? AND EXISTS (SELECT 1 FROM evidence e WHERE e.sequence ="
        f" passages.sequence) AND {NOT_HELD}) ORDER BY sequence LIMIT ?",
        (json.dumps([name for name in days_kept(settings) if name != "alarm"]), cutoff, BATCH),
        now,
    )
    return forgotten


def forget_excess(database: sqlite3.Connection, settings: JournalSettings, now: datetime) -> int:
    """Forget one batch of the oldest passages, events or pictures, where there are too many."""
    forgotten = 0
    for kind, count in _counts(database).items():
        if count > settings.passages_max:
            excess = min(count - settings.passages_max, BATCH)
            forgotten += _forget_rows(
                database,
                settings.dir,
                f"{PRESENT} AND kind = ? AND class != '{PURGE}' AND {NOT_HELD}"
                " ORDER BY sequence LIMIT ?",
                (kind, excess),
                now,
            )
    if evidence_bytes(database) > settings.evidence_max_mb * 1_000_000 or not has_room(settings):
        forgotten += forget_oldest_evidence(database, settings, now)
    _drop_oldest_hashes(database)
    return forgotten


def _counts(database: sqlite3.Connection) -> dict[str, int]:
    """How many passages and events there are, nearly all counted in the index of classes.

    A row that is forgotten loses its class. Only those with an alarm may be of either kind.
    """
    count = "SELECT count(*) FROM passages WHERE"
    (both, events, alarms) = database.execute(
        f"SELECT ({count} class IS NOT NULL AND class != '{PURGE}'),"
        f" ({count} class IN (SELECT value FROM json_each(:classes))),"
        f" ({count} class = 'alarm' AND kind = :event)",
        {"classes": json.dumps(EVENT_CLASSES), "event": EVENT},
    ).fetchone()
    return {PASSAGE: both - events - alarms, EVENT: events + alarms}


def forget_oldest_evidence(
    database: sqlite3.Connection, settings: JournalSettings, now: datetime | None
) -> int:
    """Remove one batch of the oldest pictures of all passages not on hold; returns how many.

    Without `now` the purge log gets no event: a full disk may have no space for it.
    """
    held = f"sequence NOT IN (SELECT sequence FROM passages WHERE NOT {NOT_HELD})"
    where = f"{held} ORDER BY sequence LIMIT ?"
    return _forget_evidence(database, settings.dir, where, (BATCH,), now)


def evidence_bytes(database: sqlite3.Connection) -> int:
    """The size of all pictures together."""
    (total,) = database.execute("SELECT coalesce(sum(bytes), 0) FROM evidence").fetchone()
    return int(total)


def remove_orphans(settings: JournalSettings, now: datetime) -> int:
    """Remove pictures without a row, empty folders, and journals that were set aside long ago.

    Reads the journal's file by a connection of its own, so that no passage waits for it. A picture
    may get its row up to ORPHAN_AGE after it was written.
    """
    with closing(open_read_only(settings.dir / FILE_NAME)) as database:
        known = {file for (file,) in database.execute("SELECT file FROM evidence")}
    youngest = (now - ORPHAN_AGE).timestamp()
    removed = 0
    for folder in sorted((settings.dir / FOLDER).glob("*/")):
        for file in folder.iterdir():
            orphan = str(file.relative_to(settings.dir)) not in known
            with suppress(FileNotFoundError):  # another thread removes pictures as well
                if orphan and file.stat().st_mtime < youngest:
                    file.unlink()
                    removed += 1
        with suppress(OSError):  # a folder with pictures stays
            folder.rmdir()
    oldest = (now - timedelta(days=settings.unsure_days)).timestamp()
    for file in settings.dir.glob(f"{SET_ASIDE}*"):
        if file.stat().st_mtime < oldest:
            file.unlink()
            removed += 1
    return removed


def _forget_rows(
    database: sqlite3.Connection,
    folder: Path,
    where: str,
    values: Iterable[object],
    now: datetime,
) -> int:
    """Empty the rows and delete their pictures; returns how many rows."""
    rows = database.execute(
        f"SELECT sequence, kind, class, coalesce(document, reduced) FROM passages WHERE {where}",
        tuple(values),
    ).fetchall()
    if not rows:
        return 0
    counts = Counter(kind for _, kind, class_, _ in rows if class_ != PURGE)
    with transaction(database):
        pictures = empty_rows(database, [row[0] for row in rows])
        if counts:
            detail = {
                "class": rows[0][2],
                "passages": counts[PASSAGE],
                "events": counts[EVENT],
                "pictures": len(pictures),
            }
            note_purge(database, PURGED, now, json.loads(rows[0][3])["lane"], detail)
    delete_files(folder, pictures)
    return len(rows)


def empty_rows(
    database: sqlite3.Connection, sequences: Sequence[int]
) -> list[tuple[int, str, str]]:
    """Empty rows but for their hashes, so that the chain over the others still holds.

    Returns the pictures (sequence, kind, path) whose files are to be deleted after the caller's
    transaction.
    """
    where, numbers = "sequence IN (SELECT value FROM json_each(?))", (json.dumps(list(sequences)),)
    pictures = _evidence(database, where, numbers)
    _delete_evidence_rows(database, pictures)
    database.execute(
        "UPDATE passages SET id = NULL, triggered_at = NULL, class = NULL, document = NULL,"
        f" reduced = NULL WHERE {where}",
        numbers,
    )
    return pictures


def _forget_evidence(
    database: sqlite3.Connection,
    folder: Path,
    where: str,
    values: Iterable[object],
    now: datetime | None,
) -> int:
    """Delete the rows, then the files: `remove_orphans` finds a file that stayed.

    On a full disk not even a row can be deleted; then the files go first and make room.
    """
    pictures = _evidence(database, where, values)
    if not pictures:
        return 0
    try:
        with transaction(database):
            _delete_evidence_rows(database, pictures)
            if now is not None:
                note_purge(database, PURGED, now, _lane(database), {"pictures": len(pictures)})
    except sqlite3.Error as error:
        if fault_of(error) is not StorageFault.FULL:
            raise
        delete_files(folder, pictures)
        with transaction(database):
            _delete_evidence_rows(database, pictures)
    delete_files(folder, pictures)
    return len(pictures)


def delete_files(folder: Path, pictures: Iterable[tuple[int, str, str]]) -> None:
    """Delete the files of pictures (sequence, kind, path below `folder`)."""
    for _, _, file in pictures:
        with suppress(FileNotFoundError):
            (folder / file).unlink()


def _evidence(
    database: sqlite3.Connection, where: str, values: Iterable[object]
) -> list[tuple[int, str, str]]:
    query = f"SELECT sequence, kind, file FROM evidence WHERE {where}"
    return database.execute(query, tuple(values)).fetchall()


def _delete_evidence_rows(
    database: sqlite3.Connection, pictures: list[tuple[int, str, str]]
) -> None:
    database.executemany(
        "DELETE FROM evidence WHERE sequence = ? AND kind = ?", [row[:2] for row in pictures]
    )


def _lane(database: sqlite3.Connection) -> str:
    """The lane of the newest event."""
    row = database.execute(
        f"SELECT coalesce(document, reduced) FROM passages WHERE {PRESENT}"
        " ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return str(json.loads(row[0])["lane"]) if row else ""


def _drop_oldest_hashes(database: sqlite3.Connection) -> None:
    """Delete what is left of forgotten rows before the oldest one that is kept."""
    database.execute(
        f"DELETE FROM passages WHERE NOT {PRESENT} AND sequence <"
        f" (SELECT min(sequence) FROM passages WHERE {PRESENT})"
    )
