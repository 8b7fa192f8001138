# SPDX-License-Identifier: Apache-2.0
"""The settings as page and API show them: value, limits, and where the value comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from plategate.console.lanes import Lane
from plategate.settings import Settings
from plategate.settings.describe import bound, choices_of, line_of, unit_of
from plategate.settings.overlay import LayeredSettings, OwnerValue, owner_fields, tables_of
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
    text = lane.source.text()
    return [
        shown_setting(found, f"{table}.{key}", field, text)
        for table, model in tables_of(Settings)
        for key, field in model.model_fields.items()
    ]


def shown_setting(
    found: LayeredSettings[Settings], key: str, field: FieldInfo, text: str
) -> ShownSetting:
    """One setting; `text` is that of the settings file."""
    table, _, name = key.partition(".")
    return ShownSetting(
        key=key,
        value=as_text(plain_value(found.settings, key)),
        description=field.description or "",
        unit=unit_of(name),
        limits=(bound(field, "ge", "gt"), bound(field, "le", "lt")),
        choices=tuple(str(choice) for choice in choices_of(field.annotation)),
        is_owned=key in owner_fields(Settings),
        owner=found.owner.get(key),
        line=line_of(text, key),
        is_set=name in getattr(found.base, table).model_fields_set,
    )


def plain_value(settings: Settings, key: str) -> Any:
    """The value of a key such as access.strictness as JSON types."""
    table, _, name = key.partition(".")
    return getattr(settings, table).model_dump(mode="json", include={name})[name]


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
