# SPDX-License-Identifier: Apache-2.0
"""Runs all checks of `plategate doctor`."""

from __future__ import annotations

from pathlib import Path

from plategate.doctor.board import board
from plategate.doctor.results import CheckResult, Machine, amber, green, red
from plategate.doctor.software import software
from plategate.doctor.state import state
from plategate.errors import SettingsError
from plategate.gate.startup import load_startable
from plategate.settings import Settings
from plategate.settings.last_good import last_good_settings


def examine(config: Path | None, machine: Machine) -> list[CheckResult]:
    """All results. With invalid settings the other checks use the last good ones."""
    try:
        settings = load_startable(config)
        first = green("settings", f"{config or 'the installed settings'} are valid")
        if old := settings.superseded_keys:
            sentence = f"{', '.join(old)}: superseded by plates.countries"
            first = amber("settings", sentence, "move the countries to [plates]")
    except SettingsError as error:
        settings = last_good_settings() or Settings()
        sentence = str(error).replace("\n", "; ")
        first = red("settings", sentence, "correct the keys named here; see docs/settings.md")
    return [
        first,
        *software(settings, machine),
        *board(settings, machine),
        *state(settings, machine, config),
    ]
