# SPDX-License-Identifier: Apache-2.0
"""Accounts of the console: roles, passwords (argon2id), and what the one-time code makes.

There is no default password. Until the one-time code has made an owner, nobody can log in.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from datetime import UTC, datetime
from enum import StrEnum

from plategate.console.database import ConsoleDatabase
from plategate.console.one_time_code import OneTimeCode
from plategate.console.passwords import hashed, matches
from plategate.errors import ConsoleError

PASSWORD_MIN, PASSWORD_MAX = 12, 200
LEAST_VARIETY = 6  # different characters in a password
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


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

    def __init__(self, database: ConsoleDatabase, code: OneTimeCode) -> None:
        self._database = database
        self._code = code
        self._using = threading.Lock()  # a code that two requests use counts for one

    def owner_exists(self) -> bool:
        """Whether the first start is over."""
        with self._database.connection() as connection:
            return bool(_owners(connection))

    def use_code(self, code: str, name: str, password: str) -> None:
        """Make an owner, or give an existing account of that name a new password, by the code."""
        with self._using:
            if not self._code.matches(code):
                raise InputError("code")
            self.save(name, password, Role.OWNER)
            self._code.withdraw()

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
        stored = hashed(password)
        with self._database.connection() as connection:
            if role is not Role.OWNER and _owners(connection) == [name]:
                raise InputError("last_owner")
            connection.execute("DELETE FROM sessions WHERE account = ?", (name,))
            if not keeps_second_step:
                connection.execute("DELETE FROM second_steps WHERE account = ?", (name,))
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET role = excluded.role, password = excluded.password",
                (name, role.value, stored, datetime.now(UTC).isoformat(timespec="seconds")),
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
        return matches(password, row["password"] if row else None)


def _owners(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM accounts WHERE role = ?"
    return [row["name"] for row in connection.execute(query, (Role.OWNER.value,))]
