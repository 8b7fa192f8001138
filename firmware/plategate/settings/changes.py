# SPDX-License-Identifier: Apache-2.0
"""Find the keys that differ between two settings, and which of them a running gate can adopt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from plategate.settings import Settings
from plategate.settings.base import LIVE, SettingsModel


@dataclass(frozen=True, slots=True)
class Changes:
    """The full names of differing keys: live ones, and ones that need a restart."""

    live: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All differing keys."""
        return self.live + self.restart


def is_live(field: FieldInfo) -> bool:
    """Whether the key, or every key of the table, is adopted at a reload."""
    marks = field.json_schema_extra
    return isinstance(marks, dict) and marks.get("reload") == LIVE["reload"]


def changes(before: Settings, after: Settings) -> Changes:
    """The differing keys; an added or removed table, and a list of tables, count as one key."""
    found = list(_differences(before, after, "", live=False))
    return Changes(
        live=tuple(key for key, live in found if live),
        restart=tuple(key for key, live in found if not live),
    )


def _differences(before: Any, after: Any, prefix: str, live: bool) -> Iterator[tuple[str, bool]]:
    for name, field in type(before).model_fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        key, key_is_live = f"{prefix}{name}", live or is_live(field)
        if isinstance(old, SettingsModel) and type(old) is type(new):
            yield from _differences(old, new, f"{key}.", key_is_live)
        else:
            yield key, key_is_live
