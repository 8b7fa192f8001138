# SPDX-License-Identifier: Apache-2.0
"""`plategate doctor`: check everything that the gate needs; one green, amber or red line each.

Changes nothing. Exit status 1 if a line is red.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.doctor.results import CheckResult


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("doctor")(doctor)


def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check machine, installation, settings and data, and say what to do."""
    from plategate.doctor.examine import examine
    from plategate.doctor.results import Light, Machine

    results = examine(config, Machine())
    if as_json:
        print(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        _print_table(results)
    raise typer.Exit(1 if any(result.light is Light.RED for result in results) else 0)


def _print_table(results: list[CheckResult]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from plategate.doctor.results import Light
    from plategate.terminal.console import Console

    colours = {Light.GREEN: "green", Light.AMBER: "yellow", Light.RED: "bold red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for result in results:
        text = escape(result.sentence)
        if result.remedy:
            text += f"\n[dim]→ {escape(result.remedy)}[/]"
        light = f"[{colours[result.light]}]{result.light.value}[/]"
        table.add_row(light, result.name, text)
    console = Console(highlight=False)
    console.print(table)
    counts = [sum(result.light is light for result in results) for light in Light]
    console.print(f"{counts[0]} green, {counts[1]} amber, {counts[2]} red")
