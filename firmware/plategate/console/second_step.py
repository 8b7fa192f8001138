# SPDX-License-Identifier: Apache-2.0
"""The optional second step of a login: six digits of an authenticator app (TOTP, RFC 6238).

Each code counts once, within 30 s of its time. The clock of the gate must be right; where it is
not, root makes a new one-time code, which ends the second step of that account.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from plategate.console.accounts import InputError
from plategate.console.database import ConsoleDatabase

ISSUER = "Plategate"
SECRET = re.compile(r"[A-Z2-7]{32}")
STEP_S = 30
NEAR_STEPS = (0, -1, 1)


class SecondStep:
    """The secrets of accounts that use a second step; for any thread. Raises StoreError."""

    def __init__(self, database: ConsoleDatabase, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def is_used(self, account: str) -> bool:
        """Whether the account has a second step."""
        return self._stored(account) is not None

    def begin(self, account: str) -> tuple[str, str]:
        """A new secret, and the address that an authenticator app reads from a QR code."""
        import pyotp  # loaded where it is used: few accounts have a second step

        secret = pyotp.random_base32()
        return secret, pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)

    def confirm(self, account: str, secret: str, code: str) -> None:
        """Store the secret, once the app has shown a right code for it. Raises InputError."""
        if not SECRET.fullmatch(secret):
            raise InputError("second_step")
        step = self._step_of(secret, code, -1)
        if step is None:
            raise InputError("second_step")
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO second_steps VALUES (?, ?, ?) ON CONFLICT (account)"
                " DO UPDATE SET secret = excluded.secret, used_step = excluded.used_step",
                (account, secret, step),
            )

    def check(self, account: str, code: str) -> bool:
        """Whether the code is right and unused; also where the account has no second step."""
        stored = self._stored(account)
        if stored is None:
            return True
        secret, used_step = stored
        step = self._step_of(secret, code, used_step)
        if step is None:
            return False
        with self._database.connection() as connection:
            query = "UPDATE second_steps SET used_step = ? WHERE account = ? AND used_step < ?"
            return connection.execute(query, (step, account, step)).rowcount > 0

    def end(self, account: str) -> None:
        """Log the account in by its password alone from now on."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM second_steps WHERE account = ?", (account,))

    def _stored(self, account: str) -> tuple[str, int] | None:
        with self._database.connection() as connection:
            query = "SELECT secret, used_step FROM second_steps WHERE account = ?"
            row = connection.execute(query, (account,)).fetchone()
        return None if row is None else (row["secret"], row["used_step"])

    def _step_of(self, secret: str, code: str, used_step: int) -> int | None:
        """The time step that the code belongs to, if it is near and after the last used one."""
        import pyotp

        given = code.replace(" ", "").encode("utf-8", "replace")
        made = pyotp.TOTP(secret)
        present = int(self._now() // STEP_S)
        for step in (present + near for near in NEAR_STEPS):
            right = hmac.compare_digest(made.at(step * STEP_S).encode(), given)
            if right and step > used_step:
                return step
        return None
