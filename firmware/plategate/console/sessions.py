# SPDX-License-Identifier: Apache-2.0
"""Logins of the console: sessions, lock-out after failures, and the audit log."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plategate.clock import utc_text
from plategate.console.accounts import Role
from plategate.console.database import ConsoleDatabase, token_hash

# Failures by account and by address that are free; then each waits twice as long as the last.
FREE_FAILURES = 5
FIRST_WAIT_S = 5.0
# An account waits less than an address: a stranger must not lock out its owner. All guesses of the
# one-time code count together ("code"): 1,445 a day, of 100 million codes.
LONGEST_WAIT_S = {
    "account": 60.0, "code": 60.0, "address": 900.0, "token": 60.0, "visitor": 900.0,
}  # fmt: skip
FORGET_FAILURES_S = 86_400.0
AUDIT_MAX = 10_000
WRITTEN_EVERY_S = 60.0  # how exactly the last use of a session is stored


@dataclass(frozen=True, slots=True)
class Session:
    """A login: whose it is, what it may do, and the token that its forms must carry."""

    account: str
    role: Role
    csrf: str
    identity: str  # hash of the cookie: names the session without giving it away
    created_at: float
    seen_at: float
    address: str
    agent: str


class Sessions:
    """Sessions, failed logins and the audit log in the console's database."""

    def __init__(
        self,
        database: ConsoleDatabase,
        valid_for_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`valid_for_s` is how long a session lives without a request."""
        self._database = database
        self._valid_for_s = valid_for_s
        self._now = now

    def start(self, account: str, address: str, agent: str) -> str:
        """Begin a session; returns the value of its cookie."""
        token, identity, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._now()
        values = (token_hash(token), account, identity, now, now, address, agent[:120])
        with self._database.connection() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE seen_at NOT BETWEEN ? AND ?",
                (now - self._valid_for_s, now + self._valid_for_s),
            )
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return token

    def find(self, token: str, *, used: bool = True) -> Session | None:
        """The session of a cookie, if it has not ended; `used` extends it."""
        now = self._now()
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT sessions.*, accounts.role FROM sessions JOIN accounts ON account = name"
                " WHERE token_hash = ? AND seen_at BETWEEN ? AND ?",
                (token_hash(token), now - self._valid_for_s, now + self._valid_for_s),
            ).fetchone()
            if row is not None and used and abs(now - row["seen_at"]) > WRITTEN_EVERY_S:
                connection.execute(
                    "UPDATE sessions SET seen_at = ? WHERE token_hash = ?", (now, row["token_hash"])
                )
        return None if row is None else _session(row)

    def all(self) -> list[Session]:
        """Every session, the last used one first."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT sessions.*, accounts.role FROM sessions JOIN accounts ON account = name"
                " ORDER BY seen_at DESC"
            ).fetchall()
        return [_session(row) for row in rows]

    def end(self, identity: str) -> bool:
        """End a session; whether there was one."""
        with self._database.connection() as connection:
            query = "DELETE FROM sessions WHERE token_hash = ?"
            return connection.execute(query, (identity,)).rowcount > 0

    def waiting_s(self, **who: str) -> float:
        """Seconds until a login is tried again; `who` is account=..., address=...; 0 for now."""
        now, longest = self._now(), 0.0
        with self._database.connection() as connection:
            for kind, name in who.items():
                row = connection.execute(
                    "SELECT count, last_at FROM failures WHERE who = ?", (f"{kind} {name}",)
                ).fetchone()
                if row is not None:
                    wait = _wait_s(row["count"], LONGEST_WAIT_S[kind])
                    longest = max(longest, wait - abs(now - row["last_at"]))
        return longest

    def failed(self, **who: str) -> None:
        """Count a failed login of an account=... and from an address=..."""
        now = self._now()
        with self._database.connection() as connection:
            connection.execute("DELETE FROM failures WHERE last_at < ?", (now - FORGET_FAILURES_S,))
            for kind, name in who.items():
                connection.execute(
                    "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (who)"
                    " DO UPDATE SET count = count + 1, last_at = excluded.last_at",
                    (f"{kind} {name}", now),
                )

    def succeeded(self, **who: str) -> None:
        """Forget the failures of an account=... and of an address=..."""
        with self._database.connection() as connection:
            for kind, name in who.items():
                connection.execute("DELETE FROM failures WHERE who = ?", (f"{kind} {name}",))

    def note(self, who: str, address: str, what: str, detail: str = "") -> None:
        """Add a line to the audit log, which keeps the newest AUDIT_MAX."""
        at = utc_text(self._now())
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO audit (at, who, address, what, detail) VALUES (?, ?, ?, ?, ?)",
                (at, who, address, what, detail[:400]),
            )
            connection.execute(
                "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?",
                (AUDIT_MAX,),
            )

    def audit(self, limit: int = 200, before: int | None = None) -> list[dict[str, Any]]:
        """The newest lines of the audit log, newest first; `before` is the number of a line."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT number, at, who, address, what, detail FROM audit"
                " WHERE ? IS NULL OR number < ? ORDER BY number DESC LIMIT ?",
                (before, before, limit),
            ).fetchall()
        return [dict(row) for row in rows]


def _wait_s(failures: int, longest_s: float) -> float:
    if failures < FREE_FAILURES:
        return 0.0
    return min(longest_s, FIRST_WAIT_S * 2.0 ** min(failures - FREE_FAILURES, 20))


def _session(row: sqlite3.Row) -> Session:
    values = dict(row)
    return Session(
        account=values["account"],
        role=Role(values["role"]),
        csrf=values["csrf"],
        identity=values["token_hash"],
        created_at=values["created_at"],
        seen_at=values["seen_at"],
        address=values["address"],
        agent=values["agent"],
    )
