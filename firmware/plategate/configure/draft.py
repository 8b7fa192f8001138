# SPDX-License-Identifier: Apache-2.0
"""The settings file while it is being answered: changed in memory, written once at the end."""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plategate.clock import SystemClock
from plategate.errors import SettingsError, reason_of_own
from plategate.gate.startup import runtime_settings
from plategate.settings import Settings, parse_settings
from plategate.settings.edit import edited, write_settings
from plategate.settings.reading import read_toml

HEAD = """# Settings of this gate, written by `plategate configure`, which can be run again.
# Every key with its unit and limits: docs/installer/settings.md. Check a change by hand with
#     plategate check-config
"""


class Draft:
    """A settings file that is not written yet."""

    def __init__(self, file: Path) -> None:
        """Read the file, or begin an empty one.

        Raises SettingsError where it is invalid or cannot be written.
        """
        self.file = file.resolve()
        self.before = self.text = HEAD
        self._found = self._present()
        if self._found is not None:
            read_toml(self.file)
            self.before = self.text = self._found
        _check_writable(self.file)
        self.settings: Settings = parse_settings(tomllib.loads(self.text), str(self.file))

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set keys ("table.key"; None removes one); raises SettingsError and changes nothing."""
        text = edited(self.text, changes, self.file.name)
        self.settings = parse_settings(tomllib.loads(text), self.file.name)
        self.text = text

    def check(self) -> None:
        """Raise SettingsError where no gate could start with these settings."""
        runtime_settings(self.settings, SystemClock(), lambda: True)

    def changed_lines(self) -> list[str]:
        """The lines that are new or gone, each with + or - before it; comments are left out."""
        import difflib

        lines = difflib.unified_diff(
            self.before.splitlines(), self.text.splitlines(), lineterm="", n=0
        )
        return [
            line
            for line in lines
            if line[:1] in "+-"
            and line[:3] not in ("+++", "---")
            and line[1:].strip("# \t")[:1]
            and not line[1:].startswith("#")
        ]

    def write(self) -> None:
        """Write the file durably, with the owner and mode of the old one; raises SettingsError.

        A file that was changed meanwhile is left as it is; the answers are then in FILE.new.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self._present() == self._found:
            write_settings(self.file, self.text)
            return
        new = self.file.with_name(f"{self.file.name}.new")
        write_settings(new, self.text)
        raise SettingsError(
            f"{self.file}: was changed while the questions were answered, and is left as it is;"
            f" your answers are in {new}"
        )

    def _present(self) -> str | None:
        """The text of the file now; None where there is none."""
        try:
            return self.file.read_text(encoding="utf-8-sig", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"{self.file}: cannot be read: {reason_of_own(error)}") from error


def _check_writable(file: Path) -> None:
    """Raise SettingsError before the first question, not after the last one."""
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise SettingsError(f"{file}: cannot be written: {reason_of_own(denied)}")
