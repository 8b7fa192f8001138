# SPDX-License-Identifier: Apache-2.0
"""The settings as page and API show them: value, limits, and where the value comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from plategate.console.lanes import Lane
from plategate.settings import Settings
from plategate.settings.describe import bound, choices_of, lines_of, plain_value, unit_of
from plategate.settings.overlay import LayeredSettings, OwnerValue, is_owned, tables_of
from plategate.settings.reading import SECRET_OF_URL

LONGEST_SHOWN = 400


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A key with its value as text, its limits, and where the value comes from.

    `owner` is the change that applies; `line` is that of the key in the file, None where it has
    none; `is_set` says whether the file sets the key.
    """

    key: str
    value: str
    description: str
    unit: str
    limits: tuple[str, str]
    choices: tuple[str, ...]
    is_owned: bool
    owner: OwnerValue | None
    line: int | None
    is_set: bool


def shown_settings(lane: Lane, found: LayeredSettings[Settings]) -> list[ShownSetting]:
    """Every setting of a lane, table by table."""
    lines = lines_of(lane.source.text())
    return [
        shown_setting(found, f"{table}.{key}", field, lines)
        for table, model in tables_of(Settings)
        for key, field in model.model_fields.items()
    ]


def shown_setting(
    found: LayeredSettings[Settings], key: str, field: FieldInfo, lines: Mapping[str, int]
) -> ShownSetting:
    """One setting; `lines` are those of the settings file by key."""
    table, _, name = key.partition(".")
    return ShownSetting(
        key=key,
        value=as_text(plain_value(found.settings, key)),
        description=field.description or "",
        unit=unit_of(name),
        limits=(bound(field, "ge", "gt"), bound(field, "le", "lt")),
        choices=tuple(str(choice) for choice in choices_of(field.annotation)),
        is_owned=is_owned(field),
        owner=found.owner.get(key),
        line=lines.get(key),
        is_set=name in getattr(found.base, table).model_fields_set,
    )


def as_text(value: Any) -> str:
    """A value as it is shown; without the secrets of an address, and cut where it is long."""
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        text = ", ".join(str(item) for item in value)
    elif isinstance(value, list) and all(
        isinstance(item, dict) and set(item) == {"hours", "mode"} for item in value
    ):
        text = "; ".join(f"{item['mode']} {item['hours']}" for item in value)
    elif isinstance(value, str):
        text = value
    elif value is None:
        text = ""
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = SECRET_OF_URL.sub(r"\1…", text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
