# SPDX-License-Identifier: Apache-2.0
"""Remember which request made which change, so that a request that is sent twice counts once.

A sender that got no answer sends its request again with the same id. The id is stored in the
transaction of the change, so a request that is known has been followed, also after a crash.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from plategate.access.store.history import ListChange, list_history
from plategate.access.store.rows import has_table

MOST_REQUESTS = 10_000
_TABLE = (
    "CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE, change INTEGER NOT NULL)"
)


def note_request(connection: sqlite3.Connection, request: str, change: int) -> None:
    """Store the id of the request for a change; called in the transaction of the change.

    An empty id is not stored. The newest MOST_REQUESTS are kept.
    """
    if not request:
        return
    connection.execute(_TABLE)
    connection.execute("INSERT INTO requests (id, change) VALUES (?, ?)", (request, change))
    connection.execute(
        "DELETE FROM requests WHERE number <= (SELECT max(number) FROM requests) - ?",
        (MOST_REQUESTS,),
    )


def change_of_request(connection: sqlite3.Connection, request: str) -> ListChange | None:
    """The change that an earlier request with this id made, marked as repeated; else None."""
    if not request or not has_table(connection, "requests"):
        return None
    query = "SELECT change FROM requests WHERE id = ?"
    row = connection.execute(query, (request,)).fetchone()
    if row is None:
        return None
    changes = (change for change in list_history(connection, limit=-1) if change.number == row[0])
    return next((replace(change, repeated=True) for change in changes), None)
