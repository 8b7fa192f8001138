# SPDX-License-Identifier: Apache-2.0
"""Find the gate that runs, by whichever settings it goes, and ask how it is.

A gate that refused what the file says by now runs on with its last good settings, and answers
where they say; one that has none, where the file says all the same.
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
    """Its settings, its status, and a sentence where they are not those of the file.

    A file that was named and is not that of the installed gate is the only place to ask. Raises
    GateError where no gate answers.
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
        where = f"; the gate that runs answers at {socket}"
        return settings, document, f"{wrong[0]}{where}" if wrong else None
    raise GateError("; ".join(wrong[:2]))


def _candidates(config: Path | None, wrong: list[str]) -> Iterator[Settings]:
    """Settings that a gate may go by, the likeliest first; `wrong` gets what is not right."""
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
    """The [health] table alone of a file that is wrong elsewhere."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        return HealthSettings.model_validate(raw.get("health", {}))
    except (OSError, ValueError):
        return None
