# SPDX-License-Identifier: Apache-2.0
"""Make the one-time code, at the first start or for root, and show it until it is used or expires.

Root runs this. The code itself belongs to the console and is made as the console's user.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing, suppress

from plategate.console.accounts import Accounts
from plategate.console.code_display import CodeDisplay
from plategate.console.database import ConsoleDatabase
from plategate.console.one_time_code import OneTimeCode
from plategate.errors import StoreError
from plategate.settings import Settings
from plategate.storage import storage_errors
from plategate.users import as_owner_of

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Announcer:
    """The code of one console and its files. Methods raise StoreError."""

    def __init__(self, settings: Settings) -> None:
        self._console = settings.console
        self._gate_folder = settings.journal.dir
        self._code = OneTimeCode(self._console)
        self.display = CodeDisplay(self._console)

    def make(self) -> str:
        """Make a code and show it where a display is installed; returns its digits."""
        if not self.display.exists():
            return self._offer()
        with self.display.locked():
            code = self._offer()
            self.display.show(code, self._lamp_reader())
        return code

    def begin(self) -> bool:
        """Show the valid code, or a new one where nobody owns the console; whether one is shown."""
        with self.display.locked():
            shown = self.display.code()
            with as_owner_of(self._console.state_dir):
                is_shown = shown is not None and self._code.matches(shown)
            if not is_shown:
                self.display.clear()
        if not is_shown and not self._has_owner():
            self.make()
            return True
        return is_shown

    def watch(self, stopped: threading.Event) -> None:
        """Wait until the code is used, has expired, or `stopped`; then show it no more."""
        while True:
            is_stopped = stopped.wait(LOOK_EVERY_S)
            with self.display.locked():
                if is_stopped or not self._is_offered():
                    self.display.clear()
                    break
        if not is_stopped:
            logger.info("the one-time code was used or has expired")

    def _offer(self) -> str:
        with as_owner_of(self._console.state_dir):
            return self._code.offer()

    def _is_offered(self) -> bool:
        with as_owner_of(self._console.state_dir):
            return self._code.is_offered()

    def _has_owner(self) -> bool:
        folder = self._console.state_dir
        with as_owner_of(folder), closing(ConsoleDatabase(folder)) as database:
            return Accounts(database, self._code).owner_exists()

    def _lamp_reader(self) -> int | None:
        """The user of the gate, if the settings let its lamp show the code."""
        choice = self._console.lamp_code
        if choice == "never" or (choice == "first_owner" and self._has_owner()):
            return None
        for folder in (self._gate_folder, *self._gate_folder.parents):
            # What a private folder hides from root without its capabilities belongs to its owner.
            with storage_errors(folder), suppress(PermissionError):
                return folder.stat().st_uid
        raise StoreError(f"{self._gate_folder}: cannot be read")
