# SPDX-License-Identifier: Apache-2.0
"""Runs all checks of `plategate doctor`."""

from __future__ import annotations

from pathlib import Path

from plategate.doctor.board import board
from plategate.doctor.results import CheckResult, Machine, RunningGate, amber, green, red
from plategate.doctor.software import software
from plategate.doctor.state import state
from plategate.errors import GateError, SettingsError
from plategate.gate.startup import startable_layers
from plategate.health.running_gate import running_gate
from plategate.settings import Settings, load_layers
from plategate.settings.last_good import last_good_settings
from plategate.settings.overlay import LayeredSettings


def examine(config: Path | None, machine: Machine) -> list[CheckResult]:
    """All results. With invalid settings the other checks use the last good ones.

    Settings that the user may not read are the only result: the others would be about defaults.

    What the running gate knows about itself is taken from its status, because a shell has other
    rights than the service. Nothing is written.
    """
    try:
        name = str(config or "installed settings")
        found = startable_layers(load_layers(config), name)
        settings = found.settings
        first = green("settings", f"{name}: valid{_changed(found)}")
        if found.ignored:
            sentence = "; ".join(found.ignored)
            first = amber("settings", sentence, "plategate settings; change or reset them")
        elif old := settings.superseded_keys:
            sentence = f"{', '.join(old)}: superseded by plates.countries"
            first = amber("settings", sentence, "move the countries to [plates]")
    except SettingsError as error:
        if isinstance(error.__cause__, PermissionError):
            return [red("settings", str(error), "sudo plategate doctor")]
        settings = last_good_settings() or Settings()
        sentence = str(error).replace("\n", "; ")
        first = red("settings", sentence, "correct the keys named here; see settings.md")
    gate = _running_gate(config)
    return [
        first,
        *software(settings, machine),
        *board(settings, machine, gate),
        *state(settings, machine, gate),
    ]


def _changed(found: LayeredSettings[Settings]) -> str:
    """The values that the owner changed, with who and when; "" where there are none."""
    changed = [f"{key} by {item.who}, {item.at[:10]}" for key, item in found.owner.items()]
    return f"; set in the console: {'; '.join(changed)}" if changed else ""


def _running_gate(config: Path | None) -> RunningGate:
    try:
        _, status, other_settings = running_gate(config)
    except GateError as error:
        return RunningGate(reason=str(error))
    return RunningGate(status, other_settings=other_settings)
