# SPDX-License-Identifier: Apache-2.0
"""Take plates out of passages: at once, or some hours later, as the settings ask.

A plate on no list becomes a keyed hash: the same vehicle is recognized as such, its plate is not
known. The key never leaves the journal's folder.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plategate.documents import PASSAGE, encode
from plategate.errors import SettingsError
from plategate.journal.chain import content_hash
from plategate.journal.holds import NOT_HELD
from plategate.journal.purge import HASH_LENGTH, HASHED, note_purge
from plategate.plate_data.hashing import KEY_FILE, PREFIX, plate_hash, plate_key, read_key, reduced
from plategate.settings.journal import JournalSettings
from plategate.storage import transaction
from plategate.values import Passage, Result

KEY_MODE = 0o640  # the group finds the passages of a plate by its hash
BATCH = 100
SHORT = 16  # hexadecimal digits
# Passages whose plate is on no list; those with an alarm are kept as they are.
CLASSES = ("refused", "unsure")


def is_unknown(passage: Passage) -> bool:
    """Whether the plate of a passage is on no list, and raised no alarm."""
    verdict = passage.verdict
    return verdict.entry is None and verdict.result is not Result.GRANTED and not verdict.alarm


def without_plate(document: dict[str, Any], key: bytes | None) -> dict[str, Any]:
    """The document of a passage with the keyed hash of its plate; without a key, with no plate."""
    found = reduced(document, "none" if key is None else "hmac", key or b"")
    verdict, reading = found["verdict"], found["reading"]
    verdict |= {"entry": None, "registered_in": None, "plate": _short(verdict["plate"])}
    if reading is not None:
        reading |= {"characters": [], "alternatives": [], "text": _short(reading["text"])}
    return found


def stored_form(
    settings: JournalSettings, passage: Passage, document: dict[str, Any]
) -> dict[str, Any]:
    """The document as it may be stored now."""
    if settings.delete_at_match and passage.verdict.result is Result.GRANTED:
        return without_plate(document, None)
    if settings.unknown_text_hours == 0 and is_unknown(passage):
        return without_plate(document, journal_key(settings.dir))
    return document


def pictures_allowed(settings: JournalSettings, passage: Passage) -> bool:
    """Whether pictures of a passage may be stored."""
    if settings.delete_at_match and passage.verdict.result is Result.GRANTED:
        return False
    return settings.unknown_pictures or not is_unknown(passage)


def hash_unknown(database: sqlite3.Connection, settings: JournalSettings, now: datetime) -> int:
    """Replace the plates of one batch of passages by hashes; returns how many passages."""
    if settings.unknown_text_hours is None:
        return 0
    cutoff = now - timedelta(hours=settings.unknown_text_hours)
    rows = database.execute(
        "SELECT sequence, document FROM passages WHERE document IS NOT NULL AND reduced IS NULL"
        " AND kind = ? AND class IN (?, ?) AND triggered_at < ?"
        " AND json_extract(document, '$.verdict.entry') IS NULL"
        " AND (json_extract(document, '$.reading.characters[0]') IS NOT NULL"
        "  OR json_extract(document, '$.verdict.plate') NOT LIKE '#%')"
        f" AND {NOT_HELD} LIMIT ?",
        (PASSAGE, *CLASSES, cutoff.isoformat(), BATCH),
    ).fetchall()
    if not rows:
        return 0
    key = journal_key(settings.dir)
    documents = {number: encode(without_plate(json.loads(text), key)) for number, text in rows}
    lane = json.loads(rows[0][1])["lane"]
    proofs = {n: content_hash(text).hex()[:HASH_LENGTH] for n, text in documents.items()}
    with transaction(database):
        database.executemany(
            "UPDATE passages SET document = NULL, reduced = ? WHERE sequence = ?",
            [(text, number) for number, text in documents.items()],
        )
        note_purge(database, HASHED, now, lane, {"passages": len(rows), "documents": proofs})
    return len(rows)


def journal_key(folder: Path) -> bytes:
    """The key of the hashes of one journal, which is made where it is missing."""
    return plate_key(None, folder, KEY_MODE)


def hash_in_journal(folder: Path, plate: str) -> str | None:
    """How the journal in `folder` names a plate that it hashed; None where it hashed none."""
    try:
        return _short(plate_hash(plate, read_key(folder / KEY_FILE)))
    except SettingsError:
        return None


def _short(hashed: str | None) -> str | None:
    """A hash as the journal keeps it: "#" and 64 bits, enough for the vehicles of one gate."""
    return hashed and f"#{hashed.removeprefix(PREFIX)[:SHORT]}"
