# SPDX-License-Identifier: Apache-2.0
"""The form field of a setting: how a value is entered, and the value that was entered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from pydantic.fields import FieldInfo

from plategate.console.accounts import InputError
from plategate.settings.base import SettingsModel
from plategate.settings.describe import bound, choices_of

LONGEST_LINES = 3000  # the command socket takes 4096 bytes


@dataclass(frozen=True, slots=True)
class FormField:
    """`kind` is choice, switch, number, lines, windows, numbers or text; `text` the value."""

    kind: str
    text: str
    choices: tuple[str, ...] = ()
    least: str = ""
    most: str = ""
    step: str = "1"


def form_of(field: FieldInfo, value: Any) -> FormField:
    """The form field for a setting that has this value as JSON types."""
    kind = _kind(field)
    if kind == "choice":
        return FormField(
            kind, str(value), tuple(str(item) for item in choices_of(field.annotation))
        )
    if kind == "switch":
        return FormField(kind, "true" if value else "false")
    if kind == "number":
        whole = field.annotation is int
        low, high = bound(field, "ge"), bound(field, "le")
        return FormField(kind, str(value), (), low, high, "1" if whole else "any")
    if kind == "windows":
        return FormField(kind, "\n".join(f"{item['mode']} {item['hours']}" for item in value))
    if kind in ("lines", "numbers"):
        return FormField(kind, ("\n" if kind == "lines" else " ").join(map(str, value)))
    return FormField(kind, str(value))


def value_of(field: FieldInfo, form: dict[str, str]) -> Any:
    """The entered value as JSON types; the gate checks its limits. Raises InputError."""
    text = form.get("value", "").replace("\r\n", "\n").strip()
    if len(text.encode()) > LONGEST_LINES:
        raise InputError("setting_long")
    kind = _kind(field)
    try:
        if kind == "switch":
            return {"true": True, "false": False}[text]
        if kind == "number":
            return int(text) if field.annotation is int else float(text.replace(",", "."))
        if kind == "numbers":
            return [float(item) for item in text.replace(",", " ").split()]
        if kind == "windows":
            return [_window(line) for line in _lines(text)]
    except (ValueError, KeyError):
        raise InputError("setting_value") from None
    return _lines(text) if kind == "lines" else text


def _kind(field: FieldInfo) -> str:
    if choices_of(field.annotation):
        return "choice"
    if field.annotation is bool:
        return "switch"
    if field.annotation in (int, float):
        return "number"
    items = [item for item in get_args(field.annotation) if item is not Ellipsis]
    if not items:
        return "text"
    if isinstance(items[0], type) and issubclass(items[0], SettingsModel):
        return "windows"
    return "numbers" if items[0] is float else "lines"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _window(line: str) -> dict[str, str]:
    mode, _, hours = line.partition(" ")
    if not hours.strip():
        raise ValueError(line)
    return {"hours": hours.strip(), "mode": mode}
