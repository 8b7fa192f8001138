# SPDX-License-Identifier: Apache-2.0
"""Change single keys of settings.toml; comments, order and all other keys stay as they are."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from plategate.durable_files import replace_file
from plategate.errors import SettingsError, reason_of_own
from plategate.settings import DEFAULT_FILE, Settings, file_from_environment, parse_settings
from plategate.settings.describe import as_toml
from plategate.settings.reading import read_toml

NEW_FILE_MODE = 0o640
_HEADER = re.compile(r"#?\s*\[")


def settings_file(chosen: Path | None) -> Path:
    """The file that `load_settings(chosen)` reads, whether it exists or not."""
    return chosen or file_from_environment() or DEFAULT_FILE


def edited(text: str, changes: Mapping[str, Any], origin: str) -> str:
    """`text` with the values of `changes`; keys are "table.key", None removes a key.

    A key that stands in the text as a comment is uncommented where it stands. Raises SettingsError
    if the result is not valid.
    """
    import tomlkit

    for path, value in changes.items():
        if value is not None and not _is_table(value):
            text = _uncommented(text, path, value)
        document = tomlkit.parse(text)
        *tables, key = path.split(".")
        table: Any = document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.table()
            table = table[name]
        if value is None:
            if key in table:
                del table[key]
        elif _is_table(value):
            table[key] = _tables(value, table.get(key, ()))
        elif key not in table or table[key] != value:
            table[key] = value
        text = tomlkit.dumps(document)
    parse_settings(tomllib.loads(text), origin)
    return text


def _is_table(value: Any) -> bool:
    """Whether a value is a list of tables."""
    return isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value)


def _tables(wanted: Sequence[Mapping[str, Any]], present: Iterable[Any]) -> Any:
    """Repeated tables; those that are there already keep their comments."""
    import tomlkit

    kept = list(present)
    tables = tomlkit.aot()
    for values in wanted:
        same = next((table for table in kept if table == values), None)
        if same is None:
            same = tomlkit.table()
            same.update(values)
        tables.append(same)
    return tables


def _uncommented(text: str, path: str, value: Any) -> str:
    """The text with a key set where it and its table stand as comments; else unchanged."""
    table, _, key = path.rpartition(".")
    lines = text.splitlines()
    if any(re.match(rf"\s*\[\s*{re.escape(table)}\s*\]", line) for line in lines):
        header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]")
    else:
        header = re.compile(rf"#\s*\[\s*{re.escape(table)}\s*\]")
    wanted = re.compile(rf"#\s*{re.escape(key)}\s*=")
    start = next((n for n, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        return text
    for number in range(start + 1, len(lines)):
        if _HEADER.match(lines[number]):
            return text
        if wanted.match(lines[number]):
            lines[start] = lines[start].lstrip("# ")
            lines[number] = f"{key} = {as_toml(value)}"
            return "\n".join((*lines, ""))
    return text


def edit_settings(file: Path, changes: Mapping[str, Any]) -> Settings:
    """Change keys of a file, keeping its owner and mode; returns the new settings.

    Raises SettingsError where the file cannot be read or written, or the result is not valid; the
    file is then unchanged.
    """
    file = file.resolve()
    new = text_after(file, changes)
    write_settings(file, new)
    return parse_settings(tomllib.loads(new), str(file))


def text_after(file: Path, changes: Mapping[str, Any]) -> str:
    """The text that a file would have after `edit_settings`. Raises SettingsError as that does."""
    text = ""
    if file.exists():
        read_toml(file)
        text = file.read_text(encoding="utf-8-sig")
    return edited(text, changes, str(file))


def write_settings(file: Path, text: str) -> None:
    """Replace the file durably, with the owner and mode of the old one. Raises SettingsError."""
    try:
        with suppress(FileNotFoundError):
            old = file.stat()
            replace_file(file, text.encode(), mode=stat.S_IMODE(old.st_mode))
            os.chown(file, old.st_uid, old.st_gid)
            file.chmod(stat.S_IMODE(old.st_mode))
            return
        replace_file(file, text.encode(), mode=NEW_FILE_MODE)
        if os.geteuid() == 0:  # the users of the units read it through the group of the folder
            os.chown(file, -1, file.parent.stat().st_gid)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {reason_of_own(error)}") from error
