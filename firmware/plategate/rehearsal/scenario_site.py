# SPDX-License-Identifier: Apache-2.0
"""Turn the [site] table of a scenario into settings: mock pins, lane, barrier, own state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plategate.rehearsal.scenario_file import SiteTable
from plategate.settings import Settings
from plategate.settings.access import AccessSettings
from plategate.settings.journal import JournalSettings
from plategate.settings.pins import PinsSettings

FIRST_LINE = 9
LAST_LINE = 27
RELAY_LINES = {"open_relay": 17, "close_relay": 27}


def site_settings(site: SiteTable, state: Path) -> Settings:
    """Settings of the rehearsed site."""
    return Settings(
        pins=_pins(site),
        lane=site.lane,
        barrier=site.barrier,
        access=AccessSettings(
            file=state / "lists.sqlite",
            visits_file=state / "visits.sqlite",
            clock_stamp=state / "clock-stamp",
            zone="UTC",
        ),
        journal=JournalSettings(dir=state, evidence="none"),
    )


def _pins(site: SiteTable) -> PinsSettings:
    free = [line for line in range(FIRST_LINE, LAST_LINE) if line not in RELAY_LINES.values()]
    table: dict[str, Any] = {"backend": "mock"}
    for name, line in RELAY_LINES.items():
        if name == "open_relay" or site.barrier.style == "open_and_close":
            table[name] = {"pin": line}
    contacts: list[str] = [name for name in site.inputs if name != "distance"]
    if site.limit_switches:
        contacts += ["arm_up", "arm_down"]
    for name in contacts:
        table[name] = {"pin": free.pop(0)}
    if "distance" in site.inputs:
        table["distance"] = {"trigger": free.pop(0), "echo": free.pop(0)}
    return PinsSettings.model_validate(table)
