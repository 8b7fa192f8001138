# SPDX-License-Identifier: Apache-2.0
"""Tokens of the API: made by an owner or by root, limited to scopes, valid until a day.

A token is shown once; the database has its SHA-256 only. A token of an account ends with the
account, and while the account is no owner's.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plategate.clock import utc_text
from plategate.console.accounts import NAME, InputError, Role
from plategate.console.database import ConsoleDatabase, token_hash

PREFIX = "plategate_"  # lets a scanner for leaked secrets recognize one
LONGEST_TOKEN = 100
MOST_TOKENS = 50
DAYS, MOST_DAYS = 365, 3650
WRITTEN_EVERY_S = 60.0  # how exactly the last use of a token is stored


class Scope(StrEnum):
    """What a token may be used for; a token may do nothing beyond its scopes."""

    METRICS = "metrics"  # /metrics
    LOOK = "look"  # state, health and figures; no personal data
    PEOPLE = "people"  # passages, pictures, events and lists
    COMMAND = "command"  # commands to the gate
    LISTS = "lists"  # changes of the lists, lists as files, visits, samples
    AIM = "aim"  # what the camera sees now
    MANAGE = "manage"  # audit log, logins, and the owner's settings


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret; `account` made it, None: root did. Times are Unix times."""

    name: str
    scopes: frozenset[Scope]
    account: str | None
    created_at: float
    expires_at: float
    seen_at: float | None

    def document(self) -> dict[str, Any]:
        """The token as JSON types."""
        return {
            "name": self.name,
            "scopes": sorted(self.scopes),
            "made_by": self.account or "root",
            "created_at": utc_text(self.created_at),
            "expires_at": utc_text(self.expires_at),
            "seen_at": None if self.seen_at is None else utc_text(self.seen_at),
        }


class Tokens:
    """The tokens in the console's database; for any thread. Raises InputError, StoreError."""

    def __init__(self, database: ConsoleDatabase, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def add(self, name: str, scopes: Iterable[str], days: int, account: str | None) -> str:
        """Make a token and return it: the only time that it can be seen."""
        if not NAME.fullmatch(name):
            raise InputError("name")
        if not 1 <= days <= MOST_DAYS:
            raise InputError("days")
        try:
            wanted = sorted({Scope(scope) for scope in scopes})
        except ValueError:
            raise InputError("scopes") from None
        if not wanted:
            raise InputError("scopes")
        token, now = PREFIX + secrets.token_urlsafe(32), self._now()
        values = (name, token_hash(token), " ".join(wanted), account, now, now + days * 86400.0)
        with self._database.connection() as connection:
            (number,) = connection.execute("SELECT count(*) FROM tokens").fetchone()
            if number >= MOST_TOKENS:
                raise InputError("too_many_tokens")
            try:
                connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
            except sqlite3.IntegrityError:
                raise InputError("token_exists") from None
        return token

    def all(self) -> list[Token]:
        """Every token by name, expired ones as well."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT * FROM tokens ORDER BY name").fetchall()
        return [_token(row) for row in rows]

    def revoke(self, name: str) -> bool:
        """Delete a token, which ends at once; whether there was one."""
        with self._database.connection() as connection:
            query = "DELETE FROM tokens WHERE name = ?"
            return connection.execute(query, (name,)).rowcount > 0

    def find(self, secret: str) -> Token | None:
        """The valid token with this secret; notes that it was used."""
        if not secret.startswith(PREFIX) or len(secret) > LONGEST_TOKEN:
            return None
        now = self._now()
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT tokens.* FROM tokens LEFT JOIN accounts ON account = accounts.name"
                " WHERE token_hash = ? AND expires_at > ? AND (account IS NULL OR role = ?)",
                (token_hash(secret), now, Role.OWNER.value),
            ).fetchone()
            if row is None:
                return None
            if row["seen_at"] is None or abs(now - row["seen_at"]) > WRITTEN_EVERY_S:
                query = "UPDATE tokens SET seen_at = ? WHERE name = ?"
                connection.execute(query, (now, row["name"]))
        return _token(row)

    def is_valid(self, token: Token) -> bool:
        """Whether a token that was found earlier has not ended since."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT 1 FROM tokens LEFT JOIN accounts ON account = accounts.name"
                " WHERE tokens.name = ? AND tokens.created_at = ? AND expires_at > ?"
                " AND (account IS NULL OR role = ?)",
                (token.name, token.created_at, self._now(), Role.OWNER.value),
            ).fetchone()
        return row is not None


def _token(row: sqlite3.Row) -> Token:
    values = dict(row)
    return Token(
        name=values["name"],
        scopes=frozenset(scope for scope in Scope if scope in values["scopes"].split()),
        account=values["account"],
        created_at=values["created_at"],
        expires_at=values["expires_at"],
        seen_at=values["seen_at"],
    )
