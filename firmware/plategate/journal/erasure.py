# SPDX-License-Identifier: Apache-2.0
"""Erase one plate from a journal: passages, events, pictures, free pages and the log.

A row leaves its two hashes, so that the chain over the others holds, and the event "erased" proves
which rows were erased. A document is erased as a whole: a part of it cannot be removed without
breaking its hash, so a passage with the plate among its alternatives goes too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.documents import PASSAGE
from plategate.errors import StoreError
from plategate.journal.database import shown_of
from plategate.journal.holds import all_holds
from plategate.journal.purge import ERASED, note_purge, ranges
from plategate.journal.repair import SET_ASIDE
from plategate.journal.retention import delete_files
from plategate.plate_data.files import Mention, has_plate
from plategate.plate_data.sqlite_rows import purge_free_pages
from plategate.storage import transaction

# Values that are no text of a person or a reader; a plate of digits could be part of them.
_NOT_TEXT = frozenset(
    {
        "at", "class", "evidence", "id", "kind", "lane", "localizer", "milliseconds", "passage_id",
        "reader", "salt", "schema", "triggered_at", "valid_from", "valid_until",
    }
)  # fmt: skip


def rows_of_plate(
    database: sqlite3.Connection, plate: str, hashed: str | None
) -> list[tuple[int, str, str | None, str]]:
    """Sequence, kind, id and document of every event that has the plate, or its hash."""
    mention = Mention(plate)

    def has(text: object) -> bool:
        return isinstance(text, str) and (
            (hashed is not None and hashed in text)
            or (mention.is_in(text) and any(map(mention.is_in, _texts(json.loads(text)))))
        )

    database.create_function("has_plate", 1, has, deterministic=True)
    rows: list[tuple[int, str, str | None, str]] = database.execute(
        f"SELECT sequence, kind, id, document FROM {shown_of(database)}"
        " WHERE has_plate(document) ORDER BY sequence"
    ).fetchall()
    return rows


def erase_plate(
    database: sqlite3.Connection,
    folder: Path,
    plate: str,
    *,
    hashed: str | None,
    proof: str,
    at: datetime,
    who: str,
    why: str,
    held: bool,
) -> dict[str, Any]:
    """Erase a plate and add the event that proves it; returns what was erased.

    `hashed` is the plate's hash in this journal and `proof` the one that the event carries. Raises
    StoreError where passages on hold have the plate and `held` is False.
    """
    rows = rows_of_plate(database, plate, hashed)
    on_hold = {hold.passage_id for hold in all_holds(database)}
    kept = [name for _, _, name, _ in rows if name in on_hold]
    if kept and not held:
        raise StoreError(
            f"passages on hold have this plate: {', '.join(map(str, kept))}; end the hold with"
            " `plategate privacy release`, or erase them too with --held"
        )
    sequences = [row[0] for row in rows]
    passages = sum(row[1] == PASSAGE for row in rows)
    lane = json.loads(rows[0][3])["lane"] if rows else ""
    pictures: list[tuple[int, str, str]] = []
    with transaction(database):
        for sequence, _, name, _ in rows:
            pictures += database.execute(
                "SELECT sequence, kind, file FROM evidence WHERE sequence = ?", (sequence,)
            ).fetchall()
            database.execute("DELETE FROM evidence WHERE sequence = ?", (sequence,))
            database.execute("DELETE FROM holds WHERE passage_id = ?", (name,))
            database.execute(
                "UPDATE passages SET id = NULL, triggered_at = NULL, class = NULL,"
                " document = NULL, reduced = NULL WHERE sequence = ?",
                (sequence,),
            )
        mention = Mention(plate)
        holds = [hold for hold in all_holds(database) if mention.is_in(hold.why)]
        for hold in holds:
            why_held = (mention.removed_from(hold.why), hold.passage_id)
            database.execute("UPDATE holds SET why = ? WHERE passage_id = ?", why_held)
        counts = {
            "passages": passages,
            "events": len(rows) - passages,
            "pictures": len(pictures),
        }
        note_purge(
            database,
            ERASED,
            at,
            lane,
            {
                **counts,
                "plate": proof,
                "sequences": ranges(sequences),
                "who": who,
                "why": mention.removed_from(why),
            },
        )
    delete_files(folder, pictures)
    purge_free_pages(database, Path(_file_of(database)))
    damaged = [file for file in sorted(folder.glob(f"{SET_ASIDE}*")) if has_plate(file, plate)]
    for file in damaged:
        file.unlink()
    return {**counts, "damaged journals": len(damaged)}


def _texts(value: Any, key: str = "") -> Iterator[str]:
    """The texts of a document, and of the JSON that the detail of an event may be."""
    if key in _NOT_TEXT:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif isinstance(value, str):
        yield value


def _file_of(database: sqlite3.Connection) -> str:
    return str(database.execute("PRAGMA database_list").fetchone()[2])
