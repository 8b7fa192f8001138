# SPDX-License-Identifier: Apache-2.0
"""Change settings for the owner (command `setting`): check, store, then reload the gate.

The command socket has stored the event with who and why before; a value that the schema or the gate
would refuse changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from plategate.errors import CommandError, SettingsError
from plategate.gate.interfaces import Service
from plategate.gate.startup import check_startable, startable_layers
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.settings import Settings
from plategate.settings.changes import changes
from plategate.settings.describe import plain_value
from plategate.settings.overlay import (
    LayeredSettings,
    OwnerValue,
    layered,
    overlaid,
    owner_fields,
    read_overlay,
    write_overlay,
)

KEYS = {"key", "value", "reset"}


class OwnerSettings:
    """The settings of a file with the owner's changes over it; for any thread."""

    def __init__(self, load_base: Callable[[], Settings], origin: str) -> None:
        """`load_base` reads the file, named `origin` in messages; it raises SettingsError."""
        self._load_base = load_base
        self._origin = origin
        self.problem: str | None = None

    def read(self) -> Settings:
        """The settings in force; `problem` then says what was left out. Raises SettingsError."""
        found = startable_layers(_layers(self._load_base()), self._origin)
        self.problem = "; ".join(found.ignored) or None
        return found.settings

    def services(
        self, now: Callable[[], datetime], reload: Callable[[], None]
    ) -> dict[ServiceName, Service]:
        """What the gate offers over its command socket."""
        return {ServiceName.SETTING: lambda request: self.change(request, now(), reload)}

    def change(
        self, request: CommandRequest, now: datetime, reload: Callable[[], None]
    ) -> tuple[str, dict[str, Any]]:
        """Follow a request and reload; a sentence, and key and values for the answer.

        Its data are `key` and `value`, or `key` and `reset`: true. Raises CommandError.
        """
        key, asked, is_reset = _asked(request.data or {})
        try:
            base = self._load_base()
            file = base.commands.owner_settings_file
            if not base.commands.owner_settings:
                raise CommandError(f"{self._origin}: commands.owner_settings = false forbids it")
            if key not in owner_fields(type(base)):
                raise CommandError(_why_not(base, key, self._origin))
            before = _layers(base).settings
            values = read_overlay(file)
            earlier = values.pop(key, None)
            if is_reset and earlier is None:
                raise CommandError(f"{key}: was not changed, {self._origin} applies already")
            if not is_reset:
                at = now.astimezone(UTC).isoformat(timespec="seconds")
                old = plain_value(before, key)
                values[key] = OwnerValue(asked, request.who, request.why, at, old)
            after = overlaid(base, values)
            check_startable(after)
            write_overlay(file, values)
        except SettingsError as error:
            raise CommandError(str(error)) from error
        restart = changes(before, after).restart
        reload()
        when = "after a restart, once no vehicle is served" if restart else "from the next vehicle"
        return f"{key} applies {when}", {
            "key": key,
            "value": plain_value(after, key),
            "before": plain_value(before, key),
            "restart": bool(restart),
        }


def _why_not(base: Settings, key: str, origin: str) -> str:
    """Why the owner may not change a key."""
    table, _, name = key.partition(".")
    found = getattr(base, table, None) if table in type(base).model_fields else None
    if found is None or name not in getattr(type(found), "model_fields", ()):
        return f"{key!r} is not a setting; `plategate settings --all` lists them"
    return f"{key}: can be changed in {origin} only"


def _layers(base: Settings) -> LayeredSettings[Settings]:
    commands = base.commands
    return layered(base, commands.owner_settings_file, allowed=commands.owner_settings)


def _asked(data: Mapping[str, Any]) -> tuple[str, Any, bool]:
    """Key, new value, and whether the change is taken back."""
    if unknown := sorted(data.keys() - KEYS):
        raise CommandError(f"data: {unknown[0]!r} is not a known key; known are key, value, reset")
    if not isinstance(data.get("key"), str):
        raise CommandError("data: key must name a setting, such as access.strictness")
    is_reset = data.get("reset", False)
    if not isinstance(is_reset, bool) or is_reset is ("value" in data):
        raise CommandError("data: needs either value, or reset = true")
    return data["key"], data.get("value"), is_reset
