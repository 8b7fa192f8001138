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
from plategate.health_socket import ask_status
from plategate.settings import DEFAULT_FILE, Settings, load_settings
from plategate.settings.health import HealthSettings
from plategate.settings.last_good import last_good_settings


def running_gate(config: Path | None) -> tuple[Settings, dict[str, Any], str | None]:
    """Its settings, its status, and a sentence where they are not those of the file.

    A right file that was named, and is not that of the installed gate, is the only place to ask.
    Raises GateError where no gate answers.
    """
    why: GateError
    try:
        settings = load_settings(config)
        return settings, ask_status(settings.health.socket), None
    except SettingsError as error:
        why, asked = error, set[Path]()
    except GateError as error:
        if config not in (None, DEFAULT_FILE):
            raise
        why, asked = error, {settings.health.socket}
    for others in _others(config):
        if others.health.socket in asked:
            continue
        asked.add(others.health.socket)
        try:
            document = ask_status(others.health.socket)
        except GateError as error:
            why = error if isinstance(why, SettingsError) else why
            continue
        return others, document, f"{why}; the gate that runs answers at {others.health.socket}"
    raise why


def _others(config: Path | None) -> Iterator[Settings]:
    if config is not None and (health := _health_of(config)) is not None:
        yield Settings(health=health)
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
