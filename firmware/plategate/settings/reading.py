# SPDX-License-Identifier: Apache-2.0
"""Read a TOML file, check it against a model, and name every error in plain words.

Used for settings and scenarios. A message names file, key, value and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from plategate.errors import SettingsError, reason_of, reason_of_own
from plategate.settings.base import SettingsModel

Model = TypeVar("Model", bound=SettingsModel)

# User name and password, or the query, of an address: messages reach logs and the status.
SECRET_OF_URL = re.compile(r"(://)[^\s'\"]*(?=@)|(?<=\?)[^\s'\"]+")
LARGEST_FILE = 1_000_000  # characters
LONGEST_VALUE = 60  # characters of a value in a message

# By pydantic's type of error; {names} are filled from its context.
SENTENCES = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "string_unicode": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}
TABLE_ERRORS = {"model_type", "model_attributes_type", "dict_type"}
LIST_ERRORS = {"tuple_type", "list_type", "set_type", "frozen_set_type"}


def read_secret(file: Path | None) -> str | None:
    """The text of a file such as password_file, without line end; None without a file.

    Raises SettingsError naming the file.
    """
    try:
        return None if file is None else file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: cannot be read: {reason_of(error)}") from error


def read_toml(file: Path) -> dict[str, Any]:
    """Parse a TOML file in UTF-8, with or without a byte order mark.

    Raises SettingsError naming the file.
    """
    try:
        with file.open(encoding="utf-8-sig") as stream:
            text = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {reason_of_own(error)}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    if len(text) > LARGEST_FILE:
        raise SettingsError(f"{file}: has more than {LARGEST_FILE} characters")
    if not text.strip():
        # A power cut can leave a just-saved file empty; the defaults would have no line wired.
        raise SettingsError(f"{file}: is empty; write a line with # alone to use the defaults")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SettingsError(f"{file}: not valid TOML: nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    except ValueError:  # more digits than Python converts
        raise SettingsError(f"{file}: not valid TOML: a number is too long") from None


def check(model: type[Model], raw: dict[str, Any], origin: str) -> Model:
    """The checked model; SettingsError has one line per error, each beginning with `origin`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(origin, error))) from None
    except RecursionError:
        raise SettingsError(f"{origin}: nested too deeply") from None


def _lines(origin: str, error: ValidationError) -> Iterator[str]:
    for item in error.errors():
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            continue  # only because pydantic leaves out the invalid entries, which are named
        key = ".".join(_printable(str(part)) for part in item["loc"])
        # The error of a check across tables has no key: its sentence names them.
        yield f"{origin}: {_sentence(key, item).removeprefix(': ')}"


def _sentence(key: str, item: Any) -> str:
    kind, value = item["type"], item["input"]
    if kind in ("extra_forbidden", "missing"):
        return f"{key}: {SENTENCES[kind]}"
    if kind in TABLE_ERRORS:
        brackets = f"; write [{key}], not [[{key}]]" if isinstance(value, list) else ""
        return f"{key} = {_shown(value)}: must be a table{brackets}"
    if kind in LIST_ERRORS and isinstance(value, dict):
        return f"{key}: must be a list of tables; write [[{key}]], not [{key}]"
    if kind in LIST_ERRORS:
        return f"{key} = {_shown(value)}: must be a list in brackets"
    # A message about contradicting keys names them; printing the whole table would hide it.
    shown = "" if isinstance(value, dict) else f" = {_shown(value)}"
    if kind in SENTENCES:
        return f"{key}{shown}: {SENTENCES[kind].format(**item.get('ctx', {}))}"
    return f"{key}{shown}: {item['msg'].removeprefix('Value error, ')}"


def _shown(value: Any) -> str:
    """A value as it is shown in a message; a long one is cut."""
    try:
        text = SECRET_OF_URL.sub(r"\1…", repr(value))
    except RecursionError:
        return "…"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)
