# SPDX-License-Identifier: Apache-2.0
"""Erase one plate from a journal: passages, events and pictures.

A row leaves its two hashes, so that the chain over the others holds, and the event "erased" proves
which rows were erased. A document is erased as a whole: a part of it cannot be removed without
breaking its hash, so a passage with the plate among its alternatives goes too. The pages are
overwritten (secure_delete); the caller empties the log.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.documents import PASSAGE
from plategate.errors import StoreError
from plategate.journal.database import FILE_NAME, shown_of
from plategate.journal.holds import all_holds
from plategate.journal.journal import Journal
from plategate.journal.purge import ERASED, note_purge, ranges
from plategate.journal.reader import JournalReader
from plategate.journal.repair import SET_ASIDE
from plategate.journal.retention import delete_files, empty_rows
from plategate.journal.unknown import hash_in_journal
from plategate.plate_data.files import has_plate
from plategate.plate_data.mention import Mention
from plategate.storage import empty_log, log_bytes, transaction

LOG_ATTEMPTS, LOG_RETRY_S = 25, 0.2
# Sequence, kind, id and document.
Row = tuple[int, str, str | None, str]
# Values that neither a person nor a reader wrote; a plate of digits could be part of them.
_NOT_TEXT = frozenset(
    {
        "at", "class", "evidence", "id", "kind", "lane", "localizer", "milliseconds", "passage_id",
        "reader", "salt", "schema", "triggered_at", "valid_from", "valid_until",
    }
)  # fmt: skip


def rows_of_plate(
    database: sqlite3.Connection, plate: str, hashed: str | None, after: int = 0
) -> list[Row]:
    """Every event after a sequence number that has the plate, or its hash."""
    mention = Mention(plate)

    def has(text: object) -> bool:
        return isinstance(text, str) and (
            (hashed is not None and hashed in text)
            or (mention.is_in(text) and any(map(mention.is_in, _texts(json.loads(text)))))
        )

    database.create_function("has_plate", 1, has, deterministic=True)
    rows: list[Row] = database.execute(
        f"SELECT sequence, kind, id, document FROM {shown_of(database)}"
        " WHERE sequence > ? AND has_plate(document) ORDER BY sequence",
        (after,),
    ).fetchall()
    return rows


def erase_plate(
    database: sqlite3.Connection,
    folder: Path,
    plate: str,
    rows: Sequence[Row],
    *,
    proof: str,
    at: datetime,
    who: str,
    why: str,
    held: bool,
) -> dict[str, Any]:
    """Erase the rows of a plate and add the event that proves it; returns what was erased.

    `proof` is the hash of the plate that the event carries. Raises StoreError where passages on
    hold are among the rows and `held` is False.
    """
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
    with transaction(database):
        pictures = empty_rows(database, sequences)
        ended = [(name,) for _, _, name, _ in rows]
        database.executemany("DELETE FROM holds WHERE passage_id = ?", ended)
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


def erase_from(journal: Journal, plate: str, **order: Any) -> dict[str, Any]:
    """Erase a plate from an open journal; arguments and answer as `erase_plate`.

    The journal is searched without keeping anybody from writing. `log` in the answer is 1 if
    another program kept the log in use; it is then emptied within the hour. Raises StoreError.
    """
    if any(grant.plate == plate for grant in journal.grants_under_way()):
        raise StoreError("a vehicle with this plate is passing; try again when it has passed")
    folder = journal.folder
    if folder is None:
        raise StoreError("the disk cannot be written; try again when the journal is on it")
    hashed = hash_in_journal(folder, plate)
    with closing(JournalReader(folder)) as reader:
        newest = reader.newest_sequence()
        early = reader.read(lambda database: rows_of_plate(database, plate, hashed))

    def erase(database: sqlite3.Connection) -> dict[str, Any]:
        rows = [row for row in early if row[0] <= newest]
        rows += rows_of_plate(database, plate, hashed, after=newest)
        return erase_plate(database, folder, plate, rows, **order)

    erased = journal.change(erase)
    for _ in range(LOG_ATTEMPTS):
        journal.change(empty_log)
        if not log_bytes(folder / FILE_NAME):
            return erased
        time.sleep(LOG_RETRY_S)
    return erased | {"log": 1}
