# SPDX-License-Identifier: Apache-2.0
"""The settings file while it is being answered: changed in memory, written once at the end."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plategate.clock import SystemClock
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
        """Read the file, or begin an empty one; raises SettingsError where it is invalid."""
        self.file = file.resolve()
        self.before = self.text = HEAD
        if self.file.exists():
            read_toml(self.file)
            self.before = self.text = self.file.read_text(encoding="utf-8-sig")
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
        """Write the file durably, with the owner and mode of the old one; raises SettingsError."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_settings(self.file, self.text)
