# SPDX-License-Identifier: Apache-2.0
"""The one-time code of the console: eight digits that make an owner or replace a lost password.

The console's folder has only its hash (argon2id) and when it expires. It is valid once, for a day,
and on an installed gate only while it is shown (code_display.py), in memory and so until the next
boot. The day is counted from the boot: a gate without a battery clock does not know the time when
it starts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from plategate.clock import since_boot
from plategate.console.passwords import hashed, matches
from plategate.durable_files import replace_file
from plategate.settings.console import ConsoleSettings
from plategate.storage import storage_errors

CODE_FILE = "setup-code"
CODE_DIGITS = 8
CODE_VALID_S = 86_400.0


class OneTimeCode:
    """The code that may be used now, if there is one; for any thread. Raises StoreError."""

    def __init__(self, console: ConsoleSettings, now: Callable[[], float] = since_boot) -> None:
        """`now` is in seconds since the boot."""
        self._file = console.state_dir / CODE_FILE
        self._display, self._shown = console.code_dir, console.code_file
        self._now = now

    def offer(self) -> str:
        """Make a new code in place of any other, and return its digits."""
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        content = f"{hashed(code)}\n{self._now() + CODE_VALID_S:.0f}\n"
        with storage_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._file, content.encode(), mode=0o600)
        return code

    def is_offered(self) -> bool:
        """Whether a code waits to be used and has not expired."""
        return self._hash() is not None

    def matches(self, given: str) -> bool:
        """Whether somebody entered the code, with or without spaces and hyphens."""
        return matches(given.replace("-", "").replace(" ", ""), self._hash())

    def withdraw(self) -> None:
        """Remove the code; it can no longer be used."""
        with storage_errors(self._file):
            self._file.unlink(missing_ok=True)

    def _hash(self) -> str | None:
        """The hash of the valid code; None where there is none."""
        if self._display.exists() and not self._shown.exists():
            return None
        try:
            stored, until_s = self._file.read_text(encoding="utf-8").split()
            left_s = float(until_s) - self._now()
        except (OSError, ValueError):
            return None
        return stored if 0 < left_s <= CODE_VALID_S + 1 else None


def written(code: str) -> str:
    """A code as people read it: 1234-5678."""
    return f"{code[: CODE_DIGITS // 2]}-{code[CODE_DIGITS // 2 :]}"
