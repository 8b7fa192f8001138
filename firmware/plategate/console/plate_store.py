# SPDX-License-Identifier: Apache-2.0
"""The console as a store of plates: its audit log may name one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from plategate.console.database import FILE_NAME, WAIT_S
from plategate.console.sessions import AUDIT_MAX
from plategate.console.visits import KEPT_AFTER_S
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind
from plategate.plate_data.sqlite_rows import erase_in_file, find_in_file
from plategate.settings.console import ConsoleSettings
from plategate.storage import open_for_reading, storage_errors


@dataclass(frozen=True)
class ConsolePlateStore:
    """Accounts, sessions and audit log."""

    name: ClassVar[str] = "console"
    settings: ConsoleSettings

    @property
    def folder(self) -> Path:
        """The folder of the database."""
        return self.settings.state_dir

    def kept(self) -> tuple[KeptKind, ...]:
        """Accounts and logins; plates only where somebody typed one."""
        return (
            KeptKind(
                "accounts: name, role, hashed password",
                "log in",
                "until they are removed",
                self._count("accounts"),
            ),
            KeptKind(
                "sessions and failed logins: account, address, browser",
                "keep a login; slow down guessing",
                "until the session or the lock-out ends",
                self._count("sessions"),
            ),
            KeptKind(
                "visits: name and plate of a visitor, window, host",
                "let the visitor in",
                f"{KEPT_AFTER_S / 86400:.0f} day after the end of the visit",
                self._count("visits"),
            ),
            KeptKind(
                "audit log: who did what from which address",
                "find misuse",
                f"the newest {AUDIT_MAX} lines",
                self._count("audit"),
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """Lines that name the plate."""
        rows = find_in_file(self.settings.state_dir / FILE_NAME, plate)
        return [Holding(f"console: {table}", row) for table, row in rows]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Take the plate out of every line."""
        counts = erase_in_file(self.settings.state_dir / FILE_NAME, asked.plate)
        return Erasure({f"lines of console: {table}": n for table, n in counts.items()})

    def _count(self, table: str) -> int:
        file = self.settings.state_dir / FILE_NAME
        with storage_errors(file):
            if not file.exists():
                return 0
            with closing(open_for_reading(file, WAIT_S)) as database:
                return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
