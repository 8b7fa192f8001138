# SPDX-License-Identifier: Apache-2.0
"""Settings that the owner changed in the console: a JSON file of the gate, over settings.toml.

Only keys that their model marks with OWNER can be changed. A value that the file of the installer
makes invalid is left out and named; the gate starts without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic.fields import FieldInfo

from plategate.durable_files import replace_file
from plategate.errors import SettingsError, reason_of
from plategate.settings.base import SettingsModel
from plategate.settings.reading import check

Model = TypeVar("Model", bound=SettingsModel)

SCHEMA = 1
LARGEST_FILE_BYTES = 1_000_000
ORIGIN = "set in the console"


@dataclass(frozen=True, slots=True)
class OwnerValue:
    """A changed value as JSON types: who changed it, why and when, and the value before."""

    value: Any
    who: str
    why: str
    at: str
    before: Any


@dataclass(frozen=True, slots=True)
class LayeredSettings(Generic[Model]):
    """Settings in force: `base` is the installer's file, `owner` what applies over it.

    `ignored` are sentences about changed values that do not apply.
    """

    settings: Model
    base: Model
    owner: Mapping[str, OwnerValue]
    ignored: tuple[str, ...] = ()


def owner_fields(model: type[SettingsModel]) -> dict[str, FieldInfo]:
    """The keys that the owner may change, such as access.strictness."""
    return {
        f"{table}.{key}": field
        for table, inner in tables_of(model)
        for key, field in inner.model_fields.items()
        if is_owned(field)
    }


def is_owned(field: FieldInfo) -> bool:
    """Whether the owner may change the key."""
    marks = field.json_schema_extra
    return isinstance(marks, dict) and bool(marks.get("owner"))


def tables_of(model: type[SettingsModel]) -> Iterator[tuple[str, type[SettingsModel]]]:
    """Name and model of every table."""
    for table, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, SettingsModel):
            yield table, inner


def read_overlay(file: Path) -> dict[str, OwnerValue]:
    """The changed values by key; none where the file is missing or not for this user.

    Raises SettingsError naming a damaged file.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(LARGEST_FILE_BYTES + 1)
        if len(text) > LARGEST_FILE_BYTES:
            raise ValueError(f"has more than {LARGEST_FILE_BYTES} bytes")
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema = {document['schema']!r}, this version knows {SCHEMA}")
        return {key: OwnerValue(**value) for key, value in document["values"].items()}
    except (FileNotFoundError, PermissionError):
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else f"is damaged: {error}"
        raise SettingsError(
            f"{file}: {reason}; move it away, then change the settings again"
        ) from None


def write_overlay(file: Path, values: Mapping[str, OwnerValue]) -> None:
    """Store the changed values durably. Raises SettingsError naming the file."""
    document = {"schema": SCHEMA, "values": {key: asdict(values[key]) for key in sorted(values)}}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=1)
        replace_file(file, text.encode() + b"\n", mode=0o640)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {reason_of(error)}") from error


def overlaid(base: Model, values: Mapping[str, OwnerValue]) -> Model:
    """`base` with the changed values. Raises SettingsError naming key, value and limit."""
    allowed = owner_fields(type(base))
    if unknown := sorted(values.keys() - allowed.keys()):
        raise SettingsError(f"{unknown[0]}: can be changed in settings.toml only")
    raw = base.model_dump(exclude_unset=True)
    for name, item in values.items():
        table, _, key = name.partition(".")
        raw[table] = {**raw.get(table, {}), key: item.value}
    return check(type(base), raw, ORIGIN)


def layered(base: Model, file: Path, *, allowed: bool) -> LayeredSettings[Model]:
    """The settings in force; with `allowed` False, or a damaged file, those of the installer."""
    try:
        values = read_overlay(file)
    except SettingsError as error:
        return LayeredSettings(base, base, {}, (str(error),))
    if not values:
        return LayeredSettings(base, base, {})
    if not allowed:
        keys = ", ".join(sorted(values))
        sentence = f"{keys}: {ORIGIN}, but commands.owner_settings = false"
        return LayeredSettings(base, base, {}, (sentence,))
    try:
        return LayeredSettings(overlaid(base, values), base, values)
    except SettingsError:
        return _without_invalid(base, values)


def _without_invalid(base: Model, values: Mapping[str, OwnerValue]) -> LayeredSettings[Model]:
    """Apply value by value, and leave out those that are not valid together with the others."""
    settings, applied, ignored = base, dict[str, OwnerValue](), list[str]()
    for key, value in values.items():
        try:
            settings = overlaid(base, {**applied, key: value})
        except SettingsError as error:
            ignored.append(f"{error}; the value of settings.toml applies")
        else:
            applied[key] = value
    return LayeredSettings(settings, base, applied, tuple(ignored))
