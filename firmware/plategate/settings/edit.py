# SPDX-License-Identifier: Apache-2.0
"""Change single keys of settings.toml; comments, order and all other keys stay as they are."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from plategate.errors import SettingsError, reason_of_own
from plategate.settings import DEFAULT_FILE, Settings, file_from_environment, parse_settings
from plategate.settings.reading import read_toml
from plategate.storage import replace_file

NEW_FILE_MODE = 0o640


def settings_file(chosen: Path | None) -> Path:
    """The file that `load_settings(chosen)` reads, whether it exists or not."""
    return chosen or file_from_environment() or DEFAULT_FILE


def edited(text: str, changes: Mapping[str, Any], origin: str) -> str:
    """`text` with the values of `changes`; keys are "table.key", None removes a key.

    Raises SettingsError if the result is not valid.
    """
    import tomlkit

    document = tomlkit.parse(text)
    for path, value in changes.items():
        *tables, key = path.split(".")
        table: Any = document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.table()
            table = table[name]
        if value is not None:
            table[key] = value
        elif key in table:
            del table[key]
    result = tomlkit.dumps(document)
    parse_settings(tomllib.loads(result), origin)
    return result


def edit_settings(file: Path, changes: Mapping[str, Any]) -> Settings:
    """Change keys of a file, keeping its owner and mode; returns the new settings.

    Raises SettingsError where the file cannot be read or written, or the result is not valid; the
    file is then unchanged.
    """
    file = file.resolve()
    text = ""
    if file.exists():
        read_toml(file)
        text = file.read_text(encoding="utf-8-sig")
    new = edited(text, changes, str(file))
    write_settings(file, new)
    return parse_settings(tomllib.loads(new), str(file))


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
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {reason_of_own(error)}") from error
