# SPDX-License-Identifier: Apache-2.0
"""Find the running gate and request its status, whichever settings it uses.

A gate that refused the present settings file runs with the last good settings, and its socket is
the one that those name; without last good settings, the one that the refused file names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plategate.errors import GateError, SettingsError
from plategate.health.socket import ask_status
from plategate.settings import DEFAULT_FILE, Settings, load_settings
from plategate.settings.health import HealthSettings
from plategate.settings.last_good import last_good_settings


def running_gate(config: Path | None) -> tuple[Settings, dict[str, Any], str | None]:
    """The gate's settings, its status, and a sentence if the settings are not those of the file.

    With a `config` that is not the file of the installed gate only its socket is tried. Raises
    GateError if no gate answers.
    """
    wrong: list[str] = []
    asked: set[Path] = set()
    for settings in _candidates(config, wrong):
        socket = settings.health.socket
        if socket in asked:
            continue
        asked.add(socket)
        try:
            document = ask_status(socket)
        except GateError as error:
            wrong.append(str(error))
            continue
        where = f"; the running gate answers at {socket}"
        return settings, document, f"{wrong[0]}{where}" if wrong else None
    raise GateError("; ".join(wrong[:2]))


def _candidates(config: Path | None, wrong: list[str]) -> Iterator[Settings]:
    """Settings that a gate may use, the most likely first; errors are added to `wrong`."""
    file = config or DEFAULT_FILE
    try:
        yield load_settings(config)
    except SettingsError as error:
        wrong.append(str(error))
        if (health := _health_of(file)) is not None:
            yield Settings(health=health)
    if file != DEFAULT_FILE:
        return
    if (good := last_good_settings()) is not None:
        yield good
    yield Settings()


def _health_of(file: Path) -> HealthSettings | None:
    """The [health] table of a file with an error elsewhere; None if it cannot be read."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        return HealthSettings.model_validate(raw.get("health", {}))
    except (OSError, ValueError):
        return None
