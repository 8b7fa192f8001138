# SPDX-License-Identifier: Apache-2.0
"""A console in which every text from outside is hostile, as hostile_fields.py puts it.

Each text has a number, so that a test can name the field that it came from. In a page that does not
escape it, `hit(NUMBER)` runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from plategate.access.store.lists import ListName
from plategate.access.sync.checks import SyncOptions
from plategate.console.app import build_app
from plategate.console.lanes import SettingsSource
from plategate.journal import open_journal
from plategate.list_service.preview import make_preview
from plategate.settings import load_file
from plategate.settings.overlay import OwnerValue

from .bed import ConsoleBed

# Runs where it is not escaped; ends any attribute; is a template. A lane's name has 40 characters.
PAYLOAD = "\"'><img src=x onerror=hit({})>{{{{9*9}}}}"


class HostileBed(ConsoleBed):
    """A console with the settings, lists and changes of the owner that its fields make."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.sheets: dict[ListName, list[dict[str, str]]] = {}
        self.owner: dict[str, OwnerValue] = {}
        other = {"lane": {"name": "exit"}, "journal": {"dir": str(folder / "other")}}
        self.tables: dict[str, dict[str, dict[str, object]]] = {"main": {}, "other": other}

    def fill(self, fields: tuple[Field, ...]) -> None:
        """Put the text of every field, and read the settings again."""
        self.make_owner()
        for number, field in enumerate(fields):
            field.put(self, payload(number))
        made = self.settings.model_dump(mode="json", exclude_defaults=True)
        own = {key: {**made.get(key, {}), **self.tables["main"].get(key, {})} for key in (
            *made, *self.tables["main"])}  # fmt: skip
        own["console"]["lanes"] = [self._write("other.toml", self.tables["other"])]
        own["commands"]["owner_settings_file"] = str(self.folder / "owner.json")
        file = Path(self._write("settings.toml", own))
        self.settings = load_file(file)
        open_journal(load_file(self.folder / "other.toml").journal).close()
        make_preview(self.settings, SyncOptions(datetime.now(UTC), ZoneInfo("UTC"), "sync"))
        source = SettingsSource(lambda: load_file(file), file)
        self.site.database.close()
        self.app = build_app(self.settings, now=lambda: self.clock_s, source=source)
        self.site = self.app.state.site

    def _write(self, name: str, tables: dict[str, dict[str, object]]) -> str:
        lines = [
            f"[{table}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
            for table, keys in tables.items()
        ]
        (self.folder / name).write_text("\n".join(lines), encoding="utf-8")
        return str(self.folder / name)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


Put = Callable[[HostileBed, str], None]
Make = Callable[[str], object]


@dataclass(frozen=True)
class Field:
    """A text from outside; `put` places it. `shown`: some page has to show it."""

    name: str
    put: Put
    shown: bool = True


def payload(number: int) -> str:
    """The hostile text of a field."""
    return PAYLOAD.format(number)
