# SPDX-License-Identifier: Apache-2.0
"""The visits to which hosts invite: window, number of entries, state, and the link of the visitor.

A link names a visit by 128 bits that a key in the console's folder makes; the database has only
their hash. A visit and its plate are deleted a day after its end.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from plategate.console.accounts import Right, Role
from plategate.console.database import ConsoleDatabase, token_hash
from plategate.durable_files import replace_file
from plategate.errors import ConsoleError
from plategate.storage import storage_errors

KEY_FILE = "visit.key"
MOST_VISITS = 500
MOST_ENTRIES = 50
LONGEST_HOLDER = 80
MOST_DAYS = 92  # of a window
KEPT_AFTER_S = 86_400.0  # after its end
MOST_TRIES = 5  # plates that a visitor may type
MOST_PRESSES, PRESS_EVERY_S = 30, 5.0  # of "I am here"
_TOKEN_BYTES = 16


class VisitState(StrEnum):
    """How far a visit is."""

    INVITED = "invited"  # the visitor has not typed a plate yet
    ASKED = "asked"  # the host is to approve the plate
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REVOKED = "revoked"
    USED = "used"  # no entries are left


class VisitAnswer(StrEnum):
    """What a host does with a visit."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    REVOKE = "revoke"
    RENEW = "renew"  # a new link; the old one is no longer valid


class TooManyVisits(ConsoleError):
    """No further visit can be made before one of the others ends."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit; times are seconds since 1970.

    `entries` is how often the gate may still open, less what the gate counts for its list entry
    (`listed`) and less `opened`, the openings by "I am here" that the entry does not know yet.
    `accepts`: a plate without problems is accepted at once.
    """

    id: int
    nonce: str
    host: str
    holder: str
    starts_at: float
    ends_at: float
    entries: int
    accepts: bool
    state: VisitState
    plate: str
    tries: int
    presses: int
    pressed_at: float
    opened: int
    listed: bool

    @property
    def request(self) -> str:
        """Prefix of the ids of its changes of the lists, so that each is made once."""
        return f"visit-{self.id}-{self.nonce}"


class Visits:
    """Visits in the console's database; for any thread. Methods raise StoreError."""

    def __init__(self, database: ConsoleDatabase, folder: Path, now: Callable[[], float]) -> None:
        self._database = database
        self._key_file = folder / KEY_FILE
        self._now = now

    def make(
        self,
        *,
        request: str,
        host: str,
        holder: str,
        starts_at: float,
        ends_at: float,
        entries: int,
        accepts: bool,
    ) -> Visit:
        """Add a visit; a form that was sent before returns its visit."""
        nonce = secrets.token_hex(8)
        with self._database.connection() as connection:
            known = connection.execute("SELECT * FROM visits WHERE request = ?", (request,))
            if (row := known.fetchone()) is not None:
                return _visit(row)
            if connection.execute("SELECT count(*) FROM visits").fetchone()[0] >= MOST_VISITS:
                raise TooManyVisits(f"there are {MOST_VISITS} visits already")
            cursor = connection.execute(
                "INSERT INTO visits (request, token_hash, nonce, host, holder, made_at, starts_at,"
                " ends_at, entries, accepts, state, plate, tries, presses, pressed_at, opened,"
                " listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0, 0, 0)",
                (
                    *(request, nonce, nonce, host, holder, self._now()),
                    *(starts_at, ends_at, entries, accepts, VisitState.INVITED.value),
                ),
            )
            identity = int(cursor.lastrowid or 0)
            self._put_hash(connection, identity, nonce)
            return self._get(connection, identity)

    def token_of(self, visit: Visit) -> str:
        """The secret part of the visitor's link."""
        return self._token(visit.id, visit.nonce)

    def find(self, token: str) -> Visit | None:
        """The visit of a link; None if it is over or revoked, or its host may not invite."""
        now = self._now()
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT visits.*, accounts.role FROM visits JOIN accounts ON host = name"
                " WHERE token_hash = ? AND ends_at > ? AND state <> ?",
                (token_hash(token), now, VisitState.REVOKED.value),
            ).fetchone()
        if row is None or Right.LISTS not in Role(row["role"]).rights:
            return None
        return _visit(row)

    def get(self, identity: int) -> Visit | None:
        """The visit of a number."""
        with self._database.connection() as connection:
            row = connection.execute("SELECT * FROM visits WHERE id = ?", (identity,)).fetchone()
        return None if row is None else _visit(row)

    def all(self) -> list[Visit]:
        """Every visit: those that wait for approval first, then by their beginning."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM visits ORDER BY state <> ?, starts_at, id", (VisitState.ASKED.value,)
            ).fetchall()
        return [_visit(row) for row in rows]

    def waiting(self) -> int:
        """How many visits wait for approval."""
        with self._database.connection() as connection:
            query = "SELECT count(*) FROM visits WHERE state = ? AND ends_at > ?"
            found = connection.execute(query, (VisitState.ASKED.value, self._now()))
            return int(found.fetchone()[0])

    def over(self) -> list[Visit]:
        """The visits whose end is KEPT_AFTER_S ago."""
        with self._database.connection() as connection:
            query = "SELECT * FROM visits WHERE ends_at < ?"
            rows = connection.execute(query, (self._now() - KEPT_AFTER_S,)).fetchall()
        return [_visit(row) for row in rows]

    def change(self, visit: Visit, **values: object) -> Visit:
        """Change fields of a visit."""
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._database.connection() as connection:
            connection.execute(
                f"UPDATE visits SET {assignments} WHERE id = ?", (*values.values(), visit.id)
            )
            return self._get(connection, visit.id)

    def renew(self, visit: Visit) -> Visit:
        """Give a visit a new link; the old one is no longer valid."""
        with self._database.connection() as connection:
            nonce = secrets.token_hex(8)
            connection.execute("UPDATE visits SET nonce = ? WHERE id = ?", (nonce, visit.id))
            self._put_hash(connection, visit.id, nonce)
            return self._get(connection, visit.id)

    def delete(self, visit: Visit) -> None:
        """Forget a visit."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM visits WHERE id = ?", (visit.id,))

    def _put_hash(self, connection: sqlite3.Connection, identity: int, nonce: str) -> None:
        hashed = token_hash(self._token(identity, nonce))
        connection.execute("UPDATE visits SET token_hash = ? WHERE id = ?", (hashed, identity))

    def _token(self, identity: int, nonce: str) -> str:
        made = hmac.digest(self._key(), f"{identity}:{nonce}".encode(), "sha256")[:_TOKEN_BYTES]
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def _key(self) -> bytes:
        with storage_errors(self._key_file):
            try:
                return self._key_file.read_bytes()
            except FileNotFoundError:
                replace_file(self._key_file, secrets.token_bytes(32), mode=0o600)
                return self._key_file.read_bytes()

    @staticmethod
    def _get(connection: sqlite3.Connection, identity: int) -> Visit:
        return _visit(
            connection.execute("SELECT * FROM visits WHERE id = ?", (identity,)).fetchone()
        )


def _visit(row: sqlite3.Row) -> Visit:
    return Visit(
        id=row["id"],
        nonce=row["nonce"],
        host=row["host"],
        holder=row["holder"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        entries=row["entries"],
        accepts=bool(row["accepts"]),
        state=VisitState(row["state"]),
        plate=row["plate"],
        tries=row["tries"],
        presses=row["presses"],
        pressed_at=row["pressed_at"],
        opened=row["opened"],
        listed=bool(row["listed"]),
    )
