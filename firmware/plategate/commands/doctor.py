# SPDX-License-Identifier: Apache-2.0
"""`plategate doctor`: what the gate needs, in green, amber or red with one sentence each.

Changes nothing. Ends with 1 where something is red.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plategate.doctor.findings import Finding, Machine


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("doctor")(doctor)


def doctor(
    config: Annotated[
        Path | None, typer.Option("--config", help="settings.toml; default: the one in force")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Look over machine, installation, settings and data, and say what to do."""
    from plategate.doctor.findings import Light, Machine

    findings = examine(config, Machine())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _print_for_people(findings)
    raise typer.Exit(1 if any(finding.light is Light.RED for finding in findings) else 0)


def examine(config: Path | None, machine: Machine) -> list[Finding]:
    """All findings; where the settings are wrong, the rest is looked at with the last good."""
    from plategate.doctor.board import board
    from plategate.doctor.findings import green, red
    from plategate.doctor.software import software
    from plategate.doctor.state import state
    from plategate.errors import SettingsError
    from plategate.gate.startable import load_startable
    from plategate.settings import Settings
    from plategate.settings.last_good import last_good_settings

    try:
        settings = load_startable(config)
        first = green("settings", f"{config or 'the ones in force'} are all right")
    except SettingsError as error:
        settings = last_good_settings() or Settings()
        sentence = str(error).replace("\n", "; ")
        first = red("settings", sentence, "mend the keys named here; see docs/settings.md")
    return [
        first,
        *software(settings, machine),
        *board(settings, machine),
        *state(settings, machine, config),
    ]


def _print_for_people(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from plategate.doctor.findings import Light

    colours = {Light.GREEN: "green", Light.AMBER: "yellow", Light.RED: "bold red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        text = escape(finding.sentence)
        if finding.remedy:
            text += f"\n[dim]→ {escape(finding.remedy)}[/]"
        light = f"[{colours[finding.light]}]{finding.light.value}[/]"
        table.add_row(light, finding.name, text)
    console = Console(highlight=False)
    console.print(table)
    counts = [sum(f.light is light for f in findings) for light in Light]
    console.print(f"{counts[0]} green, {counts[1]} amber, {counts[2]} red")
