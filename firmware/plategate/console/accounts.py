# SPDX-License-Identifier: Apache-2.0
"""Accounts of the console: roles, passwords (argon2id), and the one-time code of the first start.

There is no default password. Until the one-time code has made an owner, nobody can log in; the code
stands in a file that root and the console's own user can read.
"""

from __future__ import annotations

import hmac
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from plategate.console.database import ConsoleDatabase
from plategate.errors import ConsoleError
from plategate.storage import replace_file, storage_errors

CODE_FILE = "setup-code"
# Without letters and digits that look alike.
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10
CODE_VALID_S = 86_400.0
PASSWORD_MIN, PASSWORD_MAX = 12, 200
LEAST_VARIETY = 6  # different characters in a password
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
# OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified where an account does not exist, so that the answer takes as long.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class Right(StrEnum):
    """What a page needs of the role of its visitor."""

    LOOK = "look"  # state and health of the gate
    PEOPLE = "people"  # passages and lists: plates, names, pictures
    COMMAND = "command"
    LISTS = "lists"  # change the lists, and take them out as files
    AIM = "aim"  # what the camera sees now
    MANAGE = "manage"  # accounts and audit log


class Role(StrEnum):
    """The role of an account."""

    OWNER = "owner"
    GUARD = "guard"
    INSTALLER = "installer"
    VIEWER = "viewer"

    @property
    def rights(self) -> frozenset[Right]:
        """What the role may do; an installer sees no personal data."""
        return _RIGHTS[self]


_RIGHTS = {
    Role.OWNER: frozenset(Right),
    Role.GUARD: frozenset({Right.LOOK, Right.PEOPLE, Right.COMMAND, Right.LISTS}),
    Role.INSTALLER: frozenset({Right.LOOK, Right.COMMAND, Right.AIM}),
    Role.VIEWER: frozenset({Right.LOOK, Right.PEOPLE}),
}


class InputError(ConsoleError):
    """What somebody entered is refused; `key` names the sentence in the message catalogue."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Accounts:
    """The accounts in the console's database; for any thread.

    Methods raise InputError and StoreError.
    """

    def __init__(
        self, database: ConsoleDatabase, folder: Path, now: Callable[[], float] = time.time
    ) -> None:
        """`now` is the clock of the one-time code."""
        self._database = database
        self._now = now
        self._code_file = folder / CODE_FILE
        self._hashing = threading.Lock()  # one at a time: each takes 19 MiB

    def owner_exists(self) -> bool:
        """Whether the first start is over."""
        with self._database.connection() as connection:
            return bool(_owners(connection))

    def code_is_offered(self) -> bool:
        """Whether a one-time code waits to be used and has not expired."""
        return bool(self._offered())

    def use_code(self, code: str, name: str, password: str) -> None:
        """Make an owner, or give an existing account of that name a new password, by the code."""
        offered = self._offered()
        given = code.strip().upper().replace("-", "").replace(" ", "")
        if not offered or not hmac.compare_digest(given.encode(), offered.encode()):
            raise InputError("code")
        self.save(name, password, Role.OWNER)
        self._code_file.unlink(missing_ok=True)

    def _offered(self) -> str:
        """The one-time code that may be used now; "" where there is none."""
        try:
            code, until = self._code_file.read_text(encoding="ascii").split()
            return code if 0 < float(until) - self._now() <= CODE_VALID_S + 1 else ""
        except (OSError, ValueError):
            return ""

    def save(
        self, name: str, password: str, role: Role, *, keeps_second_step: bool = False
    ) -> None:
        """Make an account, or replace its password and role; its logins end.

        The second step of its login ends too, unless `keeps_second_step`.
        """
        if not NAME.fullmatch(name):
            raise InputError("name")
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or len(set(password)) < LEAST_VARIETY:
            raise InputError("password")
        with self._hashing:
            hashed = _hasher.hash(password)
        with self._database.connection() as connection:
            if role is not Role.OWNER and _owners(connection) == [name]:
                raise InputError("last_owner")
            connection.execute("DELETE FROM sessions WHERE account = ?", (name,))
            if not keeps_second_step:
                connection.execute("DELETE FROM second_steps WHERE account = ?", (name,))
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET role = excluded.role, password = excluded.password",
                (name, role.value, hashed, datetime.now(UTC).isoformat(timespec="seconds")),
            )

    def remove(self, name: str) -> None:
        """Remove an account with its logins; the last owner stays."""
        with self._database.connection() as connection:
            if _owners(connection) == [name]:
                raise InputError("last_owner")
            connection.execute("DELETE FROM accounts WHERE name = ?", (name,))

    def all(self) -> list[tuple[str, Role]]:
        """Name and role of every account, by name."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT name, role FROM accounts ORDER BY name")
            return [(row["name"], Role(row["role"])) for row in rows]

    def check(self, name: str, password: str) -> bool:
        """Whether the password is the one of the account; takes as long for an unknown name."""
        with self._database.connection() as connection:
            query = "SELECT password FROM accounts WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
        try:
            with self._hashing:
                _hasher.verify(row["password"] if row else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
        return row is not None


def _owners(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM accounts WHERE role = ?"
    return [row["name"] for row in connection.execute(query, (Role.OWNER.value,))]


def offer_code(folder: Path) -> str:
    """Write a new one-time code to its file in the console's folder, and return it.

    Its second line is when the code expires, in seconds since 1970.
    """
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    file = folder / CODE_FILE
    with storage_errors(file):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(file, f"{code}\n{time.time() + CODE_VALID_S:.0f}\n".encode(), mode=0o600)
    return code
