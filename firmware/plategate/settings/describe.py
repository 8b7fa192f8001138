# SPDX-License-Identifier: Apache-2.0
"""Describe settings in words: allowed values with unit, kinds, and where a key is in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from plategate.settings.base import SettingsModel

UNITS = {
    "_ms": "ms",
    "_s": "s",
    "_px": "px",
    "_mb": "MB",
    "_cm": "cm",
    "_m": "m",
    "_days": "days",
    "_hours": "h",
    "_minutes": "min",
    "_percent": "%",
    "_bytes": "bytes",
    "_us": "us",
    "_hz": "Hz",
}
KINDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
}
_HEADER = re.compile(r"\s*(#?)\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}")
_KEY = re.compile(r"\s*(#?)\s*([\w-]+)\s*=")


def as_toml(value: Any) -> str:
    """One value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def unit_of(key: str) -> str:
    """The unit at the end of a key; "" where it has none."""
    return next((unit for end, unit in UNITS.items() if key.endswith(end)), "")


def limits_of(key: str, field: FieldInfo) -> str:
    """The allowed values, with unit."""
    choices = [
        as_toml(choice.value if isinstance(choice, Enum) else choice)
        for choice in choices_of(field.annotation)
    ]
    if choices:
        return " or ".join(choices)
    low = bound(field, "ge", "gt", "min_length")
    high = bound(field, "le", "lt", "max_length")
    parts = [f"{low or ''}…{high or ''}" if low or high else kind_of(field.annotation)]
    pattern = next((m.pattern for m in field.metadata if getattr(m, "pattern", None)), None)
    if pattern:
        parts = [f"matches `{pattern}`"]
    return f"{' '.join(parts)} {unit_of(key)}".strip()


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal or an Enum, also inside an optional."""
    for candidate in (annotation, *get_args(annotation)):
        if get_origin(candidate) is Literal:
            return get_args(candidate)
        if isinstance(candidate, type) and issubclass(candidate, Enum):
            return tuple(candidate)
    return ()


def bound(field: FieldInfo, *names: str) -> str:
    """One limit of the allowed range; > and < mark exclusive limits."""
    for item in field.metadata:
        for name in names:
            value = getattr(item, name, None)
            if value is not None:
                return {"gt": ">", "lt": "<"}.get(name, "") + str(value)
    return ""


def kind_of(annotation: Any) -> str:
    """The type of a value in plain words."""
    if annotation in KINDS:
        return KINDS[annotation]
    inner = [kind_of(item) for item in get_args(annotation) if item not in (type(None), Ellipsis)]
    if get_origin(annotation) in (tuple, list, frozenset, set):
        return f"list of {inner[0]}"
    return " or ".join(dict.fromkeys(inner)) or "text"


def inner_model(field: FieldInfo) -> tuple[type[SettingsModel] | None, bool]:
    """The model of a field that is a table, and whether the table may be repeated."""
    candidates = [field.annotation, *get_args(field.annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, SettingsModel):
            return candidate, get_origin(field.annotation) is tuple
    return None, False


def first_sentence(model: type[SettingsModel]) -> str:
    """The first sentence of the model's docstring."""
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def plain_value(settings: SettingsModel, key: str) -> Any:
    """The value of a key such as access.strictness as JSON types."""
    table, _, name = key.partition(".")
    return getattr(settings, table).model_dump(mode="json", include={name})[name]


def lines_of(text: str) -> dict[str, int]:
    """The line of each key such as camera.day.gain in a settings file, and of each table.

    A line that is set counts before a comment; that of a table is the first after its header.
    Missing are keys that the file does not name, or only in a form that this does not read (dotted
    keys, inline tables).
    """
    present = ""
    comments: dict[str, int] = {}
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            present = header[2]
            continue
        found.setdefault(present, number)
        if key := _KEY.match(line):
            lines = comments if key[1] else found
            lines.setdefault(f"{present}.{key[2]}", number)
    return comments | found
